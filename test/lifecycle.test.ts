/** Start, stop, restart and crash of whole kodamas, as processes of their own; the rest of it is in test/process. */
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { streamEvents } from './support/grpc-client.ts';
import { killAtFirstEcho } from './support/kills-at-echo.ts';
import { all, call, type Reply, want } from './support/rest-client.ts';
import { openClient, talk } from './support/tcp-client.ts';
import {
  makeHome,
  type RunningApp,
  startApp,
  startProcess,
  type TestProcess,
} from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

type Body = Reply['body'];

const key = { 'idempotency-key': 'ci-run-4711' };
const shutdown = { closeReason: 'shutdown', closeInitiator: 'system' };

/** Resolves with the seqs that came, in their order, once the stream is broken off. */
async function seqsOf(stream: ReturnType<typeof streamEvents>): Promise<readonly number[]> {
  expect((await stream.ended)?.code).toBe(status.UNAVAILABLE);
  return stream.events.map(({ seq }) => seq);
}

/** Leaves a closed connection and one that the stop closes; resolves with what was there before, and what was seen. */
async function stopInOrder(app: TestProcess) {
  const spec = { name: 'kept', labels: { a: 'b' } };
  const made = await want(201, app, 'POST', '/v1/listeners', spec);
  expect(await talk(made.laddr.port, 'hello')).toBe('hello');
  await waitFor('the close', async () => {
    const { connections } = await want(200, app, 'GET', '/v1/connections?state=closed');
    return connections.length === 1;
  });
  const history: Body[] = await all(app, '/v1/connections', 'connections');
  using stream = streamEvents(app.grpcAddress, {}, { afterSeq: 0 });
  await using client = await openClient(made.laddr.port);
  await client.echo('x');
  await waitFor('the opening', () => stream.events.at(-1)?.type === 'connection_opened');
  app.child.kill('SIGTERM');
  // What follows at once is its echo.
  app.child.kill('SIGINT');
  const seen = await seqsOf(stream);
  await client.ended;
  expect(await app.exited).toBe(0);
  // Streams end first: what the stop itself closes is for whoever resumes.
  const end = await stream.ended;
  expect(end?.details).toBe('shutting down: resume from the last seq');
  expect(Number(end?.metadata.get('kodama-resume-after-seq')[0])).toBe(seen.at(-1));
  const types = stream.events.map(({ type }) => type);
  expect(types.filter((type) => type === 'connection_closed')).toHaveLength(1);
  expect(client.sawEnd).toBe(true);
  return { made, history, seen };
}

/** With a connection on record, a call answered under a key, and clients of which one has its first byte back. */
async function killInTheMiddle(app: TestProcess, afterSeq: number) {
  using stream = streamEvents(app.grpcAddress, {}, { afterSeq });
  const keyed = await want(201, app, 'POST', '/v1/listeners', { name: 'keyed' }, key);
  const durable = { name: 'durable', recording: 'durable' };
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', durable);
  await using client = await openClient(keyed.laddr.port);
  await client.echo('x');
  await waitFor('the opening', () => stream.events.at(-1)?.type === 'connection_opened');
  const echoed = await killAtFirstEcho(laddr.port, 0, () => app.child.kill('SIGKILL'));
  await app.exited;
  await client.ended;
  expect(echoed.length).toBeGreaterThan(0);
  return { keyed, echoed, seen: await seqsOf(stream) };
}

test('over a stop and a kill -9, and that of a worker, nothing is lost that was answered, echoed or streamed', async () => {
  await using home = await makeHome();
  await using first = await startProcess(home);
  const { made, history, seen } = await stopInOrder(first);
  const { id, laddr, labels } = made;

  await using second = await startProcess(home);
  const again = await want(200, second, 'GET', '/v1/listeners/kept');
  const kept = { id, laddr, labels, state: 'listening', totalConnections: 2 };
  expect(again).toMatchObject(kept);
  const [stopped, ...others] = await all(second, '/v1/connections', 'connections');
  expect(others).toEqual(history);
  expect(stopped).toMatchObject({ ...shutdown, state: 'closed', bytesIn: 1 });
  expect(await talk(laddr.port, 'again')).toBe('again');
  const killed = await killInTheMiddle(second, seen.at(-1) ?? 0);

  await using third = await startApp({}, home);
  await expectWhole(third, killed);
  const afterSeq = killed.seen.at(-1) ?? 0;
  using rest = streamEvents(third.grpcAddress, {}, { afterSeq, endAtHead: true });
  expect(await rest.ended).toBeNull();
  const { headSeq } = await want(200, third, 'GET', '/v1/status');
  const seqs = [...seen, ...killed.seen, ...rest.events.map(({ seq }) => seq)];
  expect(seqs).toEqual(Array.from({ length: headSeq }, (_, index) => 1 + index));
  await killWorker(third);
});

/** What was open is closed as interrupted, once; each echo is on record; the answer is there under its key. */
async function expectWhole(
  app: RunningApp,
  { keyed, echoed }: Awaited<ReturnType<typeof killInTheMiddle>>,
) {
  const connections: Body[] = await all(app, '/v1/connections', 'connections');
  expect(connections.filter(({ state }) => state !== 'closed')).toEqual([]);
  const recorded = new Set(connections.map(({ raddr }) => raddr.ip));
  expect(echoed.filter(({ ip }) => !recorded.has(ip))).toEqual([]);
  const interrupted = { closeReason: 'interrupted', closeInitiator: 'system' };
  const own = connections.filter(({ listenerId }) => listenerId === keyed.id);
  expect(own).toMatchObject([interrupted]);
  const events = await all(app, `/v1/events?afterSeq=0&listenerId=${keyed.id}`, 'events');
  expect(events.map((event) => event.type)).toEqual([
    'listener_created',
    'listener_listening',
    'connection_opened',
    'connection_closed',
    'listener_listening',
  ]);
  expect(await talk(keyed.laddr.port, 'back')).toBe('back');
  await waitFor('its close', async () => {
    const path = `/v1/connections?listener=${keyed.id}&closeReason=peer_fin`;
    return (await all(app, path, 'connections')).length === 1;
  });
  const replayed = await call(app, 'POST', '/v1/listeners', { name: 'keyed' }, key);
  expect(replayed).toMatchObject({ status: 201, body: keyed });
  expect(replayed.headers.get('idempotent-replayed')).toBe('true');
  await want(422, app, 'POST', '/v1/listeners', { name: 'b' }, key);
}

/** Its connections are closed as worker_crashed, and its listeners come back. */
async function killWorker(app: RunningApp) {
  const { laddr, id, sockets } = await want(201, app, 'POST', '/v1/listeners', {});
  await using client = await openClient(laddr.port);
  await client.echo('x');
  process.kill(sockets[0].pid, 'SIGKILL');
  await client.ended;
  const listener = await waitFor('a new worker', async () => {
    const now = await want(200, app, 'GET', `/v1/listeners/${id}`);
    return now.sockets[0]?.pid !== sockets[0].pid && now.state === 'listening' && now;
  });
  expect(listener.laddr).toEqual(laddr);
  expect(await talk(laddr.port, 'back')).toBe('back');
  const path = `/v1/connections?closeReason=worker_crashed&listener=${id}`;
  const lost = await all(app, path, 'connections');
  expect(lost).toHaveLength(1);
  expect(lost[0]).toMatchObject({ pid: sockets[0].pid, closeInitiator: 'system', state: 'closed' });
}
