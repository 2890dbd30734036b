import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/package/**'], // npm run test:package
    pool: 'forks',
    maxWorkers: availableParallelism(), // vitest itself would leave one core idle
    execArgv: ['--expose-gc'],
    testTimeout: 600_000, // the longest walk every kernel in the code of every machine
  },
})
