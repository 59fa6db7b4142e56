/**
 * A replica and an agent of which one is of another version: what the other says that need not be understood is ignored,
 * what must be is refused in words, and neither ends the session; where no protocol is common that is said.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { controlFrames } from '../src/wire/frames.ts';
import { messageType } from '../src/wire/gateway-protos.ts';
import { identityOf, startAgent, startGateway } from './support/agent-world.ts';
import { bindingOf } from './support/data-plane-contract.ts';
import { long } from './support/long.ts';
import { openRaw } from './support/raw-agent.ts';
import { startRawGateway } from './support/raw-gateway.ts';
import { openClient } from './support/tcp-client.ts';
import { TestAdmission } from './support/test-admission.ts';
import { waitFor } from './support/wait-for.ts';

let admission: TestAdmission;
let gateway: Awaited<ReturnType<typeof startGateway>>;
beforeAll(async () => {
  admission = new TestAdmission();
  gateway = await startGateway(admission);
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** A field of number 100, which no message has, with three bytes. */
const laterField = Buffer.from([0xa2, 0x06, 0x03, 0x08, 0x96, 0x01]);

/** A message by its own numbers, and behind its fields one that is not known. */
function withLaterField(type: string, body: object): Buffer {
  return Buffer.concat([Buffer.from(messageType(type).encode(body).finish()), laterField]);
}

/** In its place among the arms of a frame; what is in it is short. */
function frameOf(number: number, message: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, message.length]), message]);
}

test.each([null, { from: 1, to: 1 }, { from: 1, to: 9 }])(
  'an agent that speaks %j is welcomed in the first protocol',
  async (protocols) => {
    await using agent = openRaw(gateway.url);
    await agent.hello(identityOf(admission, []), { protocols });
    expect(await agent.got('welcome')).toMatchObject({ protocol: 1 });
  },
);

test('an agent that speaks only later protocols is told so, and comes again', async () => {
  await using agent = openRaw(gateway.url);
  await agent.hello(identityOf(admission, []), { protocols: { from: 2, to: 3 } });
  const reason =
    'hello: the agent speaks protocols 2 to 3, this replica protocol 1: upgrade this replica';
  expect(await agent.goodbye()).toEqual({ reason, isFinal: false });
});

test('frames and fields of a later agent are ignored, and the session goes on', async () => {
  await using agent = openRaw(gateway.url);
  await agent.welcomed(identityOf(admission, []));
  agent.write(laterField);
  agent.write(frameOf(2, withLaterField('Heartbeat', { number: 1 })));
  expect(await agent.got('lease')).toMatchObject({ number: 1 });
  const { session } = admission;
  const binding = bindingOf();
  const wished = session?.link.dataPlane.wish({ generation: 1, binding });
  const { number, listenerId } = await agent.got('wish');
  // What became of it is not known here.
  agent.write(frameOf(4, withLaterField('Observed', { listenerId, generation: 1 })));
  agent.send({ kind: 'reply', number, bound: null, problem: null });
  await wished;
  expect(session?.observed).toEqual([]);
  expect(agent.isOver).toBe(false);
});

test('a failure that only a later agent knows is one of the other side', async () => {
  await using agent = openRaw(gateway.url);
  await agent.welcomed(identityOf(admission, []));
  const wished = admission.session?.link.dataPlane.wish({ generation: 1, binding: bindingOf() });
  const { number } = await agent.got('wish');
  const problem = { code: 'moon_phase', message: 'not today', details: Buffer.from('{"a": 1}') };
  agent.write(frameOf(5, withLaterField('Reply', { number, problem })));
  await expect(wished).rejects.toMatchObject({ code: 'internal', message: 'not today' });
  expect(agent.isOver).toBe(false);
});

test('before it is known who comes nothing is ignored', async () => {
  await using agent = openRaw(gateway.url);
  await agent.got('challenge');
  agent.write(laterField);
  expect(await agent.goodbye()).toMatchObject({ reason: 'a frame that is not known' });
});

/** An agent at a replica of another version. */
async function startAtRaw() {
  await using resources = new AsyncDisposableStack();
  const replica = resources.use(await startRawGateway());
  const own = new TestAdmission();
  const { installation } = replica;
  const identity = identityOf(own, [replica.url], { installation });
  // What it has recorded nobody takes: its end does not wait for that.
  const environment = { KODAMA_SHUTDOWN_TIMEOUT_MS: '100' };
  const { logger } = resources.use(startAgent(identity, { leaseTimeoutMs: 120_000 }, environment));
  const all = resources.move();
  return { replica, logger, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

test('an agent tells what it speaks, and works with a replica that says nothing of it', async () => {
  await using world = await startAtRaw();
  const { replica } = world;
  expect(await replica.hello()).toMatchObject({
    ...{ protocols: { from: 1, to: 1 }, connectionsMax: 100_000 },
  });
  await replica.welcome(0);
  await replica.beatsGoOn();
  expect(replica.sessions).toBe(1);
});

test('an agent that is welcomed in a protocol that it does not speak says so, and comes again', async () => {
  await using world = await startAtRaw();
  const { replica, logger } = world;
  await replica.welcome(2);
  await waitFor('another session', () => replica.sessions > 1);
  expect(JSON.stringify(logger.lines)).toContain('protocol 2 is not spoken here');
});

test(
  'frames and fields of a later replica are ignored, and what it wishes is done',
  long,
  async () => {
    await using world = await startAtRaw();
    const { replica } = world;
    await replica.welcome();
    replica.write(laterField);
    const binding = bindingOf();
    const { listenerId } = binding;
    const later = Buffer.from(JSON.stringify({ ...binding, colour: 'green' }));
    const wish = { number: 1, listenerId, generation: 1, binding: later };
    const message = Buffer.from(messageType('SessionResponse').encode({ wish }).finish());
    replica.write(Buffer.concat([message, laterField]));
    expect(await replica.replyTo(1)).toMatchObject({ problem: null });
    const observed = await waitFor('where it listens', () => replica.ofKind('observed')[0]);
    await using client = await openClient(observed.bound?.laddr.port ?? 0);
    await client.echo('hello');
    expect(replica.sessions).toBe(1);
  },
);

test(
  'what a later replica wishes and an agent does not understand is refused in words',
  long,
  async () => {
    await using world = await startAtRaw();
    const { replica } = world;
    await replica.welcome();
    const binding = bindingOf();
    const { listenerId } = binding;
    const later = Buffer.from(JSON.stringify({ ...binding, protocol: 'sctp' }));
    const write = (body: object) =>
      replica.write(Buffer.from(messageType('SessionResponse').encode(body).finish()));
    const words = expect.stringContaining('does not understand this listener');
    const refused = { code: 'failed_precondition', message: words };
    write({ command: { number: 1, open: { binding: later } } });
    expect(await replica.replyTo(1)).toMatchObject({ problem: refused });
    // The last good one stays.
    replica.send({ kind: 'wish', number: 2, listenerId, generation: 1, binding });
    expect(await replica.replyTo(2)).toMatchObject({ problem: null });
    const bound = await waitFor('where it listens', () => replica.ofKind('observed')[0]?.bound);
    write({ wish: { number: 3, listenerId, generation: 2, binding: later } });
    expect(await replica.replyTo(3)).toMatchObject({ problem: null });
    replica.send({ kind: 'wishEnd' });
    const observed = await waitFor('that it failed', () =>
      replica.ofKind('observed').find(({ state }) => state === 'failed'),
    );
    expect(observed).toMatchObject({ listenerId, generation: 2, failed: refused });
    await using client = await openClient(bound.laddr.port);
    await client.echo('hello');
    write({ command: { number: 4 } });
    const { problem } = await replica.replyTo(4);
    expect(problem?.message).toContain('does not understand this command');
    expect(replica.sessions).toBe(1);
  },
);

test('the frames of an agent can be read by a replica that knows less', () => {
  // As protobufs do it: a frame of a kind that is not known is empty.
  expect(controlFrames.decode(laterField)).toBeNull();
  expect(controlFrames.decode(Buffer.alloc(0))).toBeNull();
});
