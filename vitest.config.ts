import { globSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { findChromium } from './scripts/find-chromium.ts';
import { LongestFirst } from './test/support/longest-first.ts';

const isLong = '{src,test}/**/*.long.test.ts';
const isFuzz = 'test/hostile/*.test.ts';
/** They hold the memory of a process, or a time, against a bound. */
const isMeasured = [
  'test/cost/*.long.test.ts',
  'test/console/{crowd,flood}.long.test.ts',
  'test/{faulty-neighbours,hostile-tcp,outage,overload,slow-reader,small-heap,udp-flood}.long.test.ts',
];
/** They count the timers of their process: what others left there, such as a connection that is kept, would be counted. */
const isClocked = globSync('src/**/*.test.ts', { cwd: import.meta.dirname }).filter((path) =>
  /useFakeTimers|getActiveResourcesInfo/.test(
    readFileSync(`${import.meta.dirname}/${path}`, 'utf8'),
  ),
);
/** They measure the heap of their process, or take all that it has: each has one of its own. */
const isAlone = ['src/postgres/database.test.ts', 'src/workers/worker-data-plane.test.ts'];

/** The browser of the tests of the console; null where there is none. */
const chromium = findChromium();
/** Where there is no browser these are not run, and it is said. */
const isUnseen = chromium === null ? ['test/console/*.test.ts'] : [];

if (chromium === null)
  process.stderr.write('The console is not tested: no Chromium, nor KODAMA_TEST_CHROMIUM.\n');

/**
 * `npm test` runs three projects: `quick` has the unit tests, which stand beside their file, and those that speak to a
 * running kodama; they load the sources once for all files of a process, since modules keep no state. So does
 * `clocked`, whose time is made; the few of `alone` can not share their process. What takes long is for
 * `npm run test:slow`: of these, the tests with the tag `long`, which leave others of their file or kind to `npm test`;
 * and the files of `slow`, which start kodamas as users do, again and again, or have volume, or make all runs of a
 * fuzz. Those of `measured` run one after the other, in `npm run test:long`.
 * The time-outs only guard against a hang; a test waits for conditions with deadlines of its own.
 */
export default defineConfig({
  test: {
    globalSetup: './test/support/postgres-server.ts',
    pool: 'forks',
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    testTimeout: 180_000,
    hookTimeout: 180_000,
    provide: { chromium },
    tags: [{ name: 'long', description: 'Of npm run test:slow, in a file of quick ones.' }],
    projects: [
      {
        extends: true,
        test: {
          name: 'quick',
          include: ['{src,test}/**/*.test.ts'],
          exclude: [isLong, ...isAlone, ...isClocked, ...isUnseen],
          isolate: false,
          provide: { fuzzShare: 0.1 },
        },
      },
      {
        extends: true,
        test: { name: 'clocked', include: isClocked, exclude: [isLong], isolate: false },
      },
      {
        extends: true,
        test: { name: 'alone', include: isAlone },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          include: [isLong, isFuzz],
          exclude: [...isMeasured, ...isUnseen],
          isolate: false,
          testTimeout: 300_000,
          // Most of them wait, for what has its time.
          maxWorkers: 5,
          sequence: { groupOrder: 1 },
          provide: { fuzzShare: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'measured',
          include: isMeasured,
          exclude: isUnseen,
          testTimeout: 300_000,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
