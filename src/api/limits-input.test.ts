import { expect, test } from 'vitest';
import { AppError } from '../core/errors.ts';
import { defaultBounds } from '../core/listener-bounds.ts';
import { listenerSchemas } from './listener-input.ts';
import { parse } from './parse.ts';
import { listSchemas } from './queries.ts';

const { newListener, batch } = listenerSchemas(defaultBounds);
const { listeners } = listSchemas(defaultBounds);

/** The paths that are refused; none where it is taken. */
function refused(schema: Parameters<typeof parse>[0], input: object): readonly string[] {
  try {
    parse(schema, input);
    return [];
  } catch (error) {
    if (error instanceof AppError) return (error.details.errors ?? []).map(({ path }) => path);
    throw error;
  }
}

test.each([
  ['maxConnections', defaultBounds.maxConnections.max],
  ['maxConnectionsPerSource', defaultBounds.maxConnectionsPerSource.max],
  ['idleTimeoutMs', defaultBounds.idleTimeoutMs.max],
  ['maxDurationMs', defaultBounds.maxDurationMs.max],
  ['maxBytes', defaultBounds.maxBytes.max],
  ['writeTimeoutMs', defaultBounds.writeTimeoutMs.max],
  ['udpIdleTimeoutMs', defaultBounds.udpIdleTimeoutMs.max],
])('limits.%s may be %d, and not one more', (name, max) => {
  expect(refused(newListener, { limits: { [name]: max } })).toEqual([]);
  expect(refused(newListener, { limits: { [name]: max + 1 } })).toEqual([`limits.${name}`]);
});

test('an accept rate has a ceiling for both of its numbers', () => {
  const { acceptPerSecondMax: perSecond, acceptBurstMax: burst } = defaultBounds;
  expect(refused(newListener, { limits: { acceptRate: { perSecond, burst } } })).toEqual([]);
  const above = { perSecond: perSecond + 1, burst: burst + 1 };
  expect(refused(newListener, { limits: { acceptRate: above } })).toEqual([
    'limits.acceptRate.perSecond',
    'limits.acceptRate.burst',
  ]);
});

test('lists of a listener are bounded: networks, faults, labels', () => {
  const { cidrsMax, faultsMax, labelsMax } = defaultBounds;
  const cidrs = (count: number) => ({ limits: { denyCidrs: Array(count).fill('10.0.0.0/8') } });
  const faults = (count: number) => ({
    faults: Array(count).fill({ type: 'latency', delayMs: 1 }),
  });
  const labels = (count: number) => ({
    labels: Object.fromEntries(Array.from({ length: count }, (_, index) => [`l${index}`, 'x'])),
  });
  expect(refused(newListener, { ...cidrs(cidrsMax), ...faults(faultsMax) })).toEqual([]);
  expect(refused(newListener, labels(labelsMax))).toEqual([]);
  expect(refused(newListener, cidrs(cidrsMax + 1))).toEqual(['limits.denyCidrs']);
  expect(refused(newListener, faults(faultsMax + 1))).toEqual(['faults']);
  expect(refused(newListener, labels(labelsMax + 1))).toEqual(['labels']);
});

test('a batch and a page are bounded', () => {
  const { batchMax, pageSize } = defaultBounds;
  const of = (count: number) => ({ listeners: Array(count).fill({}) });
  expect(refused(batch, of(batchMax))).toEqual([]);
  expect(refused(batch, of(batchMax + 1))).toEqual(['listeners']);
  expect(parse(listeners, {}).pageSize).toBe(pageSize.default);
  expect(parse(listeners, { pageSize: pageSize.max + 1 }).pageSize).toBe(pageSize.max);
  expect(refused(listeners, { pageSize: 0 })).toEqual(['pageSize']);
});
