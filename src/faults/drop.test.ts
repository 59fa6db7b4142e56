import { expect, test } from 'vitest';
import { activeFault, faultBench } from '../../test/support/fault-bench.ts';

test('each datagram is dropped by its own chance, and the same ones for the same seed', () => {
  const kept = (seed: number): string[] => {
    const drop = activeFault({ type: 'drop' }, { probability: 0.3, seed });
    const { sink, read } = faultBench([drop], { kind: 'datagram' });
    for (let count = 0; count < 2000; count += 1) read(`${count}`);
    return sink.pieces;
  };
  const run = kept(1);
  expect(Math.abs(run.length - 1400)).toBeLessThan(80);
  expect(kept(1)).toEqual(run);
  expect(kept(2)).not.toEqual(run);
});

test('probability 1 drops all, 0 none', () => {
  const count = (probability: number): number => {
    const { sink, read } = faultBench([activeFault({ type: 'drop' }, { probability })], {
      kind: 'datagram',
    });
    for (let sent = 0; sent < 100; sent += 1) read('x');
    return sink.written.length;
  };
  expect([count(1), count(0)]).toEqual([0, 100]);
});
