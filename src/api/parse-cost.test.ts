/** Whatever a caller sends costs time in proportion to its bytes, and is answered in few words. */
import { expect, test } from 'vitest';
import { leastCpuMs } from '../../test/support/cpu-cost.ts';
import { long } from '../../test/support/long.ts';
import { defaultBounds } from '../core/listener-bounds.ts';
import { listenerSchemas } from './listener-input.ts';
import { invalidFields, read } from './parse.ts';
import { listSchemas } from './queries.ts';

const { newListener, patch, batch } = listenerSchemas(defaultBounds);
const { events, listeners } = listSchemas(defaultBounds);
const bytes = 131_072;

function many(item: string): string {
  return `[${Array(Math.floor(bytes / (item.length + 1)))
    .fill(item)
    .join()}]`;
}

function fields(value: string, prefix = 'k'): string {
  const count = Math.floor(bytes / (value.length + 11));
  const all = Array.from({ length: count }, (_, index) => `"${prefix}${index}":${value}`);
  return `{${all.join()}}`;
}

const text = 'x'.repeat(bytes);
const half = 'x'.repeat(bytes / 2);

test.each([
  ['unknown fields', newListener, fields('0')],
  ['unknown fields of a batch', batch, fields('0')],
  ['unknown fields of a change', patch, fields('0')],
  ['unknown fields of a fault', newListener, `{"faults":[{"type":"drop",${fields('0').slice(1)}]}`],
  ['labels', newListener, `{"labels":${fields('"x"')}}`],
  ['labels that are no text', newListener, `{"labels":${fields('0')}}`],
  ['labels of no key', listeners, `{"labels":${fields('"x"', '!')}}`],
  ['a long key', newListener, `{"labels":{"${text}":"x"}}`],
  ['a long unknown field', newListener, `{"${text}":0}`],
  ['networks', newListener, `{"limits":{"allowCidrs":${many('"10.0.0.0/8"')}}}`],
  ['networks that are none', events, `{"remoteCidrs":${many('"x"')}}`],
  ['numbers for networks', patch, `{"limits":{"denyCidrs":${many('0')}}}`],
  ['faults', newListener, `{"faults":${many('{"type":"drop"}')}}`],
  ['faults that are none', newListener, `{"faults":${many('{}')}}`],
  ['numbers for faults', patch, `{"faults":${many('0')}}`],
  ['listeners', batch, `{"listeners":${many('{}')}}`],
  ['listeners that are none', batch, `{"listeners":${many('0')}}`],
  ['lists in lists', newListener, `{"labels":${many('[[0]]')}}`],
  ['hidden fields', newListener, `{"labels":${many('{"__proto__":0}')}}`],
  ['hidden fields in a long one', batch, `{"${half}":${many('{"__proto__":0}')}}`],
  ['a long text for a time', newListener, `{"expiresAt":"${text}"}`],
  ['a long text for PEM', newListener, `{"tls":{"cert":"${'-----BEGIN A'.repeat(10_000)}"}}`],
  ['a long text for a banner', newListener, `{"faults":[{"type":"banner","base64":"${text}"}]}`],
])('%s: its bytes cost a small multiple of JSON.parse', (_, schema, body) => {
  const value = JSON.parse(body);
  const parsing = leastCpuMs(() => JSON.parse(body));
  const reading = leastCpuMs(() => read(schema, value));
  expect(reading).toBeLessThan(10 * parsing + 100);
  const result = read(schema, value);
  expect(result).toHaveProperty('errors');
  if ('errors' in result)
    expect(JSON.stringify(invalidFields(result.errors)).length).toBeLessThan(20_000);
});

test.each([
  ['networks', { limits: { allowCidrs: Array(256).fill('x'), denyCidrs: Array(256).fill(0) } }],
  ['faults', { faults: Array(16).fill(0) }],
  ['labels', { labels: Object.fromEntries(Array.from({ length: 32 }, (_, at) => [`!${at}`, 0])) }],
])('a batch whose every item is wrong costs no more than one that is right: %s', long, (_, one) => {
  const right = {
    limits: { allowCidrs: Array(256).fill('::1'), denyCidrs: Array(256).fill('::1') },
  };
  const cost = (listener: object) => {
    const value = { listeners: Array(100).fill(listener) };
    return leastCpuMs(() => read(batch, value));
  };
  expect(read(batch, { listeners: [right] })).toHaveProperty('data');
  expect(cost(one)).toBeLessThan(cost(right) + 20);
});

test('a list that is too long is not looked into, nor is what comes after too many faults', () => {
  const errors = (value: object) => {
    const result = read(newListener, value);
    return 'errors' in result ? result.errors : [];
  };
  const limits = { allowCidrs: Array(257).fill('x') };
  expect(errors({ limits })).toEqual([{ path: 'limits.allowCidrs', message: 'holds at most 256' }]);
  const within = errors({ limits: { allowCidrs: Array(256).fill('x') } });
  expect(within.map(({ path }) => path)).toEqual(
    Array.from({ length: 20 }, (_, index) => `limits.allowCidrs[${index}]`),
  );
});
