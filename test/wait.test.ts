/** Waits for connections and events, on real sockets and through both edges: before, while and after they come. */
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GrpcClient, call as grpcCall, grpcClient } from './support/grpc-client.ts';
import { long } from './support/long.ts';
import { plainError } from './support/plain-message.ts';
import { call, want } from './support/rest-client.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { commonApp, startApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const app = commonApp();
let client: GrpcClient;
beforeAll(() => {
  client = grpcClient(app.grpcAddress);
});
afterAll(() => client[Symbol.dispose]());

let names = 0;
async function listen(fields: object = {}) {
  names += 1;
  const name = `wait-${names}`;
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', { name, ...fields });
  return { name, port: laddr.port as number };
}

const waitIn = (query: string, status = 200) =>
  want(status, app, 'GET', `/v1/connections:wait?timeoutMs=20000&${query}`);

test('a connection that closes before, while and after the call is found alike', async () => {
  const { name, port } = await listen();
  const query = `listener=${name}&closeReason=peer_fin`;
  for (let count = 1; count <= 12; count += 1) {
    const client = await openClient(port);
    await client.echo('hello');
    const end = async () => {
      client.socket.end();
      await client.ended;
    };
    const ask = () => waitIn(`${query}&min=${count}&max=${count}`);
    if (count % 3 === 0) await end();
    const waiting = ask();
    if (count % 3 === 1) await end();
    if (count % 3 === 2) {
      await waitFor('the wait', async () => (await openStreams()) > 0);
      await end();
    }
    const met = await waiting;
    expect(met).toMatchObject({ met: true, count });
    expect(met.connections.at(-1)).toMatchObject({ bytesIn: 5, bytesOut: 5, listenerName: name });
    // Where it stood, all of them are told.
    const { events } = await want(
      200,
      app,
      'GET',
      `/v1/events?listener=${name}&type=connection_closed`,
    );
    expect(events.at(-1).seq).toBeLessThanOrEqual(met.seq);
  }
});

async function openStreams(): Promise<number> {
  const text = String((await call(app, 'GET', '/metrics')).body);
  return Number(/^kodama_streams (\d+)$/m.exec(text)?.[1]);
}

test('what came instead is told at once, on both edges alike', async () => {
  const { name, port } = await listen();
  const client1 = await openClient(port);
  client1.socket.resetAndDestroy();
  await waitIn(`listener=${name}&closeReason=peer_rst`);
  await want(204, app, 'DELETE', `/v1/listeners/${name}`);
  const problem = await waitIn(`listener=${name}&closeReason=peer_fin`, 409);
  const detail = 'over: 0 connections matched, not 1 or more';
  expect(problem).toMatchObject({
    ...{ code: 'not_met', detail, why: 'over', count: 0, min: 1, connections: [] },
    near: [{ closeReason: 'peer_rst', differs: ['closeReason: peer_rst, not peer_fin'] }],
  });
  const request = {
    listener: name,
    closeReason: 'CLOSE_REASON_PEER_FIN',
    timeout: { seconds: 20 },
  };
  const error = await grpcCall((done) => client.connections.WaitConnections(request, done)).then(
    () => expect.fail('it was met'),
    (reason: ServiceError) => reason,
  );
  const { seq } = problem;
  expect(plainError(error)).toMatchObject({ code: 'not_met', detail, why: 'over', count: 0, seq });
  const rich = String(error.metadata.get('grpc-status-details-bin')[0]);
  expect(rich).toContain('google.rpc.PreconditionFailure');
  expect(rich).toContain(`connections/${problem.near[0].id}`);
  const met = { ...request, closeReason: 'CLOSE_REASON_PEER_RST' };
  const answer = await grpcCall<{ connections: object[] }>((done) =>
    client.connections.WaitConnections(met, done),
  );
  expect(answer).toMatchObject({
    ...{ count: 1, seq: String(seq) },
    connections: [{ id: problem.near[0].id, listenerName: name }],
  });
});

test('bytes count while the connection is open', long, async () => {
  const { name, port } = await listen();
  await using one = await openClient(port);
  const waiting = waitIn(`listener=${name}&state=open&minBytesIn=5&minBytesOut=5`);
  await one.echo('hello');
  expect((await waiting).connections).toMatchObject([{ state: 'open', bytesIn: 5 }]);
});

test('refusals are waited for by their events, and nobody by a count of none', async () => {
  const { name, port } = await listen({ limits: { denyCidrs: ['127.0.0.0/8'] } });
  const events = `/v1/events:wait?listener=${name}&timeoutMs=20000`;
  const waiting = want(200, app, 'GET', `${events}&type=connection_refused`);
  await talk(port, 'hello').catch(() => undefined);
  const { seq, events: seen } = await waiting;
  expect(seen).toMatchObject([{ seq, refusal: { rule: 'deny_cidrs', listenerName: name } }]);
  const filter = { listeners: [name], types: ['EVENT_TYPE_CONNECTION_REFUSED'] };
  const asked = grpcCall((done) => client.events.WaitEvents({ filter }, done));
  expect(await asked).toMatchObject({ count: 1, events: [{ seq: String(seq) }] });
  expect(await waitIn(`listener=${name}&max=0&settleMs=100`)).toMatchObject({ count: 0 });
  await waitIn('listener=nobody', 404);
});

test.each([
  ['min=2&max=1', 'min', 'is above max'],
  ['settleMs=2&timeoutMs=1', 'settleMs', 'is above timeoutMs'],
  ['min=1001', 'min', undefined],
  ['timeoutMs=60001', 'timeoutMs', undefined],
  ['pageToken=x', 'pageToken', undefined],
])('%s is refused', async (query, path, message) => {
  for (const list of ['connections', 'events']) {
    const { errors } = await want(400, app, 'GET', `/v1/${list}:wait?${query}`);
    expect(errors).toMatchObject([{ path, ...(message !== undefined && { message }) }]);
  }
  const head = await want(200, app, 'GET', '/v1/status');
  const above = `/v1/events:wait?afterSeq=${head.headSeq + 1_000_000}`;
  expect(await want(400, app, 'GET', above)).toMatchObject({ errors: [{ path: 'afterSeq' }] });
});

test('a stop ends waits in order', long, async () => {
  await using own = await startApp();
  const waiting = call(own, 'GET', '/v1/connections:wait?timeoutMs=60000');
  const onGrpc = grpcClient(own.grpcAddress);
  const other = grpcCall((done) =>
    onGrpc.connections.WaitConnections({ timeout: { seconds: 60 } }, done),
  ).catch((error: ServiceError) => error.metadata.get('kodama-code'));
  await waitFor('both waits', async () =>
    /^kodama_streams 2$/m.test(String((await call(own, 'GET', '/metrics')).body)),
  );
  await own[Symbol.asyncDispose]();
  expect(await waiting).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect(await other).toEqual(['unavailable']);
  onGrpc[Symbol.dispose]();
});
