import { defineConfig } from 'vitest/config'

/** The tests of the package as it is published: npm run test:package. */
export default defineConfig({
  test: {
    include: ['test/package/*.test.ts'],
    globalSetup: ['test/package/setup.ts'],
    // They run programs and measure time.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
