/** What no caller can make grow: calls, requests that do not come, answers that nobody takes, lists. */
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { leastCpuMs } from '../../test/support/cpu-cost.ts';
import { begin, empty, ending, framed, session } from '../../test/support/grpc-by-hand.ts';
import { startGrpcEdge } from '../../test/support/grpc-edge.ts';
import { long } from '../../test/support/long.ts';
import { sampleListener } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { defaultBounds } from '../core/listener-bounds.ts';
import { listBounds } from './list-bounds.ts';
import { messageType, serviceDefinition } from './protos.ts';

const watch = '/grpc.health.v1.Health/Watch';
const check = '/grpc.health.v1.Health/Check';
const list = '/kodama.v1.ListenerService/ListListeners';
const reflect = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';

test('calls of one method beyond the limit are refused, those of another are not', async () => {
  await using edge = await startGrpcEdge({}, { limits: { callsPerMethodMax: 2 } });
  using client = session(edge.address);
  using other = session(edge.address);
  const held = [begin(client, watch), begin(other, watch)];
  for (const stream of held) {
    stream.end(empty);
    await once(stream, 'data');
  }
  const refused = begin(client, watch).end(empty);
  expect(await ending(refused)).toEqual({
    status: status.RESOURCE_EXHAUSTED,
    limit: 'callsPerMethodMax',
  });
  expect(await ending(begin(client, check).end(empty))).toMatchObject({ status: status.OK });
  other.destroy();
  await waitFor('room for another', async () => {
    const stream = begin(client, watch).end(empty);
    const isTaken = await Promise.race([
      once(stream, 'data').then(() => true),
      ending(stream).then(() => false),
    ]);
    return isTaken;
  });
});

test('requests that do not come are bounded in number and in time', long, async () => {
  const limits = { requestsArrivingMax: 1, requestTimeoutMs: 500 };
  await using edge = await startGrpcEdge({}, { limits });
  using client = session(edge.address);
  using other = session(edge.address);
  const stalled = () => {
    const stream = begin(client, check);
    const ended = ending(stream);
    // Half a message: it counts until the rest is there.
    stream.write(Buffer.from([0, 0, 0, 0, 9, 1]));
    return ended;
  };
  const first = stalled();
  const second = stalled();
  // The one before makes room, and so does this one for a request that comes.
  expect(await first).toMatchObject({ limit: 'requestsArrivingMax' });
  expect(await ending(begin(other, check).end(empty))).toMatchObject({ status: status.OK });
  expect(await second).toMatchObject({ limit: 'requestsArrivingMax' });
  await waitFor('the end of its connection', () => client.destroyed);

  using slow = session(edge.address);
  const stream = begin(slow, check);
  const ended = ending(stream);
  stream.write(Buffer.from([0, 0, 0, 0, 9, 1]));
  expect(await ended).toMatchObject({ status: status.UNAVAILABLE });
  await waitFor('the end of its connection', () => slow.destroyed);
});

test('a stream of requests takes no place of a request that comes', async () => {
  await using edge = await startGrpcEdge({}, { limits: { requestsArrivingMax: 1 } });
  using client = session(edge.address);
  const open = [1, 2, 3].map(() => begin(client, reflect));
  expect(await ending(begin(client, check).end(empty))).toMatchObject({ status: status.OK });
  for (const stream of open) stream.close();
});

test('a caller who does not take its answer loses the connection', async () => {
  const listener = sampleListener();
  await using edge = await startGrpcEdge(
    { listListeners: async () => ({ items: Array(100).fill(listener), nextPageToken: null }) },
    { limits: { streamWriteTimeoutMs: 200 } },
  );
  using client = session(edge.address, 0);
  begin(client, list).end(empty);
  await waitFor('the connection', () => edge.server.connections === 1);
  await waitFor('its end', () => edge.server.connections === 0);
});

/** Of all services. */
const question = framed(sized(7, Buffer.from('*')));
/** With the host that it is asked through, which comes back. */
const longQuestion = framed(
  Buffer.concat([sized(1, Buffer.alloc(100, 'x')), sized(7, Buffer.from('*'))]),
);

test('who asks reflection without reading waits, and misses no answer', long, async () => {
  await using edge = await startGrpcEdge({});
  using client = session(edge.address);
  const stream = begin(client, reflect);
  const count = 5000;
  stream.write(Buffer.concat(Array(count).fill(longQuestion)));
  await once(stream, 'response');
  for (let round = 0; round < 5; round += 1) {
    expect(await ending(begin(client, check).end(empty))).toMatchObject({ status: status.OK });
  }
  expect(stream.writableLength).toBeGreaterThan(0);
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await waitFor('all answers', () => frames(Buffer.concat(chunks)) === count);
});

test('of streams of reflection the one that asked nothing for longest makes room', async () => {
  await using edge = await startGrpcEdge({}, { limits: { reflectionStreamsMax: 2 } });
  using client = session(edge.address);
  const asking = async () => {
    const stream = begin(client, reflect);
    stream.write(question);
    await once(stream, 'data');
    return stream;
  };
  const [first, second] = [await asking(), await asking()];
  first.write(question);
  await once(first, 'data');
  const over = ending(second);
  await asking();
  expect(await over).toMatchObject({ status: status.RESOURCE_EXHAUSTED });
  first.write(question);
  await once(first, 'data');
});

test('one that takes nothing makes room but once, and is told why', async () => {
  await using edge = await startGrpcEdge({}, { limits: { reflectionStreamsMax: 1 } });
  using stuck = session(edge.address, 0);
  using client = session(edge.address);
  const untaken = begin(stuck, reflect);
  const ends = [ending(untaken)];
  untaken.write(Buffer.concat(Array(5000).fill(longQuestion)));
  await once(untaken, 'response');
  for (let stream = 0; stream < 2; stream += 1) {
    const asked = begin(client, reflect);
    ends.push(ending(asked));
    asked.write(question);
    await once(asked, 'data');
  }
  const [told, first] = ends;
  const madeRoom = { status: status.RESOURCE_EXHAUSTED, limit: 'reflectionStreamsMax' };
  expect(await first).toEqual(madeRoom);
  stuck.settings({ initialWindowSize: 1_048_576 });
  expect(await told).toEqual(madeRoom);
});

test('a long question of reflection ends its stream', async () => {
  await using edge = await startGrpcEdge({}, { limits: { reflectionQuestionBytesMax: 100 } });
  using client = session(edge.address);
  const stream = begin(client, reflect);
  stream.write(question);
  await once(stream, 'response');
  const ended = ending(stream);
  stream.write(longQuestion);
  expect(await ended).toEqual({
    status: status.RESOURCE_EXHAUSTED,
    limit: 'reflectionQuestionBytesMax',
  });
});

function frames(all: Buffer): number {
  let count = 0;
  for (let at = 0; at + 5 <= all.length; at += all.readUInt32BE(at + 1) + 5) count += 1;
  return count;
}

const { BatchCreateListeners, UpdateListener } = serviceDefinition(
  'kodama.v1.ListenerService',
  listBounds(defaultBounds),
);
const { StreamEvents } = serviceDefinition('kodama.v1.EventService', listBounds(defaultBounds));
const bytes = 262_144;

/** A field of bytes, many times. */
function repeated(field: number, item: Buffer, count = bytes / (item.length + 2)): Buffer {
  const one = Buffer.concat([Buffer.from([(field << 3) | 2, item.length]), item]);
  return Buffer.concat(Array(Math.floor(count)).fill(one));
}

function sized(field: number, content: Buffer): Buffer {
  const writer = protobuf.Writer.create();
  return Buffer.from(
    writer
      .uint32((field << 3) | 2)
      .bytes(content)
      .finish(),
  );
}

const nothing = Buffer.alloc(0);

test.each([
  ['listeners', BatchCreateListeners, repeated(1, nothing), 'listeners: holds at most 100'],
  [
    'faults',
    BatchCreateListeners,
    sized(1, repeated(8, nothing)),
    'listeners[0].faults: holds at most 16',
  ],
  ['labels', BatchCreateListeners, sized(3, repeated(2, nothing)), 'labels: holds at most 32'],
  [
    'paths',
    UpdateListener,
    sized(8, repeated(1, Buffer.from('name'))),
    'updateMask: holds at most 100',
  ],
  ['types', StreamEvents, sized(5, sized(3, Buffer.alloc(bytes, 1))), 'types: holds at most 100'],
  ['networks', StreamEvents, sized(5, repeated(5, nothing)), 'remoteCidrs: holds at most 100'],
])('a long list of %s is refused before it is read', (_, method, message, words) => {
  expect(method?.requestDeserialize(message)).toMatchObject({
    code: 'invalid_argument',
    message: words,
  });
});

test.each([
  ['unknown fields', repeated(100 >> 3, nothing)],
  ['groups in groups', Buffer.alloc(bytes, 0x7b)],
  ['messages that are given again', repeated(5, nothing)],
  ['texts that are given again', repeated(4, nothing)],
])('%s cost time in proportion to their bytes', (_, message) => {
  const read = (part: Buffer) => leastCpuMs(() => BatchCreateListeners?.requestDeserialize(part));
  read(message);
  const quarter = read(message.subarray(0, (message.length >> 3) << 1));
  expect(read(message)).toBeLessThan(4 * 4 * quarter + 50);
});

test('every list of a request has its bound', () => {
  const type = messageType('BatchCreateListenersRequest');
  expect(type.fieldsArray.length).toBeGreaterThan(0);
  expect(() => serviceDefinition('kodama.v1.ListenerService', new Map())).toThrow('has no bound');
});
