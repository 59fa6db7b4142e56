import { expect, test } from 'vitest';
import { leastCpuMs } from '../../test/support/cpu-cost.ts';
import { long } from '../../test/support/long.ts';
import { faultPatch } from '../api/fault-input.ts';
import { defaultLimits } from '../api/limits-input.ts';
import { listenerSchemas, toListenerPatch } from '../api/listener-input.ts';
import { operations } from '../api/operations.ts';
import { parse } from '../api/parse.ts';
import { defaultBounds } from '../core/listener-bounds.ts';
import { decoderOf } from './message-decoder.ts';
import { messageType } from './protos.ts';
import {
  changeReader,
  faultChangeReader,
  nodeChangeReader,
  projectChangeReader,
} from './update-request.ts';

const { patch } = listenerSchemas(defaultBounds);
const type = messageType('UpdateListenerRequest');
const decode = decoderOf(type);
const read = changeReader(defaultBounds);
const faultType = messageType('UpdateFaultRequest');
const decodeFault = decoderOf(faultType);
const readFault = faultChangeReader();

/** A request as a client sends it. */
function change(request: object, ...paths: readonly string[]) {
  const message = type.fromObject({ ...request, updateMask: { paths } });
  return toListenerPatch(
    parse(patch, read(decode(type.encode(message).finish()))),
    defaultBounds,
    0,
  );
}

function faultChange(fault: object, ...paths: readonly string[]) {
  const message = faultType.fromObject({ fault, updateMask: { paths } });
  return given(parse(faultPatch, readFault(decodeFault(faultType.encode(message).finish()))));
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function given(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

test('without a mask exactly what is there is set', () => {
  const { limits, ...rest } = change({ name: 'b', limits: { maxBytes: '10' } });
  expect(given(rest)).toEqual({ name: 'b' });
  expect(given(limits ?? {})).toEqual({ maxBytes: 10 });
  expect(given(change({}))).toEqual({});
});

test('with a mask exactly what is listed is set', () => {
  const request = { name: 'b', labels: { a: '1' }, limits: { maxBytes: '10', idleTimeoutMs: 5 } };
  expect(change(request, 'labels')).toEqual({ labels: { a: '1' } });
  expect(change(request, 'limits.idle_timeout_ms')).toEqual({ limits: { idleTimeoutMs: 5 } });
});

test('what is listed and absent is cleared', () => {
  expect(change({}, 'name', 'labels', 'faults', 'expires_at')).toEqual({
    name: null,
    labels: {},
    faults: [],
    expiresAt: null,
  });
  expect(change({}, 'limits.max_bytes', 'limits.allow_cidrs', 'limits.accept_rate')).toEqual({
    limits: { maxBytes: null, allowCidrs: [], acceptRate: null },
  });
  expect(change({}, 'limits.max_connections')).toEqual({
    limits: { maxConnections: defaultBounds.maxConnections.default },
  });
});

test('what REST clears by null is what a mask clears', () => {
  const cleared = (input: object) => toListenerPatch(parse(patch, input), defaultBounds, 0);
  for (const name of ['name', 'labels', 'limits', 'faults', 'expiresAt', 'ttlMs']) {
    expect(cleared({ [name]: null }), name).toEqual(change({}, snakeCase(name)));
  }
  for (const name of Object.keys(defaultLimits(defaultBounds))) {
    const limits = { [name]: null };
    expect(cleared({ limits }), name).toEqual(change({}, `limits.${snakeCase(name)}`));
  }
});

test('all limits are set at once, the absent ones cleared', () => {
  expect(change({ limits: { maxBytes: '10' } }, 'limits')).toEqual({
    limits: {
      maxConnections: defaultBounds.maxConnections.default,
      maxConnectionsPerSource: null,
      acceptRate: null,
      idleTimeoutMs: null,
      maxDurationMs: null,
      maxBytes: 10,
      writeTimeoutMs: null,
      udpIdleTimeoutMs: defaultBounds.udpIdleTimeoutMs.default,
      allowCidrs: [],
      denyCidrs: [],
    },
  });
});

test('ttl_ms counts from now, and clears the expiry where it is listed and absent', () => {
  expect(change({ ttlMs: '1000' }, 'ttl_ms')).toEqual({ expiresAt: 1_000_000 });
  expect(change({}, 'ttl_ms')).toEqual({ expiresAt: null });
  expect(change({ ttlMs: '1000' }, 'ttl_ms', 'expires_at')).toEqual({ expiresAt: 1_000_000 });
  expect(change({ expiresAt: { seconds: '9' } }, 'ttl_ms', 'expires_at')).toEqual({
    expiresAt: 9_000_000,
  });
});

test.each([
  '*',
  '',
  'ports',
  'id',
  'update_mask',
  'limits.',
  'limits.x',
  'limits.max_bytes.x',
  'name.x',
])('the path %j is refused by name', (path) => {
  expect(() => change({ name: 'b' }, path)).toThrow(
    expect.objectContaining({
      code: 'invalid_argument',
      details: {
        errors: [{ path: 'updateMask', message: `${path} is not a field that can change` }],
      },
    }),
  );
});

test.each(['port', 'proxy_protocol', 'tls.cert'])('%s is refused as what never changes', (path) => {
  expect(() => change({ name: 'b' }, 'name', path)).toThrow(
    `updateMask: ${path} can not be changed after creation`,
  );
});

test('of a project and a node the name never changes', () => {
  const all = operations(defaultBounds, { drainMsMax: 1 });
  const request = { updateMask: { paths: ['name'] } };
  for (const reader of [
    projectChangeReader(all.updateProject.fixed),
    nodeChangeReader(all.updateNode.fixed),
  ])
    expect(() => reader(request)).toThrow('updateMask: name can not be changed after creation');
});

test.each(['limits.', '_a'])('a path of a megabyte of %s is not looked through', long, (part) => {
  const path = part.repeat(1_000_000 / part.length);
  const tenTimes = (work: () => void) => leastCpuMs(() => Array.from({ length: 10 }, work));
  const request = { updateMask: { paths: [path] } };
  const refusing = tenTimes(() => expect(() => read(request)).toThrow('updateMask: '));
  const splitting = tenTimes(() => void path.split(part));
  expect(refusing).toBeLessThan(splitting / 4 + 50);
});

test('of a fault without a mask what is there is set, with one what is listed, and cleared where it is not there', () => {
  const fault = { seed: 7, enabled: false, latency: { delayMs: 5, jitterMs: 3 } };
  const type = 'latency';
  expect(faultChange(fault)).toEqual({ type, seed: 7, enabled: false, delayMs: 5, jitterMs: 3 });
  expect(faultChange(fault, 'seed', 'latency.jitter_ms')).toEqual({ type, seed: 7, jitterMs: 3 });
  const common = ['name', 'probability', 'seed', 'match', 'enabled', 'expires_at'];
  expect(faultChange({}, ...common)).toEqual({
    ...{ name: null, probability: null, seed: null, match: null, enabled: null, expiresAt: null },
  });
  expect(faultChange({ latency: { delayMs: 5 } }, 'latency')).toEqual({
    ...{ type, delayMs: 5, jitterMs: null, distribution: null },
  });
  expect(faultChange({}, 'accept_delay.delay_ms')).toEqual({
    ...{ type: 'accept_delay', delayMs: null },
  });
  expect(faultChange({}, 'refuse')).toEqual({ type: 'refuse' });
  // What belongs to a fault of another type is not there.
  expect(faultChange({ slowClose: { delayMs: 5 } }, 'latency.delay_ms')).toEqual({
    ...{ type, delayMs: null },
  });
});

test.each([
  ['effect'],
  ['type'],
  ['fault.seed'],
  ['match.cidr'],
  ['latency.'],
  ['latency.mode'],
  ['delay_ms'],
  ['latency.delay_ms', 'close.mode'],
])('a path that is none of a fault, or of a second type, is refused by name: %s', (...paths) => {
  expect(() => faultChange({ seed: 1 }, ...paths)).toThrow(
    `updateMask: ${paths.at(-1)} is not a field that can change`,
  );
});
