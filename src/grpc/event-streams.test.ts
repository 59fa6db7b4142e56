/** StreamEvents as a client sees it, over a control plane that yields what the test says. */
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import type { Control } from '../../test/support/edge-api.ts';
import { streamEvents } from '../../test/support/grpc-client.ts';
import { startGrpcEdge } from '../../test/support/grpc-edge.ts';
import { long } from '../../test/support/long.ts';
import { sampleEvent, sampleId, sampleListener } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { AppError } from '../core/errors.ts';
import type { Event } from '../core/event.ts';
import type { FollowAsk } from '../core/labelled-listeners.ts';
import type { NamedStreamItem } from '../core/listener-names.ts';

type Follow = Control['followEvents'];

function events(from: number, count: number, text = ''): Event[] {
  return Array.from({ length: count }, (_, index) => ({
    ...sampleEvent({ id: sampleId(from + index), error: text === '' ? null : text }),
    seq: from + index,
  }));
}

const names = new Map<string, string | null>();

function page(from: number, count: number, text = ''): NamedStreamItem {
  return { kind: 'events', seq: from + count - 1, events: events(from, count, text), names };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Goes on until its caller leaves, and tells that its `finally` ran. */
function endless(items: (seq: number) => NamedStreamItem): {
  follow: Follow;
  running: () => number;
} {
  let running = 0;
  return {
    running: () => running,
    async *follow({ signal }) {
      running += 1;
      try {
        for (let seq = 1; !signal.aborted; ) {
          const item = items(seq);
          seq = item.seq + 1;
          yield item;
          await new Promise((next) => setImmediate(next));
        }
      } finally {
        running -= 1;
      }
    },
  };
}

test('what the control plane yields arrives message by message, in order', async () => {
  const followEvents: Follow = async function* () {
    yield page(1, 1000);
    yield { kind: 'synced', seq: 1000 };
    yield { kind: 'heartbeat', seq: 1500 };
    yield page(1501, 1);
  };
  await using edge = await startGrpcEdge({ followEvents });
  using stream = streamEvents(edge.address);
  expect(await stream.ended).toBeNull();
  expect(await stream.synced).toBe(1000);
  const seqs = stream.messages.map(({ seq }) => Number(seq));
  expect(seqs).toEqual([...Array.from({ length: 1000 }, (_, i) => i + 1), 1000, 1500, 1501]);
  expect(stream.messages.map(({ payload }) => payload).slice(999)).toEqual([
    'event',
    'synced',
    'heartbeat',
    'event',
  ]);
  expect(stream.events[6]?.message).toMatchObject({
    seq: '7',
    type: 'EVENT_TYPE_CONNECTION_OPENED',
    connectionId: sampleId(7),
    subject: 'connection',
    connection: { id: sampleId(7), raddr: { ip: '127.0.0.1', port: 50_000 } },
  });
});

test('events larger than a write, and than all frames that are kept, arrive whole', async () => {
  const labels = { note: 'ü'.repeat(100_000) };
  const followEvents: Follow = async function* () {
    const listener = sampleListener({ labels });
    const big: Event[] = [1, 2, 3].map((seq) => ({
      ...{ seq, time: seq, type: 'listener_updated', listenerId: listener.id, listener },
    }));
    yield { kind: 'events', seq: 3, events: big, names };
    yield page(4, 1);
  };
  await using edge = await startGrpcEdge({ followEvents }, { limits: { framesKept: 2 } });
  using stream = streamEvents(edge.address);
  expect(await stream.ended).toBeNull();
  expect(stream.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  expect(stream.events[2]?.message.listener?.labels).toEqual(labels);
});

test('streams that are served from kept frames get what the first one got', async () => {
  const followEvents: Follow = async function* (_, { filter }) {
    const all = events(1, 300);
    const wanted = filter.types.length > 0 ? all.filter(({ seq }) => seq % 3 === 0) : all;
    yield { kind: 'events', seq: 300, events: wanted, names };
  };
  await using edge = await startGrpcEdge({ followEvents }, { limits: { framesKept: 128 } });
  using first = streamEvents(edge.address);
  await first.ended;
  using second = streamEvents(edge.address);
  await second.ended;
  using third = streamEvents(edge.address, { types: ['EVENT_TYPE_CONNECTION_OPENED'] });
  await third.ended;
  expect(first.messages).toHaveLength(300);
  expect(second.messages).toEqual(first.messages);
  expect(third.messages).toEqual(first.messages.filter((_, index) => (index + 1) % 3 === 0));
});

test('the request arrives as its schema has it', async () => {
  const asked: FollowAsk[] = [];
  const followEvents: Follow = async function* (_, request) {
    asked.push(request);
    yield { kind: 'synced', seq: 0 };
  };
  await using edge = await startGrpcEdge({ followEvents });
  const starts = [
    {},
    { afterSeq: 0 },
    { afterSeq: '9007199254740991' },
    { since: { seconds: 1_700_000_000, nanos: 123_456_789 } },
    { last: 0 },
    { fromNow: true },
  ];
  for (const start of starts) {
    using stream = streamEvents(edge.address, {}, start);
    expect(await stream.ended).toBeNull();
  }
  expect(asked.map(({ start }) => start)).toEqual([
    { kind: 'from_now' },
    { kind: 'after_seq', seq: 0 },
    { kind: 'after_seq', seq: Number.MAX_SAFE_INTEGER },
    { kind: 'since', time: 1_700_000_000_123_456 },
    { kind: 'last', count: 0 },
    { kind: 'from_now' },
  ]);
  using stream = streamEvents(
    edge.address,
    {
      listenerIds: [sampleId(1).toUpperCase()],
      types: ['EVENT_TYPE_CONNECTION_CLOSED'],
      protocols: ['PROTOCOL_UDP'],
      remoteCidrs: ['10.0.0.0/8'],
    },
    { endAtHead: true, heartbeatInterval: { seconds: 2, nanos: 500_000_000 } },
  );
  await stream.ended;
  expect(asked.at(-1)).toMatchObject({
    endAtHead: true,
    heartbeatMs: 2500,
    filter: {
      listenerIds: [sampleId(1)],
      connectionIds: [],
      types: ['connection_closed'],
      protocols: ['udp'],
      remoteCidrs: ['10.0.0.0/8'],
    },
  });
});

const noFilter = {};

test.each([
  [{ afterSeq: '9007199254740993' }, noFilter, 'afterSeq'],
  [{ since: { seconds: '9223372036854775807' } }, noFilter, 'since'],
  [{ last: 100_001 }, noFilter, 'last'],
  [{ fromNow: false }, noFilter, 'fromNow'],
  [{ heartbeatInterval: { nanos: 999_000_000 } }, noFilter, 'heartbeatMs'],
  [{ heartbeatInterval: { seconds: 61 } }, noFilter, 'heartbeatMs'],
  [{}, { listenerIds: ['x'] }, 'listenerIds[0]'],
  [{}, { types: ['EVENT_TYPE_UNSPECIFIED'] }, 'types[0]'],
  [{}, { remoteCidrs: ['10.0.0.0/33'] }, 'remoteCidrs[0]'],
])('the request %j with the filter %j is refused at %s', async (request, filter, path) => {
  await using edge = await startGrpcEdge({});
  using stream = streamEvents(edge.address, filter, request);
  const error = await stream.ended;
  expect(error?.code).toBe(status.INVALID_ARGUMENT);
  expect(error?.details.startsWith(`${path}:`)).toBe(true);
});

test('a bug in a stream whose caller has left is logged, once', async () => {
  const left = Promise.withResolvers<never>();
  const bug = new Error('the very cause');
  const followEvents: Follow = async function* () {
    yield page(1, 1);
    await left.promise;
  };
  await using edge = await startGrpcEdge({ followEvents });
  using stream = streamEvents(edge.address);
  await waitFor('events', () => stream.events.length > 0);
  stream.cancel();
  expect((await stream.ended)?.code).toBe(status.CANCELLED);
  await waitFor('its leaving', () => edge.server.connections === 0);
  left.reject(bug);
  const told = () => edge.lines.filter(({ level }) => level !== 'debug');
  await waitFor('its line', () => told().length > 0);
  const fields = { route: '/kodama.v1.EventService/StreamEvents', err: bug };
  expect(told()).toMatchObject([{ level: 'error', message: 'a request failed', fields }]);
});

test('a caller who cancels ends the generator, also before its first message', async () => {
  const source = endless((seq) => page(seq, 10));
  await using edge = await startGrpcEdge({ followEvents: source.follow });
  using stream = streamEvents(edge.address);
  await waitFor('events', () => stream.events.length > 100);
  expect(source.running()).toBe(1);
  stream.cancel();
  await waitFor('the end of the generator', () => source.running() === 0);
  expect((await stream.ended)?.code).toBe(status.CANCELLED);
  await waitFor('its line', () => edge.lines.length > 0);
  expect(edge.lines.filter(({ level }) => level !== 'debug')).toEqual([]);

  let started = 0;
  let ended = 0;
  const silent: Follow = async function* ({ signal }) {
    started += 1;
    try {
      await aborted(signal);
    } finally {
      ended += 1;
    }
    if (started < 0) yield page(1, 1);
  };
  await using quiet = await startGrpcEdge({ followEvents: silent });
  using waiting = streamEvents(quiet.address);
  await waitFor('the stream', () => started === 1);
  waiting.cancel();
  await waitFor('the end of the silent generator', () => ended === 1);
});

test('a deadline ends the generator', async () => {
  const source = endless((seq) => page(seq, 1));
  await using edge = await startGrpcEdge({ followEvents: source.follow });
  using stream = streamEvents(edge.address, {}, {}, { deadlineMs: 100 });
  expect((await stream.ended)?.code).toBe(status.DEADLINE_EXCEEDED);
  await waitFor('the end of the generator', () => source.running() === 0);
});

test(
  'a reader who pauses stops the generator, and gets all of it when it goes on',
  long,
  async () => {
    let last = 0;
    const source = endless((seq) => {
      last = seq;
      return page(seq, 100, 'x'.repeat(300));
    });
    await using edge = await startGrpcEdge({ followEvents: source.follow });
    using stream = streamEvents(edge.address);
    await waitFor('events', () => stream.events.length > 0);
    stream.call.pause();
    await waitFor('the generator to stand still', () => stillFor(() => last, 200));
    const beyond = last + 1000;
    stream.call.resume();
    await waitFor('events after the pause', () => (stream.events.at(-1)?.seq ?? 0) > beyond);
    const seqs = stream.events.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  },
);

/** True when a value has not changed for so long. */
async function stillFor(value: () => number, ms: number): Promise<boolean> {
  const before = value();
  const until = performance.now() + ms;
  while (performance.now() < until) {
    await new Promise((next) => setImmediate(next));
    if (value() !== before) return false;
  }
  return true;
}

test(
  'a reader who takes nothing for too long is ended with the seq to resume from',
  long,
  async () => {
    const source = endless((seq) => page(seq, 100, 'x'.repeat(300)));
    await using edge = await startGrpcEdge(
      { followEvents: source.follow },
      { limits: { streamWriteTimeoutMs: 1000 } },
    );
    using stream = streamEvents(edge.address);
    await waitFor('events', () => stream.events.length > 0);
    stream.call.pause();
    await waitFor('the end of the generator', () => source.running() === 0);
    stream.call.resume();
    const error = await stream.ended;
    expect(error?.code).toBe(status.RESOURCE_EXHAUSTED);
    const resume = stream.events.at(-1)?.seq;
    expect(error?.details).toBe(`the reader took nothing for 1000 ms: resume after seq ${resume}`);
    expect(error?.metadata.get('kodama-limit')).toEqual(['streamWriteTimeoutMs']);
    expect(error?.metadata.get('kodama-resume-after-seq')).toEqual([String(resume)]);
  },
);

test('a reader who does not even take the end of it loses the connection', async () => {
  const source = endless((seq) => page(seq, 100, 'x'.repeat(300)));
  await using edge = await startGrpcEdge(
    { followEvents: source.follow },
    { limits: { streamWriteTimeoutMs: 100 } },
  );
  using stream = streamEvents(edge.address);
  await waitFor('events', () => stream.events.length > 0);
  stream.call.pause();
  await waitFor('the end of the generator', () => source.running() === 0);
  await waitFor('the connection to be dropped', () => edge.server.connections === 0);
  stream.call.resume();
  expect((await stream.ended)?.code).toBeGreaterThan(0);
});

test('a slow reader stays, and slows no other', long, async () => {
  const source = endless((seq) => page(seq, 100, 'x'.repeat(300)));
  await using edge = await startGrpcEdge({ followEvents: source.follow });
  using slow = streamEvents(edge.address);
  await waitFor('events', () => slow.events.length > 0);
  slow.call.pause();
  using fast = streamEvents(edge.address);
  await waitFor('many events', () => fast.events.length > 20_000);
  slow.call.resume();
  const seen = slow.events.length;
  await waitFor('more events', () => slow.events.length > seen + 5000);
  const seqs = slow.events.map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
});

test('an error of the control plane ends the stream with its code, after what was sent before', async () => {
  const followEvents: Follow = async function* (_, { start }) {
    if (start.kind === 'after_seq') {
      throw new AppError('cursor_expired', 'the oldest event kept is 41', { oldestSeq: 41 });
    }
    yield page(1, 3);
    throw new AppError('unavailable', 'the store is away', { retryAfterMs: 1500 });
  };
  await using edge = await startGrpcEdge({ followEvents });
  using expired = streamEvents(edge.address, {}, { afterSeq: 3 });
  const gone = await expired.ended;
  expect(gone?.code).toBe(status.OUT_OF_RANGE);
  expect(gone?.metadata.get('kodama-oldest-seq')).toEqual(['41']);
  using stream = streamEvents(edge.address);
  const away = await stream.ended;
  expect(away?.code).toBe(status.UNAVAILABLE);
  expect(away?.metadata.get('kodama-retry-after-ms')).toEqual(['1500']);
  expect(stream.events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  const requestId = away?.metadata.get('kodama-request-id')[0];
  const route = '/kodama.v1.EventService/StreamEvents';
  const fields = { requestId, route, reason: 'the store is away' };
  const told = edge.lines.filter(({ level }) => level !== 'debug');
  expect(told).toEqual([{ level: 'warn', message: 'not available', fields }]);
});

test('a stop ends streams as unavailable, each generator with them', async () => {
  const source = endless((seq) => page(seq, 1));
  const edge = await startGrpcEdge({ followEvents: source.follow });
  const streams = Array.from({ length: 5 }, () => streamEvents(edge.address));
  await waitFor('events', () => streams.every((stream) => stream.events.length > 0));
  const begun = performance.now();
  await edge.server.stop();
  expect(performance.now() - begun).toBeLessThan(1000);
  expect(source.running()).toBe(0);
  for (const stream of streams) {
    expect(await stream.ended).toMatchObject({
      code: status.UNAVAILABLE,
      details: 'shutting down: resume from the last seq',
    });
    const seqs = stream.events.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  }
  expect(edge.lines.filter(({ level }) => level !== 'debug')).toEqual([]);
});

test('a stop does not wait for a reader who takes nothing', async () => {
  const source = endless((seq) => page(seq, 100, 'x'.repeat(300)));
  const edge = await startGrpcEdge({ followEvents: source.follow });
  using stream = streamEvents(edge.address);
  await waitFor('events', () => stream.events.length > 0);
  stream.call.pause();
  await waitFor('a full window', () => stillFor(() => stream.events.length, 50));
  const begun = performance.now();
  await edge.server.stop();
  expect(performance.now() - begun).toBeLessThan(3000);
  expect(source.running()).toBe(0);
  stream.call.resume();
  await stream.ended;
});
