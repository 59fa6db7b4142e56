import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleLimits } from '../../test/support/samples.ts';
import type { ListenerLimits } from '../core/listener.ts';
import { shareOf } from './worker-share.ts';

const few = fc.integer({ min: 1, max: 40 });
const anyLimits: fc.Arbitrary<ListenerLimits> = fc.record({
  ...Object.fromEntries(Object.entries(sampleLimits).map(([key, one]) => [key, fc.constant(one)])),
  maxConnections: few,
  maxConnectionsPerSource: fc.option(few),
  acceptRate: fc.option(fc.record({ perSecond: few, burst: few })),
}) as fc.Arbitrary<ListenerLimits>;

test('the parts of all workers add up to the limits, and each that has a part can let one in', () => {
  fc.assert(
    fc.property(anyLimits, fc.integer({ min: 1, max: 12 }), (limits, workers) => {
      const shares = Array.from({ length: workers }, (_, slot) => shareOf(limits, slot, workers));
      const serving = shares.filter(({ maxConnections }) => maxConnections > 0);
      const sum = (of: (share: ListenerLimits) => number) =>
        serving.reduce((total, share) => total + of(share), 0);
      expect(serving.length).toBeGreaterThan(0);
      expect(sum((share) => share.maxConnections)).toBe(limits.maxConnections);
      for (const share of serving) {
        expect(share.maxConnectionsPerSource === null).toBe(
          limits.maxConnectionsPerSource === null,
        );
        expect(share.maxConnectionsPerSource).not.toBe(0);
        expect(share.acceptRate?.burst).not.toBe(0);
      }
      const { maxConnectionsPerSource, acceptRate } = limits;
      if (maxConnectionsPerSource !== null) {
        expect(sum((share) => share.maxConnectionsPerSource ?? 0)).toBe(maxConnectionsPerSource);
      }
      expect(sum((share) => share.acceptRate?.burst ?? 0)).toBe(acceptRate?.burst ?? 0);
      expect(sum((share) => share.acceptRate?.perSecond ?? 0)).toBeCloseTo(
        acceptRate?.perSecond ?? 0,
      );
    }),
  );
});

test('what is not counted is the same in every worker', () => {
  const limits = {
    ...sampleLimits,
    maxConnections: 5,
    idleTimeoutMs: 7,
    denyCidrs: ['10.0.0.0/8'],
  };
  expect(shareOf(limits, 1, 2)).toEqual({ ...limits, maxConnections: 2 });
});
