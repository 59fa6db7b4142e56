/** What a stranger, or a node that means ill, can make the agents' door hold, work and say. */
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  type ControlFrame,
  type NodeFrame,
  nodeFrames,
  observedFrame,
} from '../src/wire/frames.ts';
import { messageType } from '../src/wire/gateway-protos.ts';
import { identityOf, startGateway } from './support/agent-world.ts';
import { bindingOf } from './support/data-plane-contract.ts';
import { begin, ending, session } from './support/grpc-by-hand.ts';
import { long } from './support/long.ts';
import { openRaw } from './support/raw-agent.ts';
import { TestAdmission } from './support/test-admission.ts';
import { waitFor } from './support/wait-for.ts';

let admission: TestAdmission;
let gateway: Awaited<ReturnType<typeof startGateway>>;
beforeAll(async () => {
  admission = new TestAdmission();
  gateway = await startGateway(admission, { refusedLinesPerSecondMax: 2, joinsArrivingMax: 1 });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const load = { clockOffsetMs: 0, workers: [] } as const;
const heartbeat = (workers: number) => {
  const body = { heartbeat: { number: 1, workers: Array(workers).fill({}) } };
  return Buffer.from(messageType('SessionRequest').encode(body).finish());
};

test.for(['Session', 'Join'])('no message of %s is inflated', async (method) => {
  using client = session(new URL(gateway.url).host);
  const path = `/kodama.fleet.v1.GatewayService/${method}`;
  const stream = begin(client, path, { 'grpc-encoding': 'gzip' });
  const [headers] = await once(stream, 'response');
  expect(headers).toMatchObject({ 'grpc-status': String(status.UNIMPLEMENTED) });
});

test('of joins that do not come the last so many are waited for', async () => {
  const { host } = new URL(gateway.url);
  using client = session(host);
  const half = Buffer.from([0, 0, 0, 0, 9, 1]);
  const stalled = begin(client, '/kodama.fleet.v1.GatewayService/Join');
  const ended = ending(stalled);
  stalled.write(half);
  await once(client, 'remoteSettings');
  begin(client, '/kodama.fleet.v1.GatewayService/Join').write(half);
  expect(await ended).toMatchObject({ status: status.RESOURCE_EXHAUSTED });
  await waitFor('the end of its connection', () => client.destroyed);
});

test('a connection is kept for its session, and no longer', async () => {
  await using own = await startGateway(admission, { idleConnectionMs: 30, helloTimeoutMs: 200 });
  using client = session(new URL(own.url).host);
  const stream = begin(client, '/kodama.fleet.v1.GatewayService/Session');
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await waitFor('the end of the connection', () => client.destroyed);
  expect(String(Buffer.concat(chunks))).toContain('no hello came in time');
});

test('what a session says last is sent, though its connection is looked at right behind it', async () => {
  await using own = await startGateway(admission, { idleConnectionMs: 110, helloTimeoutMs: 100 });
  using client = session(new URL(own.url).host);
  const stream = begin(client, '/kodama.fleet.v1.GatewayService/Session');
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await waitFor('the challenge', () => chunks.length > 0);
  // This loop is the gateway's, too: both of its timers are due when it goes on.
  for (const until = performance.now() + 150; performance.now() < until; );
  await waitFor('the end of the connection', () => client.destroyed);
  expect(String(Buffer.concat(chunks))).toContain('no hello came in time');
});

test('of whoever is not known yet no long message is looked at', async () => {
  await using stranger = openRaw(gateway.url);
  stranger.write(heartbeat(5000));
  expect((await stranger.goodbye()).reason).toMatch(/more than 8192 bytes before the welcome/);
});

test('a frame without records is small, however many fields it is in', async () => {
  for (const frame of [heartbeat(40_000), Buffer.concat(Array(17).fill(heartbeat(1)))]) {
    await using agent = openRaw(gateway.url);
    await agent.welcomed(identityOf(admission, []));
    agent.write(frame);
    expect((await agent.goodbye()).reason).toBe('a frame that is too large');
  }
});

test('sessions that are refused are told line by line up to a bound, and counted beyond', async () => {
  const { lines } = gateway.logger;
  const isRefusal = ({ message }: { readonly message: string }) => message.endsWith('is refused');
  const before = lines.filter(isRefusal).length;
  for (let at = 0; at < 20; at += 1) {
    await using stranger = openRaw(gateway.url);
    stranger.write(Buffer.from([0xff]));
    await stranger.goodbye();
  }
  const counted = () =>
    lines.flatMap(({ message, fields }) =>
      message === 'more sessions are refused' ? [(fields as { sessions: number }).sessions] : [],
    );
  const all = () => lines.filter(isRefusal).length - before + counted().reduce((a, b) => a + b, 0);
  await waitFor('all to be told', () => all() >= 20);
  expect(counted().length).toBeGreaterThan(0);
});

const boundAt = (listenerId: string, pid: number): NodeFrame =>
  observedFrame({
    ...{ listenerId, generation: 1, state: 'bound', laddr: { ip: '127.0.0.1', port: 7 } },
    sockets: [{ pid, fd: 1 }],
  });

/** A node that has these listeners, and has told of each once. */
async function listening(world: TestAdmission, url: string, count: number) {
  const agent = openRaw(url);
  await agent.welcomed(identityOf(world, []));
  const { session } = world;
  const bindings = Array.from({ length: count }, () => bindingOf());
  for (const binding of bindings) {
    void session?.link.dataPlane.wish({ generation: 1, binding }).catch(() => undefined);
    agent.send(boundAt(binding.listenerId, 1));
  }
  const observed = () => session?.observed ?? [];
  const pidsOf = (id: string) =>
    observed().flatMap((one) =>
      one.listenerId === id && one.state === 'bound' ? (one.sockets[0]?.pid ?? []) : [],
    );
  await waitFor('the answers', () => observed().length === count);
  return { agent, observed, pidsOf, ids: bindings.map(({ listenerId }) => listenerId) };
}

test('of a listener that changes all the time the newest is told, and little of what it was', async () => {
  const world = new TestAdmission();
  await using own = await startGateway(world, { observedEveryMs: 60_000 });
  const { agent, observed, pidsOf, ids } = await listening(world, own.url, 2);
  await using _ = agent;
  const [flapping = '', quiet = ''] = ids;
  for (let pid = 2; pid <= 2000; pid += 1) agent.send(boundAt(flapping, pid));
  agent.send(boundAt(quiet, 2));
  await waitFor('what is behind them', () => pidsOf(quiet).includes(2));
  expect(pidsOf(flapping)).toEqual([1, 2]);
  // What is asked for waits for nothing.
  const { dataPlane } = world.session?.link ?? {};
  dataPlane?.endWish({ listenerId: flapping, generation: 2, drainMs: 0 });
  agent.send(observedFrame({ listenerId: flapping, generation: 2, state: 'gone' }));
  await waitFor('its end', () => observed().at(-1)?.state === 'gone');
});

test('the newest is told once its listener has rested', async () => {
  const world = new TestAdmission();
  await using own = await startGateway(world, { observedEveryMs: 100 });
  const { agent, pidsOf, ids } = await listening(world, own.url, 1);
  await using _ = agent;
  const [id = ''] = ids;
  for (let pid = 2; pid <= 500; pid += 1) agent.send(boundAt(id, pid));
  await waitFor('the newest', () => pidsOf(id).at(-1) === 500);
  expect(pidsOf(id).length).toBeLessThan(100);
});

test('listeners that all change at once are told of at once, and beyond a burst at the rate of their node', async () => {
  const world = new TestAdmission();
  const rate = { observedPerSecond: 1e-6, observedBurstMax: 900 };
  await using own = await startGateway(world, { ...rate, observedEveryMs: 1 });
  const { agent, observed, ids } = await listening(world, own.url, 1000);
  await using _ = agent;
  for (const id of ids) agent.send(boundAt(id, 2));
  await waitFor('a burst of them', () => observed().length === 1900);
  agent.send({ kind: 'heartbeat', number: 1, openConnections: 0, spoolRecords: 0, ...load });
  await agent.got('lease');
  expect(observed()).toHaveLength(1900);
});

test('a node that sends frames or bytes beyond its rates is read slower', long, async () => {
  const world = new TestAdmission();
  for (const rates of [{ framesPerSecond: 10 }, { frameBytesPerSecond: 200 }]) {
    await using own = await startGateway(world, { ...rates, beatsUnansweredMax: 100 });
    await using agent = openRaw(own.url);
    await agent.welcomed(identityOf(world, []));
    const begun = performance.now();
    for (let number = 1; number <= 30; number += 1) {
      agent.send({ kind: 'heartbeat', number, openConnections: 0, spoolRecords: 0, ...load });
    }
    const isLast = (one: ControlFrame) => one.kind === 'lease' && one.number === 30;
    await waitFor('the last', () => agent.frames.some(isLast));
    expect(performance.now() - begun).toBeGreaterThan(1000);
  }
});

test('of a node that is to wait hardly a frame is read ahead', async () => {
  const world = new TestAdmission();
  await using own = await startGateway(world, { framesPerSecond: 1e-6 });
  await using agent = openRaw(own.url);
  await agent.welcomed(identityOf(world, []));
  const rows = Buffer.alloc(1_000_000);
  const frame = nodeFrames.encode({ kind: 'records', first: 1, rows, isAwaited: false });
  let taken = 0;
  for (let at = 0; at < 30; at += 1) {
    agent.stream.write(frame, () => {
      taken += 1;
    });
  }
  await waitFor('the first', () => taken > 0);
  for (let at = 0; at < 30; at += 1) {
    await using other = openRaw(own.url);
    await other.welcomed(identityOf(world, []));
  }
  expect(taken).toBeLessThan(4);
});

test('a node that comes anew all the time is told to wait, and others are not', async () => {
  const world = new TestAdmission();
  await using own = await startGateway(world, { sessionsPerMinute: 3 });
  const identity = identityOf(world, []);
  for (let at = 0; at < 3; at += 1) {
    await using agent = openRaw(own.url);
    await agent.welcomed(identity);
  }
  await using again = openRaw(own.url);
  await again.hello(identity);
  const { reason, isFinal, retryAfterMs } = await again.got('goAway');
  expect(reason).toBe('this node has begun more than 3 sessions in a minute');
  expect(isFinal).toBe(false);
  expect(retryAfterMs).toBeGreaterThanOrEqual(20_000);
  await using other = openRaw(own.url);
  await other.welcomed(identityOf(world, []));
  expect(world.session?.number).toBe(4);
});

test('who claims to be a node without its key is soon not looked up, and who shows it is', async () => {
  const world = new TestAdmission();
  const looked = vi.spyOn(world, 'find');
  await using own = await startGateway(world, { handshakesMax: 3, claimsPerSecond: 1e-6 });
  const identity = identityOf(world, []);
  for (let at = 0; at < 5; at += 1) {
    await using agent = openRaw(own.url);
    await agent.welcomed(identity);
  }
  const { key } = identityOf(new TestAdmission(), []);
  const reasons: string[] = [];
  for (let at = 0; at < 5; at += 1) {
    await using stranger = openRaw(own.url);
    await stranger.hello({ ...identity, key });
    reasons.push((await stranger.goodbye()).reason);
  }
  const wrong = 'hello: not signed by the key of this node';
  const many = 'more than 0.000001 a second at this address claim to be a node';
  expect(reasons).toEqual([wrong, wrong, wrong, many, many]);
  expect(looked).toHaveBeenCalledTimes(8);
});
