import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/package/**'], // npm run test:package
    pool: 'forks',
    maxWorkers: availableParallelism(), // vitest itself would leave one core idle
    execArgv: ['--expose-gc'],
    testTimeout: 120_000,
  },
})
