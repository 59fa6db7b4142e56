import { defineConfig } from 'vitest/config';

/**
 * Two projects: `unit` tests stand beside their file, `product` tests speak to a running kodama.
 * The time-outs only guard against a hang; a test waits for conditions with deadlines of its own.
 */
export default defineConfig({
  test: {
    globalSetup: './test/support/postgres-server.ts',
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['src/**/*.test.ts'] } },
      { extends: true, test: { name: 'product', include: ['test/**/*.test.ts'] } },
    ],
  },
});
