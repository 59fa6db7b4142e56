import { expect, test } from 'vitest';
import { AgentClock } from './agent-clock.ts';

const second = 1_000_000;

function told() {
  let at = 100 * second;
  const clock = new AgentClock(() => at);
  return {
    clock,
    pass: (micros: number) => {
      at += micros;
    },
    /** The control plane's time is this much more than ours; the ways there and back took so long. */
    learn: (ahead: number, forth: number, back: number) => {
      clock.learn({ serverTime: at - back + ahead, askedAt: at - back - forth, heardAt: at });
    },
  };
}

test('it is the control plane’s within the ways of its messages, and better with each', () => {
  const { clock, pass, learn } = told();
  learn(1000 * second, 0, 2 * second);
  expect(clock.offset).toBe(998 * second);
  pass(5 * second);
  learn(1000 * second, 0, 0.1 * second);
  expect(clock.offset).toBe(999.9 * second);
  pass(5 * second);
  // A slow answer knows nothing better.
  learn(1000 * second, 3 * second, 3 * second);
  expect(clock.offset).toBe(999.9 * second);
});

test('it never goes back, whatever it is told', () => {
  const { clock, pass, learn } = told();
  learn(1000 * second, 0, 0);
  const before = clock.now();
  learn(10 * second, 0, 0);
  expect(clock.now()).toBe(before);
  pass(second);
  expect(clock.now()).toBe(before);
  learn(2000 * second, 0, 0);
  expect(clock.now()).toBeGreaterThan(before + 900 * second);
});

test('before it was told anything it has no time', () => {
  const { clock } = told();
  expect(() => clock.now()).toThrow('no time was told yet');
  expect(clock.hostOffsetMs).toBe(0);
});
