import { expect, test } from 'vitest';
import { faultText } from './fault-text.ts';

test('a fault is told in few words', () => {
  const told = [
    { type: 'latency', delayMs: 300, jitterMs: 50 },
    { type: 'latency', delayMs: 1000, jitterMs: 0 },
    { type: 'limit', bytes: 1024, action: 'fin', enabled: false },
    { type: 'bandwidth', bytesPerSecond: 1e6 },
    { type: 'refuse', match: {}, probability: 1 },
    { type: 'refuse', match: { firstN: 2 }, probability: 1 },
    { type: 'close', match: {}, probability: 0.3 },
    {
      type: 'latency',
      delayMs: 5,
      enabled: false,
      match: { cidr: '10.0.0.0/8', everyNth: 3, firstN: 9, afterN: 0 },
      probability: 0.0012,
    },
    { type: 'reset', probability: 0 },
    { type: 'banner', text: 'hello', delayMs: 0 },
    { type: 'banner', text: 'hello', delayMs: 20 },
  ].map(faultText);
  expect(told).toEqual([
    'latency 300ms±50ms',
    'latency 1s',
    'limit 1KiB:fin (off)',
    'bandwidth 1MB/s',
    'refuse',
    'refuse (first 2)',
    'close (30%)',
    'latency 5ms (off, first 9, after 0, 1 in 3, from 10.0.0.0/8, 0.12%)',
    'reset (0%)',
    'banner',
    'banner 20ms',
  ]);
});
