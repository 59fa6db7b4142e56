import { expect, test } from 'vitest';
import { FaultTurns, type FaultWork } from './fault-turns.ts';

const turnOf = () => new Promise((next) => setImmediate(next));

/** Steps that take a millisecond each by a clock of their own. */
function world(turnMs: number) {
  const clock = { ms: 0 };
  const turns = new FaultTurns(turnMs, () => clock.ms);
  const log: string[] = [];
  const workOf = (name: string, steps: number): FaultWork & { left: number } => ({
    left: steps,
    goOn() {
      while (this.left > 0 && turns.hasTime) {
        this.left -= 1;
        clock.ms += 1;
        log.push(name);
      }
      if (this.left > 0) turns.later(this);
    },
  });
  return { clock, turns, log, workOf };
}

test('a turn of the loop is over after its time, and the next one goes on', async () => {
  const { turns, log, workOf, clock } = world(16);
  const work = workOf('a', 100);
  turns.begin();
  work.goOn();
  const first = log.length;
  expect(first).toBeLessThan(16);
  for (let turn = 1; work.left > 0; turn += 1) {
    const before = clock.ms;
    await turnOf();
    expect(clock.ms - before).toBeLessThanOrEqual(17);
    expect(turn).toBeLessThan(20);
  }
  expect(log).toHaveLength(100);
});

test('those who have work left take turns', async () => {
  const { turns, log, workOf } = world(32);
  const all = [workOf('a', 50), workOf('b', 50), workOf('c', 4)];
  for (const work of all) turns.later(work);
  while (all.some(({ left }) => left > 0)) await turnOf();
  expect(log.lastIndexOf('c')).toBeLessThan(20);
  expect(Math.abs(log.lastIndexOf('a') - log.lastIndexOf('b'))).toBeLessThan(5);
});

test('who has gone is not called any more', async () => {
  const { turns, log, workOf } = world(32);
  const work = workOf('a', 5);
  turns.later(work);
  expect(turns.isWaiting(work)).toBe(true);
  turns.forget(work);
  await turnOf();
  await turnOf();
  expect([log, turns.isWaiting(work)]).toEqual([[], false]);
});
