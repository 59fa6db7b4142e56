/** Streams of a whole kodama: starts, filters, heartbeats, and nothing lost or doubled over restarts. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { call, grpcClient, streamEvents } from '../support/grpc-client.ts';
import { plainMessage, withoutNothing } from '../support/plain-message.ts';
import { want } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
import { makeHome, startApp, startProcess, type TestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

/** Opens a listener and talks to it so often, until all of it is in the log; resolves with the head. */
async function population(app: TestApp, talks: number) {
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

test('each start gives exactly what it says, and synced comes once, after the backlog', async () => {
  await using app = await startApp();
  const { headSeq } = await population(app, 5);
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
  await using app = await startApp();
  await population(app, 3);
  const { events } = await want(200, app, 'GET', '/v1/events?pageSize=1000');
  using stream = streamEvents(app.grpcAddress, {}, { afterSeq: 0, endAtHead: true });
  await stream.ended;
  const seen = stream.events.map(({ message }) => withoutNothing(plainMessage(message)));
  expect(seen).toEqual(events.map(withoutNothing));
});

test('filters hold for what was and for what comes', async () => {
  await using app = await startApp();
  const { listener } = await population(app, 3);
  const other = await want(201, app, 'POST', '/v1/listeners', {});
  const { connections } = await want(200, app, 'GET', '/v1/connections');
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
  using all = streamEvents(app.grpcAddress, {}, { afterSeq: 0 });
  await Promise.all([all, ...streams].map(({ synced }) => synced));
  for (const port of [listener.laddr.port, other.laddr.port]) await talk(port, 'live');
  await waitFor('the closes', () => {
    return all.events.filter(({ type }) => type === 'connection_closed').length === 5;
  });
  const expected = [
    all.events.filter(({ message }) => message.listenerId === listener.id),
    all.events.filter(({ message }) => message.connectionId === id),
    all.events.filter(({ type }) => /connection_closed|listener_created/.test(type)),
    all.events.filter(({ type }) => type.startsWith('connection')),
    [],
    [],
    all.events.filter(
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

test('a heartbeat moves past what the filter left out', async () => {
  await using app = await startApp();
  const filter = { types: ['EVENT_TYPE_LISTENER_FAILED' as const] };
  using stream = streamEvents(app.grpcAddress, filter, { heartbeatInterval: { seconds: 1 } });
  const synced = await stream.synced;
  const { headSeq } = await population(app, 2);
  expect(headSeq).toBeGreaterThan(synced);
  const beat = await waitFor('the heartbeat', () =>
    stream.messages.find(({ heartbeat, seq }) => heartbeat && Number(seq) === headSeq),
  );
  expect(beat).toMatchObject({ payload: 'heartbeat' });
  expect(stream.events).toEqual([]);
});

test('a cursor above the head is refused with the head', async () => {
  await using app = await startApp();
  const { headSeq } = await population(app, 1);
  using stream = streamEvents(app.grpcAddress, {}, { afterSeq: headSeq + 1 });
  const error = await stream.ended;
  expect(error?.code).toBe(status.INVALID_ARGUMENT);
  expect(error?.metadata.get('kodama-head-seq')).toEqual([String(headSeq)]);
});

test('streams beyond the limit are refused by its name, and there is room again after one ends', async () => {
  await using app = await startApp({ KODAMA_STREAMS_MAX: '2' });
  using first = streamEvents(app.grpcAddress);
  using second = streamEvents(app.grpcAddress);
  await Promise.all([first.synced, second.synced]);
  using third = streamEvents(app.grpcAddress);
  const error = await third.ended;
  expect(error?.code).toBe(status.RESOURCE_EXHAUSTED);
  expect(error?.metadata.get('kodama-limit')).toEqual(['followersMax']);
  first.cancel();
  await waitFor('room', async () => {
    using again = streamEvents(app.grpcAddress, {}, { endAtHead: true });
    return (await again.ended) === null;
  });
});

test('over a stop and a kill, resuming by seq loses nothing and doubles nothing', async () => {
  await using home = await makeHome();
  const seen: number[] = [];
  let port = 0;
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM'] as const) {
    await using app = await startProcess(home);
    if (port === 0) {
      const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'kept' });
      port = laddr.port;
    }
    using stream = streamEvents(app.grpcAddress, {}, { afterSeq: seen.at(-1) ?? 0 });
    await stream.synced;
    for (let index = 0; index < 20; index += 1) await talk(port, 'x');
    await waitFor('some of it', () => stream.events.length >= 20);
    app.child.kill(signal);
    const error = await stream.ended;
    expect(error?.code).toBe(status.UNAVAILABLE);
    if (signal === 'SIGTERM') {
      expect(error?.details).toBe('shutting down: resume from the last seq');
      const resume = Number(error?.metadata.get('kodama-resume-after-seq')[0]);
      expect(resume).toBe(Number(stream.messages.at(-1)?.seq));
    }
    seen.push(...seqsOf(stream));
    await app.exited;
  }
  await using app = await startApp({}, home);
  using rest = streamEvents(app.grpcAddress, {}, { afterSeq: seen.at(-1) ?? 0, endAtHead: true });
  expect(await rest.ended).toBeNull();
  seen.push(...seqsOf(rest));
  const { headSeq } = await want(200, app, 'GET', '/v1/status');
  expect(seen).toEqual(range(1, headSeq));
});

test('a subscriber who does not read slows no one, and gets all of it in the end', async () => {
  await using app = await startApp();
  using asleep = streamEvents(app.grpcAddress);
  using awake = streamEvents(app.grpcAddress);
  await Promise.all([asleep.synced, awake.synced]);
  asleep.call.pause();
  const { headSeq } = await population(app, 500);
  await waitFor('all of it', () => awake.events.at(-1)?.seq === headSeq);
  asleep.call.resume();
  await waitFor('all of it, late', () => asleep.events.at(-1)?.seq === headSeq);
  expect(seqsOf(asleep)).toEqual(seqsOf(awake));
});

test('with a token, calls and streams want it', async () => {
  const token = 'sixteen-or-more-characters';
  await using app = await startApp({ KODAMA_API_TOKEN: token });
  using stranger = grpcClient(app.grpcAddress);
  await expect(call((done) => stranger.listeners.ListListeners({}, done))).rejects.toMatchObject({
    code: status.UNAUTHENTICATED,
  });
  using refused = streamEvents(app.grpcAddress);
  expect((await refused.ended)?.code).toBe(status.UNAUTHENTICATED);
  using stream = streamEvents(app.grpcAddress, {}, { endAtHead: true }, { token });
  expect(await stream.ended).toBeNull();
});

test('the example prints the log, a line an event, and resumes by seq', async () => {
  await using app = await startApp();
  const { headSeq, listener } = await population(app, 2);
  const run = async (...args: readonly string[]) => {
    const file = join(import.meta.dirname, '../../examples/stream-events.ts');
    const all = [file, '--addr', app.grpcAddress, '--end-at-head', ...args];
    const { stdout } = await promisify(execFile)(process.execPath, all);
    return stdout.split('\n').filter((line) => line !== '');
  };
  const lines = await run('--after-seq', '0');
  expect(lines.map((line) => Number.parseInt(line, 10))).toEqual(range(1, headSeq));
  expect(lines.at(-1)).toMatch(
    /^\d+ \S+Z connection_closed 127\.0\.0\.1:\d+ → 127\.0\.0\.1:\d+ peer_fin, 6 B in, 6 B out$/,
  );
  expect(await run('--after-seq', String(headSeq - 1))).toEqual(lines.slice(-1));
  expect(await run('--after-seq', '0', '--listener', listener.id)).toEqual(lines);
});
