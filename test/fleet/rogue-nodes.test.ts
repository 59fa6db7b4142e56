/** Nodes that have joined, and mean ill or are broken: what each does is its own session's end, and nobody else's. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/core/errors.ts';
import { nodeFrames, observedFrame } from '../../src/wire/frames.ts';
import { messageType } from '../../src/wire/gateway-protos.ts';
import { rowsBytes, rowsText } from '../../src/wire/record-frames.ts';
import { caller } from '../support/core-world.ts';
import { answerAll, type RawAgent, startGatewayReplica } from '../support/gateway-replica.ts';
import { sampleConnection, sampleNewListener } from '../support/samples.ts';
import { waitFor } from '../support/wait-for.ts';

type World = Awaited<ReturnType<typeof startGatewayReplica>>;

let world: World;
beforeAll(async () => {
  world = await startGatewayReplica({ refusedLinesPerSecondMax: 1000 });
});
afterAll(() => world[Symbol.asyncDispose]());

const forged = (body: object) => Buffer.from(messageType('SessionRequest').encode(body).finish());
const beat = { number: 1, openConnections: 0, spoolRecords: 0, clockOffsetMs: 0, workers: [] };

async function come(name: string) {
  const identity = await world.joined(name);
  const agent = world.open();
  answerAll(agent);
  await agent.welcomed(identity);
  await agent.got('wishEnd');
  return { agent, identity };
}

async function listenerAt(node: string) {
  const input = sampleNewListener({ placement: { node, onNodeLost: 'stay' } });
  const [listener] = await world.replica.control.createListeners(caller, [input]);
  if (listener === undefined) throw new TypeError('one in, one out');
  return listener;
}

function opening(listenerId: string, given: object): Buffer {
  const connection = { ...sampleConnection(), tls: null, listenerId, ...given };
  const rows = rowsBytes([rowsText([{ kind: 'opened', connection }])]);
  return nodeFrames.encode({ kind: 'records', first: 1, rows, isAwaited: false });
}

test.each<[string, (listenerId: string) => Buffer, string]>([
  [
    'an address with a zone',
    (id) => opening(id, { raddr: { ip: 'fe80::1%eth0', port: 1 } }),
    'records: 0.connection.raddr.ip is not what it has to be',
  ],
  [
    'a pid that no column holds',
    (id) => opening(id, { pid: 2 ** 53 - 1 }),
    'records: 0.connection.pid is not what it has to be',
  ],
  [
    'a bind at an address with a zone',
    (listenerId) => {
      const bound = { laddr: { ip: '::1%lo', port: 7 }, sockets: [] };
      const bytes = Buffer.from(JSON.stringify(bound));
      return forged({ observed: { listenerId, generation: 1, bound: bytes } });
    },
    'observed: bound.laddr.ip is not what it has to be',
  ],
  [
    'a spool that no column holds',
    () => forged({ heartbeat: { ...beat, spoolRecords: 2 ** 31 } }),
    'heartbeat: spoolRecords is not what it has to be',
  ],
])('%s ends the session in one line, and others are heard of', async (name, frame, reason) => {
  const node = name.replaceAll(' ', '-');
  const { agent } = await come(node);
  const { agent: honest } = await come(`beside-${node}`);
  await using resources = new AsyncDisposableStack();
  for (const one of [agent, honest]) resources.use(one);
  const { id } = await listenerAt(node);
  agent.write(frame(id));
  honest.send({ kind: 'heartbeat', ...beat });
  expect(await agent.goodbye()).toEqual({ reason, isFinal: false });
  expect((await honest.got('lease')).stored).toBe(true);
  expect(world.errors()).toEqual([]);
  const refused = world.logger.lines.filter(({ message }) => message === 'a session is refused');
  expect(refused.at(-1)?.fields).toMatchObject({ node, reason });
});

test('a hello that no column holds begins nothing', async () => {
  const identity = await world.joined('nul');
  await using agent = world.open();
  await agent.hello(identity, { hostname: 'a\0b' });
  expect((await agent.goodbye()).reason).toBe('hello: hostname is not what it has to be');
  expect(world.errors()).toEqual([]);
});

test('a node that may have too many connections begins nothing, and both sides say why', async () => {
  const identity = await world.joined('large');
  await using agent = world.open();
  await agent.hello(identity, { connectionsMax: 200_001 });
  const reason =
    'this node has KODAMA_CONNECTIONS_MAX=200001, and the control plane KODAMA_NODE_CONNECTIONS_MAX=200000';
  expect(await agent.goodbye()).toEqual({ reason, isFinal: false });
  const refused = world.logger.lines.filter(({ message }) => message === 'a session is refused');
  expect(refused.at(-1)?.fields).toMatchObject({ nodeId: identity.nodeId, reason });
});

test('a node that refuses what is wished of it ends its session without an error', async () => {
  const { agent, identity } = await come('unwilling');
  await listenerAt('unwilling');
  await agent[Symbol.asyncDispose]();
  await using again: RawAgent = world.open();
  again.onFrame((frame) => {
    if (frame.kind !== 'wish') return;
    const problem = { code: 'port_in_use', message: 'no', details: {} } as const;
    again.send({ kind: 'reply', number: frame.number, bound: null, problem });
  });
  await again.welcomed(identity);
  await waitFor('its end', () => again.isOver);
  expect(world.errors()).toEqual([]);
});

test('a listener that flaps makes few events, and the last that is told of it is on record', async () => {
  const { agent } = await come('flapping');
  await using _ = agent;
  const { id: listenerId } = await listenerAt('flapping');
  // It is answered by now: what comes from here on nobody asked for.
  await agent.got('wish');
  const failed = (code: ErrorCode) =>
    observedFrame({ listenerId, generation: 1, state: 'failed', reason: { code, message: code } });
  for (let at = 0; at < 5000; at += 1) {
    agent.send(failed(at % 2 === 0 ? 'internal' : 'port_in_use'));
  }
  agent.send(failed('port_privileged'));
  await waitFor('the last', async () => {
    const { reason } = await world.replica.control.getListener(caller, listenerId);
    return reason?.code === 'port_privileged';
  });
  const [{ events }] = await world.query(
    'SELECT count(*)::int AS events FROM events WHERE listener_id = $1',
    [listenerId],
  );
  expect(events).toBeLessThan(50);
});
