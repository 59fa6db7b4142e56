import { expect, test } from 'vitest';
import { z } from 'zod';
import { defaultBounds } from '../core/listener-bounds.ts';
import { listenerSchemas } from './listener-input.ts';
import { operations } from './operations.ts';
import { read } from './parse.ts';
import { listSchemas } from './queries.ts';

const { newListener, patch, batch, fixed } = listenerSchemas(defaultBounds);

/** The fields at fault, as `path: message`. */
function faults(text: string, schema: Parameters<typeof read>[0] = newListener): string[] {
  const result = read(schema, JSON.parse(text));
  return 'errors' in result ? result.errors.map(({ path, message }) => `${path}: ${message}`) : [];
}

test.each([
  ['[]', ': must be an object'],
  ['{"name": 5}', 'name: must be text'],
  ['{"port": "80"}', 'port: must be a whole number from 0 to 65535'],
  ['{"port": 1e99}', 'port: must be a whole number from 0 to 65535'],
  ['{"protocol": "sctp"}', 'protocol: must be one of tcp, udp, tls'],
  ['{"labels": []}', 'labels: must be an object'],
  ['{"labels": {"a": 5}}', 'labels.a: must be text'],
  ['{"faults": {}}', 'faults: must be a list'],
  ['{"faults": [{}]}', /^faults\[0\]\.type: must be one of latency, bandwidth, /],
  ['{"faults": [{"type": "latency"}]}', 'faults[0].delayMs: is required'],
  ['{"faults": [{"type": "drop", "enabled": 1}]}', 'faults[0].enabled: must be true or false'],
  ['{"faults": [{"type": "banner", "base64": "@"}]}', 'faults[0].base64: must be base64'],
  ['{"limits": {"acceptRate": {"burst": 1}}}', 'limits.acceptRate.perSecond: is required'],
])('%s is refused in our words: %s', (text, fault) => {
  expect(faults(text)[0]).toMatch(fault);
  expect(faults(text).join()).not.toMatch(/invalid|expected|received/i);
});

test('too many and too few are told by their number', () => {
  const refuse = JSON.stringify({ faults: Array(17).fill({ type: 'refuse' }) });
  expect(faults(refuse)).toEqual(['faults: holds at most 16']);
  expect(faults('{"listeners": []}', batch)).toEqual(['listeners: holds at least 1']);
  expect(faults('{"ports": {"from": 0, "to": 0}}', batch)).toEqual([
    'ports.from: must be a whole number from 1 to 65535',
    'ports.to: must be a whole number from 1 to 65535',
  ]);
  const long = JSON.stringify({ pageToken: 'x'.repeat(513) });
  const { events } = listSchemas(defaultBounds);
  expect(faults(long, events)).toEqual(['pageToken: holds at most 512 characters']);
});

test.each([
  ['{"__proto__": 1}', '__proto__: is not a field of this request'],
  ['{"labels": {"__proto__": "x"}}', 'labels.__proto__: is not allowed as a key'],
  [
    '{"limits": {"__proto__": {"maxBytes": 5}}}',
    'limits.__proto__: is not a field of this request',
  ],
  [
    '{"faults": [{"type": "drop", "__proto__": 1}]}',
    'faults[0].__proto__: is not a field of this request',
  ],
])('a field of the name __proto__ is not lost in silence: %s', (text, told) => {
  expect(faults(text)).toContain(told);
});

test('what objects have by themselves are keys of labels as any others', () => {
  const labels = { constructor: 'x', prototype: 'y', hasOwnProperty: 'z' };
  expect(faults(JSON.stringify({ labels }))).toEqual([]);
});

test.each([
  ['0:0:0:0:0:0:0:1', '::1'],
  ['::FFFF:127.0.0.1', '127.0.0.1'],
  ['2001:DB8::0', '2001:db8::'],
  ['::', '::'],
  ['127.0.0.1', '127.0.0.1'],
  ['localhost', 'localhost'],
])('the host %s is read as %s', (given, host) => {
  expect(read(newListener, { host: given })).toMatchObject({ data: { host } });
});

test.each([
  '224.0.0.1',
  '239.255.255.255',
  '255.255.255.255',
  'ff02::1',
  'fe80::1',
  '::ffff:224.0.0.1',
])('%s is no address to listen on', (host) => {
  expect(faults(JSON.stringify({ host }))).toEqual([
    'host: must be the address of one host: not multicast, broadcast or link-local',
  ]);
});

test('what only a create has is told from what there is not', () => {
  const input = { port: 1, tls: { cert: 5 }, id: 'x', limits: { port: 1 } };
  const result = read(patch, input, fixed);
  const errors = 'errors' in result ? result.errors : [];
  expect(Object.fromEntries(errors.map(({ path, message }) => [path, message]))).toEqual({
    port: 'can not be changed after creation',
    tls: 'can not be changed after creation',
    id: 'is not a field of this request',
    'limits.port': 'is not a field of this request',
  });
});

test.each([
  ['{"protocl": "udp"}', 'protocl', 'protocol'],
  ['{"prot": "udp"}', 'prot', 'protocol'],
  ['{"limits": {"idleTimeout": 5}}', 'limits.idleTimeout', 'idleTimeoutMs'],
  ['{"faults": [{"type": "latency", "delay": 5}]}', 'faults[0].delay', 'delayMs'],
  ['{"faults": [{"type": "drop", "match": {"first": 5}}]}', 'faults[0].match.first', 'firstN'],
])('what may have been meant is told of an unknown field: %s', (text, path, meant) => {
  const message = `${path}: is not a field of this request; did you mean ${meant}?`;
  expect(faults(text)).toContain(message);
  expect(faults(`{"listeners": [${text}]}`, batch)).toContain(`listeners[0].${message}`);
});

test('of unknown fields the first few are compared, and none of a long name', () => {
  const bare = ': is not a field of this request';
  const near = ['nam', 'hos', 'por', 'label', 'mode1', 'protocl'];
  expect(faults(JSON.stringify(Object.fromEntries(near.map((name) => [name, 0]))))).toEqual([
    ...['name', 'host', 'port', 'labels'].map(
      (meant, at) => `${near[at]}${bare}; did you mean ${meant}?`,
    ),
    `mode1${bare}`,
    `protocl${bare}`,
  ]);
  const long = `idleTimeoutMs${'s'.repeat(20)}`;
  expect(faults(`{"limits": {"${long}": 5}}`)).toEqual([`limits.${long}${bare}`]);
});

test('each field of a create can be changed, or is known to be fixed', () => {
  const all = operations(defaultBounds, { drainMsMax: 1 });
  const fieldsOf = (schema: z.ZodType) =>
    schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  for (const [create, update] of [
    [all.createListener, all.updateListener],
    [all.createProject, all.updateProject],
    [all.createKey, all.updateKey],
  ] as const) {
    const changeable = fieldsOf(update.input);
    expect(changeable, update.name).not.toEqual([]);
    expect(update.fixed.filter((field) => changeable.includes(field))).toEqual([]);
    const known: readonly string[] = [...changeable, ...update.fixed];
    const unknown = fieldsOf(create.input).filter((field) => !known.includes(field));
    // A key of no project is made by another field over REST.
    expect(unknown).toEqual(create === all.createKey ? ['ofNoProject'] : []);
  }
});
