/** The agents' door against whoever comes: what is not as it has to be ends that session, and no other. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { AppError } from '../src/core/errors.ts';
import { observedFrame } from '../src/wire/frames.ts';
import { messageType } from '../src/wire/gateway-protos.ts';
import { signHello } from '../src/wire/hello-signature.ts';
import { rowsBytes, rowsText } from '../src/wire/record-frames.ts';
import { identityOf, startGateway } from './support/agent-world.ts';
import { bindingOf } from './support/data-plane-contract.ts';
import { long } from './support/long.ts';
import { joinRaw, openRaw } from './support/raw-agent.ts';
import { sampleId } from './support/samples.ts';
import { goodToken, TestAdmission } from './support/test-admission.ts';
import { waitFor } from './support/wait-for.ts';

const limits = {
  ...{ helloTimeoutMs: 2000, handshakesMax: 4, sessionsMax: 8, heartbeatMs: 5000 },
  ...{ frameRecordsMax: 10, frameBytesMax: 20_000, recordFramesMax: 3, beatsUnansweredMax: 3 },
  ...{ commandTimeoutMs: 200, closeTimeoutMs: 100, joinsPerSecond: 5 },
};
let admission: TestAdmission;
let gateway: Awaited<ReturnType<typeof startGateway>>;
beforeAll(async () => {
  admission = new TestAdmission();
  gateway = await startGateway(admission, limits);
});
afterAll(() => gateway[Symbol.asyncDispose]());
afterEach(async () => {
  admission.refusal = null;
  await waitFor('the ends of all sessions', () => gateway.server.sessions === 0);
});

const nobody = () => identityOf(new TestAdmission(), []);
const node = () => identityOf(admission, []);
const raw = () => openRaw(gateway.url);
const counters = { bytesIn: 0, bytesOut: 0, firstByteAt: null, lastByteAt: null };
const record = { kind: 'counters', connection: { id: sampleId(1), ...counters } } as const;
const rows = (count: number) => rowsBytes([rowsText(Array(count).fill(record))]);
const forged = (body: object) => Buffer.from(messageType('SessionRequest').encode(body).finish());

test('a node that shows its key is welcomed, and its session begins behind that', async () => {
  await using agent = raw();
  const identity = node();
  const { lostAfterMs, heartbeatMs } = await agent.welcomed(identity);
  expect([lostAfterMs, heartbeatMs]).toEqual([admission.lostAfterMs, 5000]);
  await agent.got('wishEnd');
  expect(agent.frames.map(({ kind }) => kind)).toEqual(['challenge', 'welcome', 'wishEnd']);
  const { nodeId } = identity;
  expect(admission.session?.hello).toMatchObject({ nodeId, listenHost: '127.0.0.1' });
  expect(admission.session?.hello).not.toHaveProperty('signature');
});

test(
  'a node that tells more than it may is read slower, without loss, and no other is',
  long,
  async () => {
    const world = new TestAdmission();
    await using slow = await startGateway(world, { ...limits, recordsPerSecond: 10 });
    const [busy, quiet] = [openRaw(slow.url), openRaw(slow.url)];
    await using resources = new AsyncDisposableStack();
    for (const agent of [busy, quiet]) {
      resources.use(agent);
      await agent.welcomed(identityOf(world, []));
    }
    const frame = { kind: 'records', rows: rows(10), isAwaited: false } as const;
    const begun = performance.now();
    for (const first of [1, 11, 21]) busy.send({ ...frame, first });
    quiet.send({ ...frame, first: 1 });
    const beat = { kind: 'heartbeat', number: 1, openConnections: 0, spoolRecords: 0 } as const;
    busy.send({ ...beat, clockOffsetMs: 0, workers: [] });
    await quiet.got('committed');
    expect(busy.frames.filter(({ kind }) => kind === 'committed').length).toBeLessThan(3);
    // The first comes for nothing, and what is behind the third waits for that one, too.
    await busy.got('lease');
    expect(performance.now() - begun).toBeGreaterThan(2900);
    const through = busy.frames.flatMap((one) => (one.kind === 'committed' ? [one.through] : []));
    expect(through).toEqual([10, 20, 30]);
    expect(world.records).toHaveLength(40);
  },
);

test('a hello of another key, database, boot or stream begins nothing', async () => {
  const before = admission.sessions.length;
  const identity = node();
  await using first = raw();
  const replayed = await first.hello(identity);
  await first.got('welcome');
  const begun = admission.sessions.length;
  expect(begun).toBe(before + 1);
  const attempts: ((agent: ReturnType<typeof raw>) => Promise<unknown>)[] = [
    async (agent) => {
      await agent.got('challenge');
      agent.send(replayed);
    },
    (agent) => agent.hello(identity, { bootId: replayed.bootId }),
    (agent) => agent.hello(identity, { signature: randomBytes(64) }),
    (agent) => agent.hello({ ...nobody(), nodeId: identity.nodeId }),
    async (agent) => {
      const { nonce } = await agent.got('challenge');
      const { nodeId, key } = identity;
      const { installation } = new TestAdmission();
      const parts = { installation, nodeId, bootId: replayed.bootId, nonce };
      await agent.hello(identity, { bootId: parts.bootId, signature: signHello(key, parts) });
    },
  ];
  for (const attempt of attempts) {
    await using agent = raw();
    await attempt(agent);
    expect(await agent.goodbye()).toEqual({
      reason: 'hello: not signed by the key of this node',
      isFinal: false,
    });
  }
  expect(admission.sessions).toHaveLength(begun);
  expect(first.isOver).toBe(false);
});

test('who was removed is told to forget it, and who is not known, or can not begin now, to come again', async () => {
  admission.nodes.set('removed', 'removed');
  await using former = raw();
  await former.hello({ ...nobody(), nodeId: 'removed' });
  expect(await former.goodbye()).toEqual({ reason: 'this node was removed', isFinal: true });
  await using stranger = raw();
  await stranger.hello({ ...nobody(), nodeId: 'stranger' });
  const reason = expect.stringMatching(/^this node is not on record/);
  expect(await stranger.goodbye()).toEqual({ reason, isFinal: false });
  const { retryAfterMs } = await stranger.got('goAway');
  expect(retryAfterMs).toBeGreaterThan(60_000);
  admission.refusal = new AppError('unavailable', 'no database', { retryAfterMs: 1 });
  await using agent = raw();
  await agent.hello(node());
  expect(await agent.goodbye()).toEqual({ reason: 'no database', isFinal: false });
});

test.each<[string, (agent: ReturnType<typeof raw>) => void, RegExp]>([
  ['no message', (agent) => agent.write(Buffer.from([0xff])), /no SessionRequest/],
  ['an empty frame', (agent) => agent.write(Buffer.alloc(0)), /not known/],
  [
    'records before the welcome',
    (agent) => agent.send({ kind: 'records', first: 1, rows: rows(1), isAwaited: false }),
    /before the welcome/,
  ],
  ['an empty hello', (agent) => agent.write(forged({ hello: {} })), /^hello: /],
])('%s before the hello ends the session', async (_, act, reason) => {
  await using agent = raw();
  await agent.got('challenge');
  act(agent);
  expect((await agent.goodbye()).reason).toMatch(reason);
});

const records = (first: number, count = 1, isAwaited = false) =>
  ({ kind: 'records', first, rows: rows(count), isAwaited }) as const;
function sendAll(agent: ReturnType<typeof raw>, firsts: readonly number[]): void {
  for (const first of firsts) agent.send(records(first));
}
const listenerId = sampleId(77);

test.each<[string, (agent: ReturnType<typeof raw>) => void, RegExp]>([
  ['a gap in its records', (agent) => sendAll(agent, [1, 3]), /where 2/],
  ['records again', (agent) => sendAll(agent, [1, 1]), /where 2 is next/],
  ['too many rows', (agent) => agent.send(records(1, 11)), /more than 10/],
  [
    'too many bytes of rows',
    (agent) => agent.send({ ...records(1), rows: Buffer.alloc(20_001, ' ') }),
    /more than 20000 bytes/,
  ],
  ['rows that are none', (agent) => agent.send({ ...records(1), rows: Buffer.from('{}') }), /rows/],
  [
    'an observation of a listener that was not named',
    (agent) =>
      agent.send(
        observedFrame({
          listenerId,
          generation: 1,
          state: 'failed',
          reason: { code: 'internal', message: '' },
        }),
      ),
    /not named/,
  ],
  [
    'an observation of a bad bind',
    (agent) =>
      agent.write(forged({ observed: { listenerId, generation: 1, bound: Buffer.from('1') } })),
    /^observed: bound/,
  ],
  [
    'a reply to nothing',
    (agent) => agent.send({ kind: 'reply', number: 99, bound: null, problem: null }),
    /nothing was asked/,
  ],
  ['a second hello', (agent) => void agent.hello(node()), /^hello: not in answer/],
  ['a heartbeat of nothing', (agent) => agent.write(forged({ heartbeat: {} })), /^heartbeat/],
])('%s ends the session with its reason', async (_, act, reason) => {
  await using agent = raw();
  await agent.welcomed(node());
  const session = admission.session;
  act(agent);
  const goodbye = await agent.goodbye();
  expect(goodbye.reason).toMatch(reason);
  expect(goodbye.isFinal).toBe(false);
  await waitFor('its end', () => session?.isOver);
});

test('an end that was wished more than once may be told as often, and is passed on once', async () => {
  await using agent = raw();
  await agent.welcomed(node());
  const session = admission.session;
  const end = { listenerId, generation: 2, drainMs: 0 };
  session?.link.dataPlane.endWish({ ...end, drainMs: 60_000 });
  session?.link.dataPlane.endWish(end);
  await waitFor('both', () => agent.frames.filter(({ kind }) => kind === 'endWish').length === 2);
  const gone = { listenerId, generation: 2, state: 'gone' } as const;
  agent.send(observedFrame(gone));
  agent.send(observedFrame(gone));
  agent.send(records(1));
  await agent.got('committed');
  expect(session?.isOver).toBe(false);
  expect(session?.observed).toEqual([gone]);
});

test('a message beyond all bounds ends the stream', async () => {
  await using agent = raw();
  await agent.welcomed(node());
  agent.write(Buffer.alloc(200_000, 'x'));
  await waitFor('the end of the stream', () => agent.isOver);
});

test('so many frames of records are on their way, and each is acknowledged in its turn', async () => {
  await using agent = raw();
  await agent.welcomed(node());
  const gate = Promise.withResolvers<void>();
  admission.gate = gate.promise;
  for (const first of [1, 11, 21]) agent.send(records(first, 10));
  gate.resolve();
  const through = () =>
    agent.frames.flatMap((one) => (one.kind === 'committed' ? [one.through] : []));
  await waitFor('all', () => through().at(-1) === 30);
  expect(through()).toEqual(through().toSorted((a, b) => a - b));
  admission.gate = new Promise(() => undefined);
  for (const first of [31, 32, 33, 34]) agent.send(records(first));
  expect((await agent.goodbye()).reason).toMatch(/more than 3 frames at once/);
  admission.gate = Promise.resolve();
});

test(
  'so many sessions are begun at once, and a hello comes in time or not at all',
  long,
  async () => {
    await using silent = new AsyncDisposableStack();
    const streams = [1, 2, 3, 4].map(() => silent.use(raw()));
    for (const stream of streams) await stream.got('challenge');
    await using beyond = raw();
    await beyond.got('challenge');
    const [first] = streams;
    expect((await first?.goodbye())?.reason).toMatch(/no hello came before others/);
    for (const stream of [...streams.slice(1), beyond])
      expect((await stream.goodbye()).reason).toMatch(/no hello/);
  },
);

test('a node that does not answer fails the command, and what it may have bound is let go of', async () => {
  await using agent = raw();
  await agent.welcomed(node());
  const { dataPlane } = admission.session?.link ?? {};
  const binding = bindingOf();
  await expect(dataPlane?.open(binding)).rejects.toMatchObject({ code: 'unavailable' });
  const released = () =>
    agent.frames.some((one) => one.kind === 'command' && one.command === 'release');
  await waitFor('the release', released);
  const workerId = admission.session?.hello.bootId ?? '';
  const closed = dataPlane?.closeConnection({ workerId, connectionId: sampleId(5) }, 'rst');
  await expect(closed).rejects.toMatchObject({ code: 'unavailable' });
});

test('an agent that takes nothing is cut off', async () => {
  const held = await startGateway(admission, { streamHeldBytesMax: 300_000 });
  await using _ = held;
  await using agent = openRaw(held.url);
  await agent.welcomed(node());
  agent.stream.pause();
  const { session } = admission;
  const binding = bindingOf({ tlsKey: 'x'.repeat(100_000) });
  for (let generation = 1; generation < 50; generation += 1) {
    void session?.link.dataPlane.wish({ generation, binding }).catch(() => undefined);
  }
  await waitFor('its end', () => session?.isOver);
  agent.stream.resume();
  await waitFor('the end of its connection', () => agent.isOver);
});

test('a connection without a session is closed', async () => {
  await using idle = await startGateway(admission, { idleConnectionMs: 50 });
  const socket = connect(idle.server.address.port, '127.0.0.1');
  await new Promise((resolve) =>
    socket
      .on('close', resolve)
      .on('error', () => undefined)
      .resume(),
  );
});

test('a join makes a node once, and nobody’s token none', async () => {
  const publicKey = randomBytes(32);
  const request = { token: goodToken, publicKey, name: 'dmz-1', hostname: 'h', version: '1' };
  const [one, again] = [await joinRaw(gateway.url, request), await joinRaw(gateway.url, request)];
  expect(one).toMatchObject({ kind: 'joined', installation: admission.installation });
  expect(again).toEqual(one);
  const other = await joinRaw(gateway.url, { ...request, token: 'kodamajoin_x' });
  expect(other).toMatchObject({ kind: 'problem', code: 'unauthenticated' });
});

test('joins are checked, and so many a second from an address', async () => {
  await using own = await startGateway(admission, { joinsPerSecond: 3 });
  const bad = await joinRaw(own.url, Buffer.from([0xff]));
  expect(bad).toMatchObject({ kind: 'problem', code: 'invalid_argument' });
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, () => joinRaw(own.url, Buffer.from([0xff]))),
  );
  const limited = { code: 'resource_exhausted', details: { limit: 'joinsPerSecond' } };
  expect(outcomes).toContainEqual(expect.objectContaining({ code: 'resource_exhausted' }));
  expect(outcomes.find((one) => 'code' in one && one.code === limited.code)).toMatchObject(limited);
});

test('a session ends by itself after a while, so that agents spread', async () => {
  await using short = await startGateway(admission, { sessionMs: 100 });
  await using agent = openRaw(short.url);
  await agent.welcomed(node());
  expect(await agent.goodbye()).toEqual({ reason: 'agents spread anew', isFinal: false });
});

test('a replica that stops says goodbye', async () => {
  const stopping = await startGateway(admission);
  await using agent = openRaw(stopping.url);
  await agent.welcomed(node());
  const { session } = admission;
  await stopping.server.stop();
  expect(await agent.goodbye()).toEqual({ reason: 'this replica stops', isFinal: false });
  expect(session?.isOver).toBe(true);
});
