/** Streams of a whole kodama: starts, filters, heartbeats, limits. */
import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { call, grpcClient, streamEvents } from '../support/grpc-client.ts';
import { long } from '../support/long.ts';
import { plainMessage, withoutNothing } from '../support/plain-message.ts';
import { all, want } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const app = sharedApp();

/** Opens a listener and talks to it so often, until all of it is in the log; resolves with the head. */
async function population(talks: number) {
  const listener = await want(201, app, 'POST', '/v1/listeners', {});
  for (let index = 0; index < talks; index += 1) await talk(listener.laddr.port, `talk ${index}`);
  await waitFor('the records', async () => {
    const now = await want(200, app, 'GET', `/v1/listeners/${listener.id}`);
    return now.totalConnections === talks && now.openConnections === 0;
  });
  const { headSeq } = await want(200, app, 'GET', '/v1/status');
  return { listener, headSeq: headSeq as number };
}

function seqsOf(stream: { readonly events: readonly { readonly seq: number }[] }): number[] {
  return stream.events.map(({ seq }) => seq);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

test('a stream since a time that has not come yet is from now', async () => {
  const { headSeq } = await population(1);
  using stream = streamEvents(app.grpcAddress, {}, { since: { seconds: 4_000_000_000 } });
  await waitFor('synced', () => stream.messages.some(({ synced }) => synced !== undefined));
  await population(1);
  await waitFor('its events', () => stream.events.length > 0);
  expect(stream.events[0]).toMatchObject({ seq: headSeq + 1, type: 'listener_created' });
});

test('each start gives exactly what it says, and synced comes once, after the backlog', async () => {
  const { headSeq } = await population(5);
  const { events } = await want(200, app, 'GET', '/v1/events?pageSize=1000');
  const third = events[2];
  const [seconds, fraction] = third.time.slice(0, -1).split('.');
  const since = { seconds: Date.parse(`${seconds}Z`) / 1000, nanos: Number(fraction) * 1000 };
  const firstSince = events.find((event: { time: string }) => event.time >= third.time).seq;
  const starts = [
    [{ afterSeq: 0 }, range(1, headSeq)],
    [{ afterSeq: 4 }, range(5, headSeq)],
    [{ afterSeq: headSeq }, []],
    [{ last: 3 }, range(headSeq - 2, headSeq)],
    [{ last: 0 }, []],
    [{ last: 100_000 }, range(1, headSeq)],
    [{ since }, range(firstSince, headSeq)],
    [{ since: { seconds: 4_000_000_000 } }, []],
    [{ fromNow: true }, []],
    [{}, []],
  ] as const;
  for (const [start, expected] of starts) {
    using stream = streamEvents(app.grpcAddress, {}, { ...start, endAtHead: true });
    expect(await stream.ended, JSON.stringify(start)).toBeNull();
    expect(seqsOf(stream), JSON.stringify(start)).toEqual(expected);
    expect(stream.messages.filter(({ synced }) => synced !== undefined)).toHaveLength(1);
    expect(stream.messages.at(-1)).toMatchObject({ seq: String(headSeq), payload: 'synced' });
  }
});

test('a stream shows each event as REST shows it', async () => {
  await population(3);
  const events = await all(app, '/v1/events', 'events');
  using stream = streamEvents(app.grpcAddress, {}, { afterSeq: 0, endAtHead: true });
  await stream.ended;
  const seen = stream.events.map(({ message }) => withoutNothing(plainMessage(message)));
  expect(seen).toEqual(events.map(withoutNothing));
});

test('filters hold for what was and for what comes', async () => {
  const { listener } = await population(3);
  const other = await want(201, app, 'POST', '/v1/listeners', {});
  const path = `/v1/connections?listener=${listener.id}`;
  const { connections } = await want(200, app, 'GET', path);
  const [{ id }] = connections;
  const filters = [
    { listenerIds: [listener.id] },
    { connectionIds: [id] },
    { types: ['EVENT_TYPE_CONNECTION_CLOSED', 'EVENT_TYPE_LISTENER_CREATED'] },
    { protocols: ['PROTOCOL_TCP'], remoteCidrs: ['127.0.0.0/8'] },
    { remoteCidrs: ['10.0.0.0/8'] },
    { protocols: ['PROTOCOL_UDP'] },
    { listenerIds: [listener.id], types: ['EVENT_TYPE_CONNECTION_OPENED'] },
  ] as const;
  const streams = filters.map((filter) => {
    const lists = Object.entries(filter).map(([key, values]) => [key, [...values]]);
    return streamEvents(app.grpcAddress, Object.fromEntries(lists), { afterSeq: 0 });
  });
  using whole = streamEvents(app.grpcAddress, {}, { afterSeq: 0 });
  await Promise.all([whole, ...streams].map(({ synced }) => synced));
  for (const port of [listener.laddr.port, other.laddr.port]) await talk(port, 'live');
  await waitFor('the closes', () => {
    const closed = whole.events.filter(({ type }) => type === 'connection_closed');
    const ids: unknown[] = [listener.id, other.id];
    return closed.filter(({ message }) => ids.includes(message.listenerId)).length === 5;
  });
  const expected = [
    whole.events.filter(({ message }) => message.listenerId === listener.id),
    whole.events.filter(({ message }) => message.connectionId === id),
    whole.events.filter(({ type }) => /connection_closed|listener_created/.test(type)),
    whole.events.filter(({ type }) => type.startsWith('connection')),
    [],
    [],
    whole.events.filter(
      ({ type, message }) => type === 'connection_opened' && message.listenerId === listener.id,
    ),
  ];
  for (const [index, stream] of streams.entries()) {
    const wanted = (expected[index] ?? []).map(({ seq }) => seq);
    await waitFor(`filter ${index}`, () => stream.events.length >= wanted.length);
    expect(seqsOf(stream)).toEqual(wanted);
    stream.cancel();
  }
});

test('a heartbeat moves past what the filter left out', long, async () => {
  const filter = { types: ['EVENT_TYPE_LISTENER_FAILED' as const] };
  using stream = streamEvents(app.grpcAddress, filter, { heartbeatInterval: { seconds: 1 } });
  const synced = await stream.synced;
  const { headSeq } = await population(2);
  expect(headSeq).toBeGreaterThan(synced);
  const beat = await waitFor('the heartbeat', () =>
    stream.messages.find(({ heartbeat, seq }) => heartbeat && Number(seq) === headSeq),
  );
  expect(beat).toMatchObject({ payload: 'heartbeat' });
  expect(stream.events).toEqual([]);
});

test('a cursor above the head is refused with the head', async () => {
  const { headSeq } = await population(1);
  using stream = streamEvents(app.grpcAddress, {}, { afterSeq: headSeq + 1 });
  const error = await stream.ended;
  expect(error?.code).toBe(status.INVALID_ARGUMENT);
  expect(error?.metadata.get('kodama-head-seq')).toEqual([String(headSeq)]);
});

test(
  'a subscriber who does not read slows no one, and gets all of it in the end',
  long,
  async () => {
    using asleep = streamEvents(app.grpcAddress);
    using awake = streamEvents(app.grpcAddress);
    await Promise.all([asleep.synced, awake.synced]);
    asleep.call.pause();
    const { headSeq } = await population(200);
    await waitFor('all of it', () => awake.events.at(-1)?.seq === headSeq);
    asleep.call.resume();
    await waitFor('all of it, late', () => asleep.events.at(-1)?.seq === headSeq);
    expect(seqsOf(asleep)).toEqual(seqsOf(awake));
  },
);

describe('with a token and room for two streams', () => {
  const token = 'sixteen-or-more-characters';
  const app = sharedApp({ KODAMA_API_TOKEN: token, KODAMA_STREAMS_MAX: '2' });

  test('with a token, calls and streams want it', async () => {
    using stranger = grpcClient(app.grpcAddress);
    await expect(call((done) => stranger.listeners.ListListeners({}, done))).rejects.toMatchObject({
      code: status.UNAUTHENTICATED,
    });
    using refused = streamEvents(app.grpcAddress);
    expect((await refused.ended)?.code).toBe(status.UNAUTHENTICATED);
    using stream = streamEvents(app.grpcAddress, {}, { endAtHead: true }, { token });
    expect(await stream.ended).toBeNull();
  });

  test('streams beyond the limit are refused by its name, and there is room again after one ends', async () => {
    using first = streamEvents(app.grpcAddress, {}, {}, { token });
    using second = streamEvents(app.grpcAddress, {}, {}, { token });
    await Promise.all([first.synced, second.synced]);
    using third = streamEvents(app.grpcAddress, {}, {}, { token });
    const error = await third.ended;
    expect(error?.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(error?.metadata.get('kodama-limit')).toEqual(['followersMax']);
    first.cancel();
    await waitFor('room', async () => {
      using again = streamEvents(app.grpcAddress, {}, { endAtHead: true }, { token });
      return (await again.ended) === null;
    });
  });
});
