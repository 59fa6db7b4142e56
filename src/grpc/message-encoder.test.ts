import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleConnection, sampleListener } from '../../test/support/samples.ts';
import { ByteSink } from './byte-sink.ts';
import { encoderOf } from './message-encoder.ts';
import { messageType } from './protos.ts';

function encode(typeName: string, message: object, sink = new ByteSink()): Buffer {
  encoderOf(messageType(typeName))(message, sink);
  return sink.take();
}

/** What another implementation reads back. */
function decode(typeName: string, bytes: Uint8Array): object {
  const type = messageType(typeName);
  return type.toObject(type.decode(bytes), { longs: Number });
}

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 120, maxLength: 200 }));

function stamp(micros: number) {
  const seconds = Math.floor(micros / 1_000_000);
  return { seconds, nanos: (micros - seconds * 1_000_000) * 1000 };
}

test('what core holds is written byte for byte as protobufjs writes the message', () => {
  const whole = fc.maxSafeNat();
  const given = fc.record({
    nodeId: text,
    error: fc.option(text),
    bytesIn: whole,
    bytesOut: whole,
    pid: fc.nat({ max: 0xffff_ffff }),
    acceptedAt: whole,
    closedAt: fc.option(whole),
  });
  fc.assert(
    fc.property(given, fc.nat(), (changes, seq) => {
      const connection = sampleConnection(changes);
      const { acceptedAt: time, closedAt, id, listenerId } = connection;
      const type = messageType('StreamEventsResponse');
      const message = {
        seq,
        event: {
          ...{ seq, time: stamp(time), type: 'EVENT_TYPE_CONNECTION_OPENED', listenerId },
          connectionId: id,
          connection: {
            ...connection,
            ...{ protocol: 'PROTOCOL_TCP', state: 'CONNECTION_STATE_OPEN' },
            ...{ acceptedAt: stamp(time), closedAt: closedAt === null ? null : stamp(closedAt) },
            listenerName: 'a name',
          },
        },
      };
      const event = { type: 'connection_opened', seq, time, listenerId, connection };
      const named = { seq, event: { ...event, listenerName: 'a name' } };
      expect(encode('StreamEventsResponse', named)).toEqual(
        Buffer.from(type.encode(type.fromObject(message)).finish()),
      );
    }),
  );
});

test('maps, lists, doubles, flags and negative numbers come back as they were', () => {
  const listener = {
    labels: { env: 'ci', 'a/b': '日本' },
    sockets: [
      { pid: 1, fd: 0 },
      { pid: 2, fd: 3 },
    ],
    limits: { allowCidrs: ['10.0.0.0/8', '::1'], denyCidrs: [''] },
  };
  const faults = [
    { probability: 0.1, enabled: false, seed: 0xffff_ffff },
    { probability: 1e-300, enabled: true },
  ];
  const given = {
    ...listener,
    faults: faults.map((fault) => ({ type: 'drop', ...fault })),
    createdAt: -1_000_001,
  };
  expect(decode('Listener', encode('Listener', given))).toMatchObject({
    ...listener,
    faults: faults.map((fault) => ({ drop: {}, ...fault })),
    createdAt: { seconds: -2, nanos: 999_999_000 },
  });
  expect(decode('ListListenersRequest', encode('ListListenersRequest', { pageSize: -1 }))).toEqual({
    pageSize: -1,
  });
});

test('a word that no proto has is a bug, not an absent field', () => {
  expect(() => encode('Listener', { state: 'asleep' })).toThrow('asleep is no ListenerState');
  expect(() => encode('Listener', { faults: [{ type: 'nap' }] })).toThrow('nap is no');
});

test('a sink grows to what it has to hold, and is used again after', () => {
  const sink = new ByteSink();
  const cert = '証'.repeat(700_000);
  const big = { ...sampleListener(), tls: { cert }, labels: {}, faults: [] };
  const message = { name: 'big', tls: { cert: big.tls.cert } };
  expect(decode('Listener', encode('Listener', message, sink))).toEqual(message);
  expect(decode('Listener', encode('Listener', { name: 'small' }, sink))).toEqual({
    name: 'small',
  });
});

test('text that is not well formed is replaced, not passed on', () => {
  expect(decode('Listener', encode('Listener', { name: 'a\ud800b' }))).toEqual({
    name: 'a\ufffdb',
  });
});
