/** What core holds, through protobuf's bytes and the contract's schemas, is what core gets back. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Fault__Output as FaultInput } from '../../generated/grpc/kodama/v1/Fault.ts';
import type { Listener__Output as ListenerInput } from '../../generated/grpc/kodama/v1/Listener.ts';
import { sampleConnection, sampleEvent, sampleListener } from '../../test/support/samples.ts';
import { fault as faultSchema } from '../contract/fault-input.ts';
import { listenerSchemas } from '../contract/listener-input.ts';
import { parse } from '../contract/parse.ts';
import { closeInitiators, closeReasons, connectionStates } from '../core/connection.ts';
import { eventTypes, refusalRules } from '../core/event.ts';
import type { Fault, FaultEffect } from '../core/fault.ts';
import { type ListenerLimits, listenerModes, listenerStates, protocols } from '../core/listener.ts';
import { defaultBounds } from '../core/listener-bounds.ts';
import { ByteSink } from './byte-sink.ts';
import { toEventMessage } from './event-messages.ts';
import { toFaultInput, toFaultMessage } from './fault-messages.ts';
import { toListenerMessage } from './listener-messages.ts';
import { encoderOf } from './message-encoder.ts';
import { enumWords, messageType } from './protos.ts';
import { createInput, limitsInput } from './requests.ts';

/** Over the wire, and decoded as requests are. */
function sent(typeName: string, message: object): object {
  const sink = new ByteSink();
  const type = messageType(typeName);
  encoderOf(type)(message, sink);
  return type.toObject(type.decode(sink.take()), { longs: String, enums: String, oneofs: true });
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
  effect('banner', { text: fc.string({ maxLength: 100 }), delayMs: dayMs }),
  effect('banner', { base64: fc.base64String(), delayMs: dayMs }),
);

const common = fc.record({
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
  fc.assert(
    fc.property(faults, (fault) => {
      const input = toFaultInput(sent('Fault', toFaultMessage(fault)) as FaultInput);
      expect(parse(faultSchema, input)).toEqual(fault);
    }),
    { numRuns: 500 },
  );
});

test('a fault without an effect is refused', () => {
  expect(() => parse(faultSchema, toFaultInput({}))).toThrow('type');
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
  fc.assert(
    fc.property(limits, (given) => {
      const listener = sampleListener({ limits: given });
      const message = sent('Listener', toListenerMessage(listener)) as ListenerInput;
      const read = parse(patch, { limits: limitsInput(message.limits ?? {}) }).limits;
      // Null and an empty list are absent on the wire.
      const present = Object.entries(given).filter(
        ([, value]) => value !== null && !(Array.isArray(value) && value.length === 0),
      );
      const found = Object.entries(read ?? {}).filter(([, value]) => value !== undefined);
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(present));
    }),
  );
});

test('a create is read like the same JSON', () => {
  const { newListener } = listenerSchemas(defaultBounds);
  const cert = '-----BEGIN CERTIFICATE-----';
  const request: Parameters<typeof createInput>[0] = {
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
  expect(parse(newListener, createInput(request))).toEqual(parse(newListener, json));
  expect(parse(newListener, createInput({}))).toEqual(parse(newListener, {}));
});

test("every enum of the protos has exactly core's words, in core's order", () => {
  const expected = {
    Protocol: protocols,
    ListenerState: listenerStates,
    ListenerMode: listenerModes,
    ConnectionState: connectionStates,
    CloseInitiator: closeInitiators,
    CloseReason: closeReasons,
    EventType: eventTypes,
    RefusalRule: refusalRules,
  };
  for (const [name, words] of Object.entries(expected)) {
    const { values } = messageType('Event').root.lookupEnum(`kodama.v1.${name}`);
    expect(Object.keys(values)).toHaveLength(words.length + 1);
    const converted = enumWords<number, string>(name, words);
    expect(words.map((word) => converted.toEnum(word))).toEqual(words.map((_, index) => index + 1));
  }
});

test('an enum value that no proto names is refused by name, and an unspecified one is absent', () => {
  const words = enumWords<number, string>('Protocol', protocols);
  expect(words.toWord('PROTOCOL_UDP')).toBe('udp');
  expect(words.toWord('PROTOCOL_UNSPECIFIED')).toBeUndefined();
  expect(words.toWord(undefined)).toBeUndefined();
  const { newListener } = listenerSchemas(defaultBounds);
  const input = createInput(
    sent('CreateListenerRequest', { protocol: 77 }) as Parameters<typeof createInput>[0],
  );
  expect(() => parse(newListener, input)).toThrow('protocol');
});

test('an address that is not known is absent, and one that is known is not', () => {
  const { laddr, protocol, listenerId } = sampleConnection();
  const shown = (raddr: { ip: string; port: number } | null) => {
    const refusal = { protocol, laddr, raddr, rule: 'allow_cidrs', count: 1 } as const;
    const refused = { type: 'connection_refused', time: 1, listenerId, refusal } as const;
    const messages = [sampleEvent({ raddr }), refused].map((draft, index) =>
      sent('Event', toEventMessage({ ...draft, seq: index + 1 }, 'echo')),
    );
    return messages as readonly { connection?: object; refusal?: object }[];
  };
  const [opened, refused] = shown(null);
  expect(opened?.connection).not.toHaveProperty('raddr');
  expect(refused?.refusal).not.toHaveProperty('raddr');
  const raddr = { ip: '192.0.2.1', port: 5 };
  const [known, turnedAway] = shown(raddr);
  expect([known?.connection, turnedAway?.refusal]).toMatchObject([{ raddr }, { raddr }]);
});
