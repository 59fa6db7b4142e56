import { expect, test } from 'vitest';
import { Alarm, monotonicMs } from './alarm.ts';

test('on a real clock an alarm never rings early, and rings once', async () => {
  const early: number[] = [];
  let rung = 0;
  const ring = (waitMs: number) =>
    new Promise<void>((resolve) => {
      const due = monotonicMs() + waitMs;
      const alarm = new Alarm(() => {
        rung += 1;
        if (monotonicMs() < due) early.push(waitMs);
        resolve();
      });
      alarm.set(due);
    });
  const waits = Array.from({ length: 200 }, (_, count) => 0.7 + count / 7);
  await Promise.all(waits.map(ring));
  expect(early).toEqual([]);
  expect(rung).toBe(200);
});

test('one that is set again rings at the new time only, and one that is cleared not at all', async () => {
  const rung: string[] = [];
  await new Promise<void>((resolve) => {
    const cleared = new Alarm(() => rung.push('cleared'));
    const moved = new Alarm(() => rung.push('moved'));
    const last = new Alarm(resolve);
    const now = monotonicMs();
    cleared.set(now + 1);
    moved.set(now + 1);
    moved.set(now + 3);
    cleared.clear();
    last.set(now + 30);
  });
  expect(rung).toEqual(['moved']);
});
