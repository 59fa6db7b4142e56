/** Two nodes on one database: one log in one order, and either answers about all. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { type EventStream, streamEvents } from './support/grpc-client.ts';
import { long } from './support/long.ts';
import { all, call, want } from './support/rest-client.ts';
import { collect, ndjson } from './support/rest-stream.ts';
import { openClient, talk } from './support/tcp-client.ts';
import {
  makeHome,
  type RunningApp,
  sharedApp,
  sharedHome,
  startApp,
  type TestApp,
  type TestHome,
  type Tune,
} from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

/** Node ids of this file's own: a start ends what an earlier run of its node left behind on this host. */
const nodeA = `a-${randomUUID()}`;
const nodeB = `b-${randomUUID()}`;
const nodeC = `c-${randomUUID()}`;

const home = sharedHome();
const a = sharedApp({ KODAMA_NODE_ID: nodeA }, home);
const b = sharedApp({ KODAMA_NODE_ID: nodeB }, home);

async function startNode(nodeId: string, home: TestHome, extra = {}): Promise<TestApp> {
  return await startApp({ KODAMA_NODE_ID: nodeId, ...extra }, home);
}

async function headOf(app: RunningApp): Promise<number> {
  return (await want(200, app, 'GET', '/v1/status')).headSeq;
}

/** What a follower saw, to the head that all nodes agree on. */
async function seenBy(stream: EventStream, headSeq: number) {
  await waitFor('all of it', () => (stream.events.at(-1)?.seq ?? 0) >= headSeq);
  return stream.events.map(({ message }) => message);
}

test('what one node does, the other shows', async () => {
  const made = await want(201, a, 'POST', '/v1/listeners', { name: 'of-a', labels: { of: 'a' } });
  expect(await want(200, b, 'GET', '/v1/listeners/of-a')).toEqual(made);
  expect(made.nodeId).toBe(nodeA);
  await using client = await openClient(made.laddr.port);
  await client.echo('hello');
  const open = await waitFor('the record', async () => {
    const { connections } = await want(200, b, 'GET', '/v1/connections?listener=of-a&state=open');
    return connections[0];
  });
  expect(open).toMatchObject({ nodeId: nodeA, listenerId: made.id });
  const { listeners } = await want(200, b, 'GET', '/v1/listeners?label=of=a');
  expect(listeners).toMatchObject([{ id: made.id, openConnections: 1 }]);
  // A name is one on both.
  await want(409, b, 'POST', '/v1/listeners', { name: 'of-a' });
});

test('what is another node’s is changed and closed through either', async () => {
  const { id, laddr } = await want(201, a, 'POST', '/v1/listeners', {});
  await using client = await openClient(laddr.port);
  await client.echo('hello');
  const { id: connectionId } = await waitFor('the record', async () => {
    const path = `/v1/connections?state=open&listener=${id}`;
    return (await want(200, b, 'GET', path)).connections[0];
  });
  const path = `/v1/listeners/${id}`;
  const latency = { type: 'latency', delayMs: 1 };
  const changed = await want(200, b, 'PATCH', path, { labels: { by: 'b' }, faults: [latency] });
  expect(changed).toMatchObject({ nodeId: nodeA, state: 'listening', labels: { by: 'b' } });
  const [fault] = changed.faults;
  await want(200, b, 'PATCH', `${path}/faults/${fault.name}`, { delayMs: 2 });
  expect(await want(200, a, 'GET', path)).toMatchObject({ faults: [{ delayMs: 2 }] });
  const refused = await call(b, 'PATCH', path, { faults: [{ type: 'drop', ratio: 0.5 }] });
  expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
  const ended = await want(200, b, 'POST', `/v1/connections/${connectionId}:close`, {});
  expect(ended).toMatchObject({ nodeId: nodeA, closeReason: 'operator_fin' });
  await want(204, b, 'DELETE', path);
  expect(await want(200, a, 'GET', path)).toMatchObject({ state: 'closed' });
  await expect(openClient(laddr.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('what a cordoned node is asked for goes to another, whoever cordoned it', async () => {
  await want(200, b, 'PATCH', `/v1/nodes/${nodeA}`, { cordoned: true });
  await waitFor('word of it', async () => {
    const { id, nodeId } = await want(201, a, 'POST', '/v1/listeners', {});
    await want(204, a, 'DELETE', `/v1/listeners/${id}`);
    return nodeId === nodeB;
  });
  await want(200, a, 'PATCH', `/v1/nodes/${nodeA}`, { cordoned: false });
  expect((await want(201, a, 'POST', '/v1/listeners', {})).nodeId).toBe(nodeA);
});

test('followers of either node see one log in one order, while both write to it', async () => {
  const nodes = [a, b];
  await waitFor('the end of what came before', async () => {
    const { connections } = await want(200, a, 'GET', '/v1/connections?state=open');
    return connections.length === 0;
  });
  const afterSeq = await headOf(a);
  const live = nodes.map((node) => streamEvents(node.grpcAddress, {}, { afterSeq }));
  await Promise.all(live.map(({ synced }) => synced));
  await Promise.all(
    nodes.map(async (node) => {
      const { id, laddr } = await want(201, node, 'POST', '/v1/listeners', {});
      for (let turn = 0; turn < 25; turn += 1) await talk(laddr.port, `talk ${turn}`);
      await want(204, node, 'DELETE', `/v1/listeners/${id}`);
    }),
  );
  // Created, listening and closed, and two of each connection, on each node.
  const count = 2 * (3 + 2 * 25);
  const headSeq = afterSeq + count;
  for (const node of nodes) {
    await waitFor('the head', async () => (await headOf(node)) === headSeq);
  }
  const [fromA, fromB] = await Promise.all(live.map((stream) => seenBy(stream, headSeq)));
  expect(fromA?.map(({ seq }) => Number(seq))).toEqual(
    Array.from({ length: count }, (_, index) => afterSeq + index + 1),
  );
  expect(fromB).toEqual(fromA);
  // Read back, by page and as a stream, it is the same.
  const path = `/v1/events?afterSeq=${afterSeq}`;
  expect(await all(b, path, 'events')).toEqual(await all(a, path, 'events'));
  const [again, other] = await Promise.all(
    nodes.map(({ url }) => collect(ndjson(`${url}${path}&endAtHead=true`))),
  );
  expect(other).toEqual(again);
  for (const stream of live) stream.cancel();
});

test(
  'what one node has committed the other shows at once, though no wake comes',
  long,
  async () => {
    const never = 2 ** 30;
    const unwoken: Tune = (config) => ({
      ...config,
      store: { ...config.store, wakeMs: never, pollMs: never },
    });
    await using place = await makeHome();
    await using one = await startApp({ KODAMA_NODE_ID: `d-${randomUUID()}` }, place, unwoken);
    await using other = await startApp({ KODAMA_NODE_ID: `e-${randomUUID()}` }, place, unwoken);
    const { id } = await want(201, one, 'POST', '/v1/listeners', {});
    const change = async (at: string): Promise<number> => {
      await want(200, one, 'PATCH', `/v1/listeners/${id}`, { labels: { at } });
      return await headOf(one);
    };
    const path = (afterSeq: number) => `${other.url}/v1/events?afterSeq=${afterSeq}`;
    const first = await change('first');
    expect(await headOf(other)).toBe(first);
    const second = await change('second');
    expect(await all(other, `/v1/events?afterSeq=${first}`, 'events')).toMatchObject([
      { seq: second, listener: { labels: { at: 'second' } } },
    ]);
    const third = await change('third');
    const items = await collect(ndjson(`${path(second)}&endAtHead=true`));
    expect(items).toMatchObject([{ seq: third }, { seq: third }]);
  },
);

test('a follower goes on at the other node where the first one left it', long, async () => {
  const seen: number[] = [];
  {
    await using stopping = await startNode(nodeC, home);
    using stream = streamEvents(stopping.grpcAddress, {}, { afterSeq: 0 });
    await stream.synced;
    const { id } = await want(201, stopping, 'POST', '/v1/listeners', {});
    await waitFor('the events', () => {
      return stream.events.filter(({ message }) => message.listenerId === id).length >= 2;
    });
    const ending = stopping[Symbol.asyncDispose]();
    const error = await stream.ended;
    seen.push(...stream.events.map(({ seq }) => seq));
    expect(Number(error?.metadata.get('kodama-resume-after-seq')[0])).toBe(seen.at(-1));
    await ending;
  }
  await want(201, b, 'POST', '/v1/listeners', {});
  using rest = streamEvents(b.grpcAddress, {}, { afterSeq: seen.at(-1) ?? 0, endAtHead: true });
  expect(await rest.ended).toBeNull();
  seen.push(...rest.events.map(({ seq }) => seq));
  expect(seen).toEqual(Array.from({ length: await headOf(b) }, (_, index) => index + 1));
});
