import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import type { Control } from '../../test/support/edge-api.ts';
import { long } from '../../test/support/long.ts';
import { call, want } from '../../test/support/rest-client.ts';
import { type RestEdge, restEdge } from '../../test/support/rest-edge.ts';
import { collect, ndjson, serverSent, until } from '../../test/support/rest-stream.ts';
import { sampleEvent } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { AppError } from '../core/errors.ts';

const sse = { accept: 'text/event-stream' };
const lines = { accept: 'application/x-ndjson' };

function warnings({ log }: RestEdge) {
  return log.filter(({ level }) => Number(level) >= 40);
}

/** Each listener is two events. */
async function create(edge: RestEdge, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    ids.push((await want(201, edge, 'POST', '/v1/listeners', {})).id);
  }
  return ids;
}

test('NDJSON: the backlog, synced once, then what comes', async () => {
  await using edge = await restEdge();
  const [first] = await create(edge, 1);
  const stream = ndjson(`${edge.url}/v1/events?afterSeq=0`);
  const backlog = await until(stream, (line) => line.synced);
  expect(backlog).toMatchObject([
    { seq: 1, event: { seq: 1, type: 'listener_created', listenerId: first } },
    { seq: 2, event: { seq: 2, type: 'listener_listening', listener: { id: first } } },
    { seq: 2, synced: {} },
  ]);
  const [second] = await create(edge, 1);
  const live = await until(stream, (line) => line.seq === 4);
  expect(live.map((line) => line.event.listenerId)).toEqual([second, second]);
  await stream.return(undefined);
  await waitFor('the stream to end', () => edge.control.followers.length === 0);
});

test('server-sent events: the id is the seq and the log, the type the event', async () => {
  await using edge = await restEdge();
  await create(edge, 1);
  const stream = serverSent(`${edge.url}/v1/events?afterSeq=1&endAtHead=true`);
  const page = await want(200, edge, 'GET', '/v1/events?afterSeq=1');
  const id = `2:${edge.eventLog.id}`;
  expect(await collect(stream)).toEqual([
    { id, event: 'listener_listening', data: page.events[0] },
    { id, event: 'synced', data: { seq: 2 } },
  ]);
});

test('Last-Event-ID goes on where the reader was, whatever start the URL has', async () => {
  await using edge = await restEdge();
  await create(edge, 2);
  for (const query of ['afterSeq=0', 'fromNow=true', 'last=4', 'since=2020-01-01T00:00:00Z', '']) {
    const url = `${edge.url}/v1/events?${query}&endAtHead=true`;
    for (const last of ['3', `3:${edge.eventLog.id}`]) {
      const resumed = await collect(serverSent(url, { headers: { 'last-event-id': last } }));
      expect(resumed.map(({ id }) => Number.parseInt(id ?? '', 10))).toEqual([4, 4]);
    }
  }
});

test.each([
  ['', [5]],
  ['fromNow=true', [5]],
  ['afterSeq=2', [3, 4, 5]],
  ['last=3', [2, 3, 4, 5]],
  ['last=0', [5]],
  ['since=2020-01-01T00:00:00Z', [1, 2, 3, 4, 5]],
  ['since=2999-01-01T00:00:00Z', [5]],
])('a stream that starts with %j has the events %j', async (query, seqs) => {
  await using edge = await restEdge();
  await create(edge, 2);
  const stream = ndjson(`${edge.url}/v1/events?${query}`);
  const before = await until(stream, (line) => line.synced);
  await create(edge, 1);
  const after = await until(stream, (line) => line.event);
  const all = [...before, ...after].filter((line) => line.event).map((line) => line.seq);
  expect(all).toEqual(seqs);
});

test('heartbeats move a reader past what the filter left out', long, async () => {
  await using edge = await restEdge();
  const url = `${edge.url}/v1/events?type=listener_closed&heartbeatMs=1000`;
  const [rows, messages] = [ndjson(url), serverSent(url)];
  await until(rows, (line) => line.synced);
  await until(messages, ({ event }) => event === 'synced');
  await create(edge, 1);
  expect(await until(rows, () => true)).toEqual([{ seq: 2, heartbeat: {} }]);
  expect(await until(messages, () => true)).toEqual([
    { comment: 'heartbeat', id: `2:${edge.eventLog.id}` },
  ]);
});

test('the filter is an or within a parameter, and an and between them', async () => {
  await using edge = await restEdge();
  const [first, second] = await create(edge, 3);
  await want(204, edge, 'DELETE', `/v1/listeners/${first}`);
  const query = `afterSeq=0&endAtHead=true&listenerId=${first}&listenerId=${second}`;
  const types = 'type=listener_created&type=listener_closed';
  const rows = await collect(ndjson(`${edge.url}/v1/events?${query}&${types}`));
  const seen = rows.filter((row) => row.event).map(({ event }) => [event.listenerId, event.type]);
  expect(seen).toEqual([
    [first, 'listener_created'],
    [second, 'listener_created'],
    [first, 'listener_closed'],
  ]);
});

test.each([
  ['afterSeq=99', 400, 'invalid_argument', 'afterSeq'],
  ['afterSeq=0&last=1', 400, 'invalid_argument', 'last'],
  ['since=2020-01-01T00:00:00Z&fromNow=true', 400, 'invalid_argument', 'fromNow'],
  ['since=yesterday', 400, 'invalid_argument', 'since'],
  ['fromNow=false', 400, 'invalid_argument', 'fromNow'],
  ['heartbeatMs=999', 400, 'invalid_argument', 'heartbeatMs'],
  ['heartbeatMs=60001', 400, 'invalid_argument', 'heartbeatMs'],
  ['endAtHead=yes', 400, 'invalid_argument', 'endAtHead'],
  ['pageSize=10', 400, 'invalid_argument', 'pageSize'],
  ['pageToken=x', 400, 'invalid_argument', 'pageToken'],
  ['listenerId=tour', 400, 'invalid_argument', 'listenerId[0]'],
  ['type=nope', 400, 'invalid_argument', 'type[0]'],
  ['remoteCidr=10.0.0.0/99', 400, 'invalid_argument', 'remoteCidr[0]'],
])('a stream with %s is refused before its first byte', async (query, status, code, path) => {
  await using edge = await restEdge();
  await create(edge, 1);
  for (const headers of [sse, lines]) {
    const refused = await call(edge, 'GET', `/v1/events?${query}`, undefined, headers);
    expect(refused).toMatchObject({ status, body: { code, errors: [{ path }] } });
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
  }
});

test('a parameter of pages in a stream, or of streams in a page, is told where it belongs', async () => {
  await using edge = await restEdge();
  const stream = await call(edge, 'GET', '/v1/events?pageSize=10', undefined, sse);
  expect(stream.body.detail).toBe('pageSize: is for pages: ask for application/json');
  const page = await call(edge, 'GET', '/v1/events?since=2026-01-01T00:00:00Z');
  const wanted = 'send Accept: text/event-stream or application/x-ndjson';
  expect(page.body).toMatchObject({
    detail: `since: is for streams: ${wanted}`,
    errors: [{ path: 'since' }],
  });
});

test.each(['x', '-1', '1.5', '99999999999999999', '1:', '1: x', ':x', `1:${'x'.repeat(129)}`])(
  'Last-Event-ID %s is refused',
  async (id) => {
    await using edge = await restEdge();
    const headers = { ...sse, 'last-event-id': id };
    const refused = await call(edge, 'GET', '/v1/events', undefined, headers);
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ path: 'Last-Event-ID' }] } });
  },
);

test('a cursor that has expired is refused with the oldest seq', async () => {
  await using edge = await restEdge();
  await create(edge, 3);
  edge.eventLog.expire(5);
  const refused = await call(edge, 'GET', '/v1/events?afterSeq=2', undefined, sse);
  expect(refused).toMatchObject({ status: 410, body: { code: 'cursor_expired', oldestSeq: 5 } });
});

test('a cursor of another log is refused, whichever way it comes', async () => {
  await using edge = await restEdge();
  await create(edge, 1);
  const { id: log } = edge.eventLog;
  const changed = { code: 'cursor_expired', why: 'log_changed', log, oldestSeq: 1 };
  const asked = [
    ['/v1/events?afterSeq=1&log=other', sse],
    ['/v1/events?afterSeq=1&log=other', lines],
    ['/v1/events?log=other', lines],
    ['/v1/events?afterSeq=1&log=other', {}],
    ['/v1/events:wait?afterSeq=1&log=other', {}],
    ['/v1/connections:wait?log=other', {}],
    ['/v1/events', { ...sse, 'last-event-id': '1:other' }],
    // What was seen last comes before what the URL says, its log too; a seq alone is of the URL's.
    [`/v1/events?log=${log}`, { ...sse, 'last-event-id': '1:other' }],
    ['/v1/events?log=other', { ...sse, 'last-event-id': '1' }],
  ] as const;
  for (const [path, headers] of asked) {
    const refused = await call(edge, 'GET', path, undefined, headers);
    expect(refused, path).toMatchObject({ status: 410, body: changed });
  }
  for (const query of [`afterSeq=1&log=${log}`, `log=${log}`, 'afterSeq=1']) {
    const rows = await collect(ndjson(`${edge.url}/v1/events?${query}&endAtHead=true`));
    // The first line says which it is.
    expect(rows.map((row) => row.log)).toEqual([log, ...rows.slice(1).map(() => undefined)]);
    expect(await want(200, edge, 'GET', `/v1/events?${query}`)).toMatchObject({ log });
  }
  expect(await want(200, edge, 'GET', '/v1/events:wait?min=0')).toMatchObject({ log });
  expect(await want(200, edge, 'GET', '/v1/status')).toMatchObject({ log });
  const wrong = await call(edge, 'GET', `/v1/events?log=${'x'.repeat(129)}`);
  expect(wrong).toMatchObject({ status: 400, body: { errors: [{ path: 'log' }] } });
});

test('one stream too many is refused by the name of the limit', async () => {
  await using edge = await restEdge({ followersMax: 1 });
  const stream = ndjson(`${edge.url}/v1/events`);
  await until(stream, (line) => line.synced);
  const refused = await call(edge, 'GET', '/v1/events', undefined, lines);
  expect(refused).toMatchObject({
    status: 429,
    body: { code: 'resource_exhausted', limit: 'followersMax', limitValue: 1 },
  });
  expect(refused.headers.get('retry-after')).toBe('1');
});

test('at shutdown a stream says why it ends', async () => {
  await using edge = await restEdge();
  const [rows, messages] = [ndjson(`${edge.url}/v1/events`), serverSent(`${edge.url}/v1/events`)];
  await until(rows, (line) => line.synced);
  await until(messages, ({ event }) => event === 'synced');
  edge.control.endStreams();
  const problem = {
    status: 503,
    code: 'unavailable',
    requestId: expect.any(String),
    resumeAfterSeq: 0,
  };
  expect(await collect(rows)).toMatchObject([{ error: problem }]);
  expect(await collect(messages)).toMatchObject([{ event: 'error', data: problem }]);
  expect(warnings(edge)).toEqual([]);
});

test('a stream that can not go on says so, and the log does', async () => {
  const followEvents: Control['followEvents'] = async function* () {
    yield { kind: 'synced', seq: 3 };
    throw new AppError('unavailable', 'the store is away', {
      cause: new Error('connection refused'),
    });
  };
  await using edge = await restEdge({ control: { followEvents } });
  const [, last] = await collect(ndjson(`${edge.url}/v1/events`));
  expect(last.error).toMatchObject({ code: 'unavailable', resumeAfterSeq: 3 });
  const { requestId } = last.error;
  const reason = 'the store is away: connection refused';
  const line = { level: 40, msg: 'not available', requestId, route: 'GET /v1/events', reason };
  expect(warnings(edge)).toMatchObject([line]);
});

test('a client that goes away ends its stream', async () => {
  await using edge = await restEdge();
  const gone = new AbortController();
  const stream = ndjson(`${edge.url}/v1/events`, { signal: gone.signal });
  await until(stream, (line) => line.synced);
  expect(edge.control.followers).toHaveLength(1);
  gone.abort();
  await expect(stream.next()).rejects.toThrow();
  await waitFor('the stream to end', () => edge.control.followers.length === 0);
  expect(warnings(edge)).toEqual([]);
});

/** A control plane whose log never ends, and how much of it was taken. */
function endlessLog() {
  const log = { taken: 0, streams: 0 };
  const followEvents: Control['followEvents'] = async function* ({ signal }) {
    log.streams += 1;
    try {
      for (let seq = 1; !signal.aborted; seq += 1) {
        log.taken = seq;
        const event = { ...sampleEvent({ error: 'x'.repeat(60_000) }), seq };
        yield { kind: 'events', seq, events: [event], names: new Map() };
        await new Promise((next) => setImmediate(next));
      }
    } finally {
      log.streams -= 1;
    }
  };
  return { log, control: { followEvents } };
}

async function stalledReader(edge: RestEdge): Promise<Socket> {
  const reader = connect(edge.port, '127.0.0.1');
  const headers = 'host: localhost\r\naccept: application/x-ndjson\r\nconnection: close\r\n';
  reader.write(`GET /v1/events HTTP/1.1\r\n${headers}\r\n`);
  await once(reader, 'readable');
  return reader;
}

test('a reader that stalls is waited for, then told the seq to go on from', long, async () => {
  const { log, control } = endlessLog();
  await using edge = await restEdge({ control, limits: { streamWriteTimeoutMs: 500 } });
  const reader = await stalledReader(edge);
  await waitFor('the end of the stream', () => log.streams === 0);
  // What nobody reads lies in the kernel's buffers, a few megabytes, and not in ours.
  expect(log.taken).toBeLessThan(400);
  let text = '';
  reader.setEncoding('utf8');
  for await (const part of reader) text += part;
  const lines = text.split('\n').filter((line) => line.startsWith('{"'));
  const last = JSON.parse(lines.at(-1) ?? '');
  expect(last).toMatchObject({
    error: {
      code: 'resource_exhausted',
      limit: 'streamWriteTimeoutMs',
      limitValue: 500,
      resumeAfterSeq: log.taken,
    },
  });
});

test('a reader that does not even take the end loses the connection', async () => {
  const { log, control } = endlessLog();
  const limits = { streamWriteTimeoutMs: 200, connectionsMax: 1 };
  await using edge = await restEdge({ control, limits });
  const reader = await stalledReader(edge);
  await waitFor('the end of the stream', () => log.streams === 0);
  await waitFor('room', () => fetch(`${edge.url}/healthz`).catch(() => null));
  reader.destroy();
});

test('the Accept header chooses by its preference', async () => {
  await using edge = await restEdge();
  await create(edge, 1);
  const typeOf = async (accept: string) => {
    const url = `${edge.url}/v1/events`;
    const response = await fetch(url, { headers: { accept }, signal: AbortSignal.timeout(10_000) });
    await response.body?.cancel();
    return response.headers.get('content-type')?.split(';')[0];
  };
  const table: Record<string, string> = {
    '*/*': 'application/json',
    'application/json': 'application/json',
    'text/html, */*;q=0.8': 'application/json',
    'text/event-stream': 'text/event-stream',
    'Text/Event-Stream': 'text/event-stream',
    'application/json;q=0.5, application/x-ndjson': 'application/x-ndjson',
    'application/x-ndjson;q=0.1, application/json;q=0.9': 'application/json',
    'application/x-ndjson;q=0': 'application/json',
    constructor: 'application/json',
  };
  for (const [accept, type] of Object.entries(table)) {
    expect(await typeOf(accept), accept).toBe(type);
  }
});

test('HEAD of the events is a page, and ends', async () => {
  await using edge = await restEdge();
  const response = await fetch(`${edge.url}/v1/events`, { method: 'HEAD', headers: sse });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('application/json');
});
