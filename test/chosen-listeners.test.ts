/** Connections and events of listeners that are chosen by name or label, in pages and in streams. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { streamEvents } from './support/grpc-client.ts';
import { all, call, want } from './support/rest-client.ts';
import { collect, ndjson } from './support/rest-stream.ts';
import { talk } from './support/tcp-client.ts';
import { type RunningApp, sharedApp, sharedHome } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

/** Two nodes of one log. */
const home = sharedHome();
const a = sharedApp({ KODAMA_NODE_ID: `a-${randomUUID()}` }, home);
const labelledListenersMax = 8;
const b = sharedApp({ KODAMA_NODE_ID: `b-${randomUUID()}` }, home, (config) => ({
  ...config,
  streams: { ...config.streams, labelledListenersMax },
}));

type Fields = Readonly<Record<string, unknown>>;

async function listen(app: RunningApp, fields: Fields) {
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', fields);
  return { id: id as string, port: laddr.port as number };
}

/** Its connections are on record once they are closed. */
async function talkTo(app: RunningApp, { id, port }: { id: string; port: number }) {
  await talk(port, 'hello');
  await waitFor('the record', async () => {
    const { openConnections, totalConnections } = await want(
      200,
      app,
      'GET',
      `/v1/listeners/${id}`,
    );
    return totalConnections > 0 && openConnections === 0;
  });
}

const connectionsOf = (app: RunningApp, id: string) =>
  all(app, `/v1/connections?listener=${id}`, 'connections');

const close = (app: RunningApp, name: string) => want(204, app, 'DELETE', `/v1/listeners/${name}`);

test('a name finds the history of who has it now, or else had it last', async () => {
  const ofNobody = (path: string) => want(404, a, 'GET', path);
  await ofNobody('/v1/connections?listener=echo');
  await ofNobody('/v1/events?listener=echo');
  const listenersOf = async (path: string, field: 'connections' | 'events') =>
    new Set((await all(a, path, field)).map(({ listenerId }) => listenerId));
  const made = [];
  for (let turn = 0; turn < 2; turn += 1) {
    const one = await listen(a, { name: 'echo' });
    made.push(one.id);
    await talkTo(a, one);
    for (const when of ['alive', 'closed']) {
      expect(await listenersOf('/v1/connections?listener=echo', 'connections'), when).toEqual(
        new Set([one.id]),
      );
      expect(await listenersOf('/v1/events?listener=echo', 'events'), when).toEqual(
        new Set([one.id]),
      );
      if (when === 'alive') await close(a, 'echo');
    }
  }
  const lines = await collect(
    ndjson(`${a.url}/v1/events?afterSeq=0&endAtHead=true&listener=echo&listener=${made[0]}`),
  );
  const seen = lines.flatMap(({ event }) => (event === undefined ? [] : [event.listenerId]));
  expect(new Set(seen)).toEqual(new Set(made));
  await want(404, a, 'GET', '/v1/listeners/echo');
  expect((await want(200, a, 'GET', '/v1/listeners?name=echo')).listeners).toEqual([]);
  const { listeners } = await want(200, a, 'GET', '/v1/listeners?name=echo&state=closed');
  expect(listeners.map(({ id }: { id: string }) => id)).toEqual(made.toReversed());
});

test('connections, their events and refusals tell the name of their listener, as it is now', async () => {
  const one = await listen(a, { name: 'old' });
  await talkTo(a, one);
  const closed = await listen(a, { name: 'shut', limits: { denyCidrs: ['127.0.0.0/8'] } });
  await talk(closed.port, 'hello').catch(() => undefined);
  const refusals = `/v1/events?listener=${closed.id}&type=connection_refused`;
  await waitFor('the refusal', async () => (await all(a, refusals, 'events')).length > 0);
  const namesOf = async (app: RunningApp) => {
    const listenerIds = [one.id, closed.id];
    const ofBoth = listenerIds.map((id) => `listener=${id}`).join('&');
    using stream = streamEvents(app.grpcAddress, { listenerIds }, { afterSeq: 0, endAtHead: true });
    await stream.ended;
    const url = `${app.url}/v1/events?afterSeq=0&endAtHead=true&${ofBoth}`;
    const lines = await collect(ndjson(url));
    const told = [
      ...lines.map(({ event }) => event?.connection ?? event?.refusal),
      ...(await all(app, `/v1/events?${ofBoth}`, 'events')).map(
        (event) => event.connection ?? event.refusal,
      ),
      ...(await Promise.all(listenerIds.map((id) => connectionsOf(app, id)))).flat(),
      ...stream.events.map(({ message }) => message.connection ?? message.refusal),
    ];
    return new Set(told.flatMap((subject) => (subject ? [subject.listenerName] : [])));
  };
  for (const app of [a, b]) expect(await namesOf(app)).toEqual(new Set(['old', 'shut']));
  await want(200, a, 'PATCH', '/v1/listeners/old', { name: 'new' });
  await close(a, 'shut');
  for (const app of [a, b]) expect(await namesOf(app)).toEqual(new Set(['new', 'shut']));
  await want(200, a, 'PATCH', '/v1/listeners/new', { name: null });
  const { connections } = await want(200, b, 'GET', `/v1/connections?listener=${one.id}`);
  expect(connections).toMatchObject([{ listenerName: null }]);
});

test('a stream by labels follows who gets them and who loses them, on any node', async () => {
  const labels = { env: 'ci' };
  const first = await listen(a, { name: 'first', labels });
  await talkTo(a, first);
  const gone = await listen(a, { name: 'gone', labels });
  await close(a, 'gone');
  const plain = await listen(a, { name: 'plain' });
  await talkTo(a, plain);
  using stream = streamEvents(b.grpcAddress, { labels }, { afterSeq: 0 });
  await waitFor('the backlog', () => stream.messages.some(({ synced }) => synced !== undefined));
  const here = await listen(b, { name: 'here', labels: { ...labels, more: 'x' } });
  const there = await listen(a, { name: 'there', labels });
  const other = await listen(a, { name: 'other', labels: { env: 'dev' } });
  for (const one of [here, there, other]) await talkTo(a, one);
  const change = (name: string, to: object) =>
    want(200, a, 'PATCH', `/v1/listeners/${name}`, { labels: to });
  await change('plain', labels);
  await change('first', {});
  await talkTo(a, first);
  await talk(plain.port, 'hello');
  await close(a, 'there');
  const last = await listen(a, { name: 'last', labels });
  await waitFor('the last', () => stream.events.some(({ message }) => isOf(message, last.id)));
  const log = await all(b, '/v1/events', 'events');
  const seen = new Set(stream.events.map(({ seq }) => seq));
  const steps = (id: string) =>
    log.filter((event) => event.listenerId === id && seen.has(event.seq)).map(({ type }) => type);
  const life = ['listener_created', 'listener_listening'];
  const talked = ['connection_opened', 'connection_closed'];
  expect(steps(first.id)).toEqual([...life, ...talked, 'listener_updated']);
  expect(steps(gone.id)).toEqual([...life, 'listener_closed']);
  expect(steps(here.id)).toEqual([...life, ...talked]);
  expect(steps(there.id)).toEqual([...life, ...talked, 'listener_closed']);
  expect(steps(other.id)).toEqual([]);
  expect(steps(plain.id).slice(0, 2)).toEqual(['listener_updated', 'connection_opened']);
  expect([...seen]).toEqual([...seen].toSorted((one, next) => one - next));
  // Asked anew it is who carries them now, or did at the end.
  const now = await all(b, '/v1/connections?label=env=ci', 'connections');
  const ids = new Set(now.map(({ listenerId }) => listenerId));
  expect(ids).toEqual(new Set([here.id, there.id, plain.id]));
  expect(await all(b, '/v1/connections?label=env=ci&label=more=x', 'connections')).toHaveLength(1);
  expect(await all(b, '/v1/connections?label=env=ci&listener=other', 'connections')).toEqual([]);
});

function isOf(message: object, id: string): boolean {
  return JSON.stringify(message).includes(id);
}

test('labels of too many listeners are refused by the name of the limit', async () => {
  const app = b;
  const labels = { of: 'many' };
  for (let run = 1; run <= labelledListenersMax; run += 1) {
    await listen(app, { name: `n${run}`, labels: { ...labels, run: `${run}` } });
  }
  for (const path of ['/v1/connections', '/v1/events', '/v1/listeners']) {
    const body = await want(400, app, 'GET', `${path}?label=u=%E9`);
    expect(body.errors).toEqual([{ path: 'label', message: 'is not valid UTF-8' }]);
  }
  const paths = ['/v1/connections?label=of=many', '/v1/events?label=of=many'];
  for (const path of paths) await want(200, app, 'GET', path);
  await close(app, 'n1');
  await listen(app, { labels: { ...labels, run: 'one more' } });
  const limit = { limit: 'labelledListenersMax', limitValue: labelledListenersMax };
  for (const path of paths) {
    for (const accept of ['application/json', 'text/event-stream']) {
      const { status, body } = await call(app, 'GET', path, undefined, { accept });
      expect({ status, ...body }).toMatchObject({
        status: 429,
        code: 'resource_exhausted',
        ...limit,
      });
    }
    await want(200, app, 'GET', `${path}&label=run=1`);
    await want(200, app, 'GET', `${path}&listener=n2`);
  }
  const twice = await want(400, app, 'GET', '/v1/events?label=env=ci&label=env=dev');
  expect(twice.errors).toMatchObject([{ path: 'label[1]' }]);
});

test('pages go back from the newest, and begin at the newest n', async () => {
  const one = await listen(a, { name: 'one' });
  for (let turn = 0; turn < 3; turn += 1) await talkTo(a, one);
  await listen(a, {});
  for (const filter of ['', '&listener=one', '&type=connection_closed', '&protocol=udp']) {
    const forth = await all(a, `/v1/events?order=asc${filter}`, 'events');
    const back = await all(a, `/v1/events?order=desc${filter}`, 'events');
    expect(back).toEqual(forth.toReversed());
    for (const count of [0, 1, 3, 100]) {
      const newest = await all(a, `/v1/events?last=${count}${filter}`, 'events');
      expect(newest).toEqual(count === 0 ? [] : forth.slice(-count));
    }
  }
  const { events, nextPageToken } = await want(200, a, 'GET', '/v1/events?order=desc&pageSize=2');
  // What comes meanwhile moves nothing.
  await listen(a, {});
  const next = `/v1/events?order=desc&pageSize=2&pageToken=${nextPageToken}`;
  const page = await want(200, a, 'GET', next);
  const seqs = [...events, ...page.events].map(({ seq }) => seq);
  expect(seqs).toEqual([0, 1, 2, 3].map((step) => seqs[0] - step));
  await want(400, a, 'GET', `/v1/events?order=asc&pageToken=${nextPageToken}`);
  const stream = await call(a, 'GET', '/v1/events?order=desc', undefined, {
    accept: 'text/event-stream',
  });
  expect(stream.body.errors).toMatchObject([{ path: 'order' }]);
});
