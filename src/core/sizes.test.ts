import { expect, test } from 'vitest';
import { sampleEvent, sampleFault, sampleListener } from '../../test/support/samples.ts';
import { eventBytes, heldBytes, itemBytes, largestFields, specBytes, takeBytes } from './sizes.ts';

test('items are taken up to the one with which they hold the bytes, and one at least', () => {
  const take = (sizes: readonly number[], max: number) => takeBytes(sizes, (size) => size, max);
  expect(take([], 10)).toEqual([]);
  expect(take([99, 1], 10)).toEqual([99]);
  expect(take([4, 4, 4, 4], 10)).toEqual([4, 4, 4]);
  expect(take([5, 5, 5], 10)).toEqual([5, 5]);
  expect(take([4, 4], 10)).toEqual([4, 4]);
});

test('a spec counts in bytes of UTF-8, and the key of its certificate is held too', () => {
  const plain = sampleListener({ labels: { a: 'xx' } });
  const wide = sampleListener({ labels: { a: '木霊' } });
  expect(specBytes(wide) - specBytes(plain)).toBe(4);
  expect(heldBytes(plain, { tlsKey: 'key' })).toBe(specBytes(plain) + 3);
  expect(eventBytes({ ...sampleEvent() })).toBe(itemBytes);
});

test('what takes most of a spec is named', () => {
  const labels = { a: 'x'.repeat(200) };
  expect(largestFields(sampleListener({ labels: { a: 'x'.repeat(9000) } }))).toEqual(['labels']);
  const faults = Array.from({ length: 16 }, () => sampleFault);
  expect(largestFields(sampleListener({ labels, faults }))).toEqual(['faults']);
  const networks = { mode: 'optional', trustedCidrs: Array(100).fill('10.0.0.0/8') } as const;
  const both = sampleListener({ faults, proxyProtocol: networks, labels });
  expect(largestFields(both)).toEqual(['faults']);
});
