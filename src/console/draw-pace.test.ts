import { expect, test } from 'vitest';
import { DrawPace } from './draw-pace.ts';

/** Time that passes when it is told to, a frame each 16 ms, and drawings of a cost that is given. */
function world(costMs: number) {
  let now = 0;
  const due: { at: number; callback: () => void }[] = [];
  const drawings: number[] = [];
  const at = (delayMs: number, callback: () => void) => due.push({ at: now + delayMs, callback });
  const pace = new DrawPace({
    draw: () => drawings.push(now),
    now: () => now,
    onFrame: (callback) => at(16 - (now % 16), callback),
    afterFrame: (callback) => at(costMs, callback),
    onTimer: (callback, delayMs) => at(delayMs, callback),
  });
  const pass = (toMs: number, each: () => void) => {
    for (; now < toMs; now++) {
      each();
      for (const one of due.splice(0)) {
        if (one.at <= now) one.callback();
        else due.push(one);
      }
    }
  };
  return { pace, drawings, pass };
}

test('what costs little is drawn at once, and then three times in the first second', () => {
  const { pace, drawings, pass } = world(1);
  pass(1000, () => pace.ask());
  expect(drawings.length).toBeGreaterThanOrEqual(3);
  expect(drawings.length).toBeLessThanOrEqual(4);
  pass(2000, () => undefined);
  const seen = drawings.length;
  pace.ask();
  pass(2020, () => undefined);
  expect(drawings.length).toBe(seen + 1);
});

test('what costs much takes a share of the time', () => {
  const { pace, drawings, pass } = world(40);
  pass(10_000, () => pace.ask());
  expect((drawings.length * 40) / 10_000).toBeLessThan(0.15);
  expect((drawings.length * 40) / 10_000).toBeGreaterThan(0.08);
});

test('however much it costs, it is drawn about once a second', () => {
  const { pace, drawings, pass } = world(500);
  pass(15_000, () => pace.ask());
  expect(drawings.length).toBeGreaterThanOrEqual(9);
});

test('the last change is drawn, and then nothing', () => {
  const { pace, drawings, pass } = world(40);
  pass(20, () => pace.ask());
  pass(2000, () => undefined);
  expect(drawings).toHaveLength(2);
});
