import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleConnection, sampleListener } from '../../test/support/samples.ts';
import { ByteSink } from './byte-sink.ts';
import { toEventMessage } from './event-messages.ts';
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

test('a message is written byte for byte as protobufjs writes it', () => {
  const whole = fc.maxSafeNat();
  const connection = fc.record({
    nodeId: text,
    error: fc.option(text),
    bytesIn: whole,
    bytesOut: whole,
    pid: fc.nat({ max: 0xffff_ffff }),
    acceptedAt: whole,
    closedAt: fc.option(whole),
  });
  fc.assert(
    fc.property(connection, fc.nat(), (given, seq) => {
      const { nodeId, error, bytesIn, bytesOut, pid, acceptedAt, closedAt } = given;
      const changes = { nodeId, error, bytesIn, bytesOut, pid, acceptedAt, closedAt };
      const event = toEventMessage(
        {
          type: 'connection_opened',
          seq,
          time: acceptedAt,
          listenerId: 'a listener',
          connection: sampleConnection(changes),
        },
        'a name',
      );
      const message = { seq, event };
      const type = messageType('StreamEventsResponse');
      expect(encode('StreamEventsResponse', message)).toEqual(
        Buffer.from(type.encode(message).finish()),
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
    faults: [{ probability: 0.1, enabled: false, seed: 0xffff_ffff }, { probability: 1e-300 }],
    createdAt: { seconds: -62_135_596_800, nanos: 999_999_999 },
  };
  expect(decode('Listener', encode('Listener', listener))).toMatchObject(listener);
  expect(decode('ListListenersRequest', encode('ListListenersRequest', { pageSize: -1 }))).toEqual({
    pageSize: -1,
  });
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
