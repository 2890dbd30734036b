import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/package/**'], // npm run test:package
    pool: 'forks',
    execArgv: ['--expose-gc'],
    testTimeout: 120_000,
  },
})
