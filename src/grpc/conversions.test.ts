/**
 * What core holds, through protobuf's bytes and the schemas of src/api, is what core gets back. Bytes are read and
 * written by protobufjs where a client would.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleConnection, sampleEvent, sampleListener } from '../../test/support/samples.ts';
import { fault as faultSchema } from '../api/fault-input.ts';
import { listenerSchemas } from '../api/listener-input.ts';
import { parse } from '../api/parse.ts';
import { listSchemas } from '../api/queries.ts';
import type { Fault, FaultEffect } from '../core/fault.ts';
import type { ListenerLimits } from '../core/listener.ts';
import { defaultBounds } from '../core/listener-bounds.ts';
import { ByteSink } from './byte-sink.ts';
import { decoderOf, type Input } from './message-decoder.ts';
import { encoderOf } from './message-encoder.ts';
import { messageType } from './protos.ts';

/** What core holds, as the bytes of a message. */
function encoded(typeName: string, value: object): Buffer {
  const sink = new ByteSink();
  encoderOf(messageType(typeName))(value, sink);
  return sink.take();
}

/** A request as a client writes it, as the input that the schemas read. */
function asked(typeName: string, request: object): Input {
  const type = messageType(typeName);
  return decoderOf(type)(type.encode(type.fromObject(request)).finish());
}

const dayMs = fc.nat({ max: 86_400_000 });
const size = fc.integer({ min: 1, max: 65_536 });
const count = fc.integer({ min: 1, max: 1e9 });
const bytes = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const cidr = fc.constantFrom('10.0.0.0/8', '::1', '192.168.1.7', 'fe80::/10');

function effect<Type extends FaultEffect['type']>(type: Type, fields = {}) {
  return fc.record({ type: fc.constant(type), ...fields }) as fc.Arbitrary<FaultEffect>;
}

const effects = fc.oneof(
  effect('latency', {
    delayMs: dayMs,
    jitterMs: dayMs,
    distribution: fc.constantFrom('uniform', 'normal', 'pareto'),
  }),
  effect('bandwidth', { bytesPerSecond: count, scope: fc.constantFrom('connection', 'listener') }),
  effect('slice', { averageBytes: size, variationBytes: size, delayMs: dayMs }),
  effect('limit', { bytes, action: fc.constantFrom('fin', 'rst', 'blackhole') }),
  ...['afterMs', 'afterMessages', 'afterBytes'].map((condition) =>
    effect('close', {
      [condition]: fc.integer({ min: 1, max: 86_400_000 }),
      mode: fc.constantFrom('fin', 'rst', 'half_close'),
    }),
  ),
  effect('accept_delay', { delayMs: dayMs }),
  effect('refuse'),
  effect('blackhole', { how: fc.constantFrom('drop', 'stall') }),
  effect('drop'),
  effect('duplicate'),
  effect('corrupt', { bytes: size }),
  effect('slow_close', { delayMs: dayMs }),
  effect('speak', {
    ...{ text: fc.string({ maxLength: 100 }), growth: fc.integer({ min: 1, max: 1000 }) },
    afterIdleMs: fc.integer({ min: 10, max: 86_400_000 }),
  }),
  effect('banner', { text: fc.string({ maxLength: 100 }), delayMs: dayMs }),
  effect('banner', { base64: fc.base64String(), delayMs: dayMs }),
);

const common = fc.record({
  name: fc.constantFrom('one', 'another-1'),
  probability: fc.double({ min: 0, max: 1, noNaN: true }),
  seed: fc.option(fc.nat({ max: 0xffff_ffff })),
  match: fc.record(
    { cidr, everyNth: count, firstN: count, afterN: fc.nat({ max: 1e9 }) },
    { requiredKeys: [] },
  ),
  enabled: fc.boolean(),
  expiresAt: fc.option(fc.nat({ max: 4e15 })),
});

const faults: fc.Arbitrary<Fault> = fc
  .tuple(effects, common)
  .map(([one, shared]) => ({ ...one, ...shared }));

test('every fault comes back as it was', () => {
  const decode = decoderOf(messageType('Fault'));
  fc.assert(
    fc.property(faults, (fault) => {
      expect(parse(faultSchema, decode(encoded('Fault', fault)))).toEqual(fault);
    }),
    { numRuns: 500 },
  );
});

test('a fault without an effect is refused, and of two the last one counts', () => {
  expect(() => parse(faultSchema, asked('Fault', { seed: 1 }))).toThrow('type');
  const both = ['drop', 'refuse', 'drop'].map((type) => encoded('Fault', { type, seed: 1 }));
  const decode = decoderOf(messageType('Fault'));
  expect(decode(Buffer.concat(both.slice(0, 2)))).toEqual({ type: 'refuse', seed: 1 });
});

const limits: fc.Arbitrary<ListenerLimits> = fc.record({
  maxConnections: fc.integer({ min: 1, max: 1_000_000 }),
  maxConnectionsPerSource: fc.option(fc.integer({ min: 1, max: 1_000_000 })),
  acceptRate: fc.option(fc.record({ perSecond: size, burst: size })),
  idleTimeoutMs: fc.option(size),
  maxDurationMs: fc.option(fc.integer({ min: 1, max: 30 * 86_400_000 })),
  maxBytes: fc.option(bytes),
  writeTimeoutMs: fc.option(size),
  udpIdleTimeoutMs: size,
  allowCidrs: fc.array(cidr, { maxLength: 3 }),
  denyCidrs: fc.array(cidr, { maxLength: 3 }),
});

test('all limits come back as they were', () => {
  const { patch } = listenerSchemas(defaultBounds);
  const decode = decoderOf(messageType('ListenerLimits'));
  fc.assert(
    fc.property(limits, (given) => {
      const input = { limits: decode(encoded('ListenerLimits', given)) };
      // Null and an empty list are absent on the wire.
      const present = Object.entries(given).filter(
        ([, value]) => value !== null && !(Array.isArray(value) && value.length === 0),
      );
      expect(parse(patch, input).limits).toEqual(Object.fromEntries(present));
    }),
  );
});

test('a create is read like the same JSON', () => {
  const { newListener } = listenerSchemas(defaultBounds);
  const cert = '-----BEGIN CERTIFICATE-----';
  const request = {
    name: 'a',
    labels: { env: 'ci' },
    protocol: 'PROTOCOL_TLS',
    host: '::',
    port: 4433,
    mode: 'LISTENER_MODE_INFO',
    tls: { cert, key: cert, clientAuth: 'TLS_CLIENT_AUTH_REQUEST', minVersion: 'TLS_VERSION_1_3' },
    proxyProtocol: { mode: 'PROXY_PROTOCOL_MODE_REQUIRED', trustedCidrs: ['::1'] },
    recording: 'RECORDING_DURABLE',
    ttlMs: '60000',
  };
  const json = {
    name: 'a',
    labels: { env: 'ci' },
    protocol: 'tls',
    host: '::',
    port: 4433,
    mode: 'info',
    tls: { cert, key: cert, clientAuth: 'request', minVersion: 'TLSv1.3' },
    proxyProtocol: { mode: 'required', trustedCidrs: ['::1'] },
    recording: 'durable',
    ttlMs: 60_000,
  };
  expect(asked('CreateListenerRequest', request)).toEqual(json);
  expect(
    asked('BatchCreateListenersRequest', { ports: { from: 1, to: 2 }, each: request }),
  ).toEqual({ ports: { from: 1, to: 2 }, ...json });
  expect(parse(newListener, asked('CreateListenerRequest', request))).toEqual(
    parse(newListener, json),
  );
});

test('what is not there is absent, and what is there is not, zero or not', () => {
  const { stream } = listSchemas(defaultBounds);
  expect(asked('CreateListenerRequest', {})).toEqual({});
  expect(asked('StreamEventsRequest', {})).toEqual({});
  const zero = { afterSeq: 0, heartbeatInterval: { seconds: 15 }, filter: { listeners: ['a'] } };
  const input = asked('StreamEventsRequest', zero);
  expect(input).toEqual({ afterSeq: 0, heartbeatMs: 15_000, listeners: ['a'] });
  expect(parse(stream, input)).toMatchObject(input);
});

test('a word that no proto has is refused by name, and one that is not specified is absent', () => {
  const { newListener } = listenerSchemas(defaultBounds);
  const { events } = listSchemas(defaultBounds);
  expect(asked('CreateListenerRequest', { protocol: 'PROTOCOL_UDP' })).toEqual({ protocol: 'udp' });
  expect(asked('CreateListenerRequest', { protocol: 0 })).toEqual({});
  const unknown = asked('CreateListenerRequest', { protocol: 77 });
  expect(() => parse(newListener, unknown)).toThrow('protocol: must be one of tcp, udp, tls');
  // In a list it would else mean all.
  const unspecified = asked('ListEventsRequest', { filter: { protocols: [1, 0] } });
  expect(() => parse(events, unspecified)).toThrow('protocols[1]: must be one of tcp, udp, tls');
});

test('an address that is not known is absent, and one that is known is not', () => {
  const { laddr, protocol, listenerId } = sampleConnection();
  const type = messageType('Event');
  const shown = (raddr: { ip: string; port: number } | null) => {
    const refusal = { protocol, laddr, raddr, rule: 'allow_cidrs', count: 1 } as const;
    const refused = { type: 'connection_refused', time: 1, listenerId, refusal } as const;
    const messages = [sampleEvent({ raddr }), refused].map((draft, index) => {
      const event = { ...draft, seq: index + 1, listenerName: 'echo' };
      return type.toObject(type.decode(encoded('Event', event)));
    });
    return messages as readonly { connection?: object; refusal?: object }[];
  };
  const [opened, refused] = shown(null);
  expect(opened?.connection).not.toHaveProperty('raddr');
  expect(refused?.refusal).not.toHaveProperty('raddr');
  const raddr = { ip: '192.0.2.1', port: 5 };
  const [known, turnedAway] = shown(raddr);
  expect([known?.connection, turnedAway?.refusal]).toMatchObject([{ raddr }, { raddr }]);
});

test('what has no field is not shown', () => {
  const type = messageType('Listener');
  const listener = { ...sampleListener(), tlsKey: 'a secret' };
  const bytes = encoded('Listener', listener);
  expect(bytes.includes('a secret')).toBe(false);
  expect(type.toObject(type.decode(bytes))).not.toHaveProperty('revision');
});
