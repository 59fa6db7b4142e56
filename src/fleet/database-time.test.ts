import { expect, test } from 'vitest';
import { keepingLogger } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { monotonic } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { DatabaseTime } from './database-time.ts';

const day = 86_400_000_000;
/** A slow machine reads two clocks a while apart. */
const slack = 5_000_000;

test('it is the database’s, follows it either way, and goes on while that is away', async () => {
  const logger = keepingLogger();
  await using time = new DatabaseTime({ everyMs: 1, logger });
  expect(() => time.now()).toThrow('not known yet');
  let ahead = 1000 * day;
  let looks = 0;
  let isAway = false;
  const rows = {
    async time() {
      looks += 1;
      if (isAway) throw new AppError('unavailable', 'away');
      return monotonic() + ahead;
    },
  };
  const looked = async () => {
    const before = looks;
    await waitFor('two looks', () => looks > before + 1);
  };
  const passed = () => time.now() - monotonic();
  await time.start(rows);
  expect(Math.abs(passed() - ahead)).toBeLessThan(slack);
  for (const next of [1001 * day, 999 * day]) {
    ahead = next;
    await looked();
    expect(Math.abs(passed() - ahead)).toBeLessThan(slack);
  }
  isAway = true;
  await looked();
  expect(Math.abs(passed() - ahead)).toBeLessThan(slack);
  expect(logger.lines).toEqual([]);
});
