import { defineConfig } from 'vitest/config';

const isLong = '{src,test}/**/*.long.test.ts';
const isProcess = 'test/process/*.long.test.ts';
const isFuzz = 'test/hostile/*.test.ts';
/** They measure the heap of their process, or take all that it has: each has one of its own. */
const isAlone = [
  'src/postgres/database.test.ts',
  'src/workers/worker-data-plane.test.ts',
];

/**
 * `npm test` runs three projects: `pure` and `unit` tests stand beside their file, `product` tests speak to a running
 * kodama, which they load once for all files of a worker. What takes long is for `npm run test:long`: the `slow` ones
 * start kodamas as users do, again and again, or make all runs of a fuzz, and the worth of the `long` ones lies in
 * their volume. These measure, so they run one after the other, behind all others.
 * The time-outs only guard against a hang; a test waits for conditions with deadlines of its own.
 */
export default defineConfig({
  test: {
    globalSetup: './test/support/postgres-server.ts',
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts'],
          exclude: [isLong, ...isAlone],
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: isAlone },
      },
      {
        extends: true,
        test: {
          name: 'product',
          include: ['test/**/*.test.ts'],
          exclude: [isLong],
          isolate: false,
          provide: { fuzzShare: 0.1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          include: [isProcess, isFuzz],
          isolate: false,
          provide: { fuzzShare: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: [isLong],
          exclude: [isProcess],
          testTimeout: 300_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
