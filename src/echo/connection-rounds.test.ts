/** A listener with many connections is changed and closed in pieces, with others served between them. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { echoContext, sampleBinding } from '../../test/support/echo-context.ts';
import { faultOf } from '../../test/support/fault-bench.ts';
import { sampleLimits } from '../../test/support/samples.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { defaultProject, projectRef } from '../core/project.ts';
import { Turns } from '../core/turns.ts';
import { ConnectionRounds, roundPieceMax } from './connection-rounds.ts';
import { RecordQueue } from './record-queue.ts';
import { SocketBudget } from './socket-budget.ts';
import { StreamConnection } from './tcp/stream-connection.ts';
import { TcpListener } from './tcp/tcp-listener.ts';
import { UdpGuards } from './udp/udp-guards.ts';
import { UdpListener } from './udp/udp-listener.ts';
import { UdpSession } from './udp/udp-session.ts';

const count = 10 * roundPieceMax;
/** One piece in each turn of the loop, however fast it is. */
const onePiece = () => new Turns<typeof defaultProject>({ pieceItemsMax: 1, turnMs: 0 });
const hour = 3_600_000;
const limits = { ...sampleLimits, udpIdleTimeoutMs: hour };
const latencies = Array.from({ length: 16 }, (_, seed) =>
  faultOf({ type: 'latency', delayMs: 1, jitterMs: 0, distribution: 'uniform' }, { seed }),
);

/** A listener with so many clients that have had their answer. */
async function crowd(protocol: 'tcp' | 'udp') {
  await using resources = new AsyncDisposableStack();
  const records: RecordQueue = new RecordQueue({
    send: (report) => {
      if (report.kind === 'records') setImmediate(() => records.committed(report.batch));
    },
    batchMax: 1000,
    unackedMax: 10 * count,
    onFull: () => undefined,
  });
  const sockets = new SocketBudget(2 * count, () => undefined);
  const context = echoContext({ records, sockets, rounds: onePiece() });
  const { settings, clock } = context;
  const binding = sampleBinding({ protocol, limits });
  const listener =
    protocol === 'udp'
      ? new UdpListener(binding, context, new UdpGuards(settings, clock))
      : new TcpListener(binding, context);
  const { port } = await listener.bind('alone');
  listener.serve();
  resources.defer(() => listener.close(0, 'listener_deleted'));
  const open = protocol === 'udp' ? openUdp : openTcp;
  const clients = await Promise.all(Array.from({ length: count }, () => open(port, resources)));
  await waitFor('all sessions', () => context.connections.size === count);
  const all = resources.move();
  return {
    listener,
    port,
    clients,
    open: () => open(port, all),
    connections: context.connections,
    faultyOf: () => [...context.connections.values()].map(faultsOf),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function faultsOf(connection: unknown): number {
  if (connection instanceof StreamConnection || connection instanceof UdpSession)
    return connection.faults.active.length;
  throw new TypeError('no such connection');
}

async function openTcp(port: number, resources: AsyncDisposableStack) {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  resources.defer(() => void socket.destroy());
  socket.write('ping');
  await once(socket, 'data');
  return async () => {
    socket.write('ping');
    await once(socket, 'data');
  };
}

async function openUdp(port: number, resources: AsyncDisposableStack) {
  const socket = createSocket('udp4');
  resources.defer(() => void socket.close());
  const say = async () => {
    socket.send('ping', port, '127.0.0.1');
    await once(socket, 'message');
  };
  await say();
  return say;
}

const turnOfLoop = () => new Promise((resolve) => void setImmediate(resolve));

/** How many more there are after each turn of the loop, until that is over. */
async function perTurn(work: Promise<unknown>, countNow: () => number): Promise<number[]> {
  let isOver = false;
  const noteEnd = () => {
    isOver = true;
  };
  void work.then(noteEnd);
  const steps: number[] = [];
  for (let before = 0; ; ) {
    const now = countNow();
    steps.push(now - before);
    before = now;
    if (isOver) return steps;
    await turnOfLoop();
  }
}

test.each(['tcp', 'udp'] as const)(
  '%s: new faults reach so many connections in a turn, and the change is through with the last',
  async (protocol) => {
    await using world = await crowd(protocol);
    const changed = world.listener.update({ limits, faults: latencies });
    const have = () => world.faultyOf().filter((faults) => faults === latencies.length).length;
    const steps = await perTurn(changed, have);
    expect(Math.max(...steps)).toBe(roundPieceMax);
    expect(have()).toBe(count);
  },
);

test.each(['tcp', 'udp'] as const)(
  '%s: who comes during a change is counted behind the living',
  async (protocol) => {
    await using world = await crowd(protocol);
    const [latency] = latencies;
    if (latency === undefined) throw new TypeError('no fault');
    const faults = [{ ...latency, match: { firstN: count } }];
    const changed = world.listener.update({ limits, faults });
    const opening = world.open();
    await changed;
    await opening;
    expect(world.faultyOf()).toEqual([...Array(count).fill(1), 0]);
  },
);

test.each(['tcp', 'udp'] as const)('%s: a close ends so many in a turn', async (protocol) => {
  await using world = await crowd(protocol);
  const ended = () => count - world.connections.size;
  const steps = await perTurn(world.listener.close(0, 'listener_deleted'), ended);
  // What has begun to end in one turn may be over in the next, with those of that one.
  expect(Math.max(...steps)).toBeLessThanOrEqual(4 * roundPieceMax);
  expect(ended()).toBe(count);
});

test('udp: sessions that are over all at once end so many in a turn', async () => {
  await using world = await crowd('udp');
  void world.listener.update({ limits: { ...limits, udpIdleTimeoutMs: 1 }, faults: [] });
  const ended = () => count - world.connections.size;
  const steps = await perTurn(
    waitFor('their end', () => ended() === count),
    ended,
  );
  expect(Math.max(...steps)).toBeLessThanOrEqual(2 * roundPieceMax);
});

test('a newer round begins anew, and whoever waits for the older waits for the newer', async () => {
  const rounds = new ConnectionRounds(onePiece(), defaultProject);
  const all = Array.from({ length: count }, (_, n) => n);
  const [first, second]: [number[], number[]] = [[], []];
  const older = rounds.begin(all, (n) => first.push(n));
  await turnOfLoop();
  await turnOfLoop();
  const seen = [...first];
  expect(seen.length).toBeLessThan(count);
  const newer = rounds.begin(all, (n) => second.push(n));
  await older;
  expect([first, second]).toEqual([seen, all]);
  expect(rounds.isUnderWay).toBe(false);
  await newer;
});

test('behind the last round none begins', async () => {
  const rounds = new ConnectionRounds(onePiece(), defaultProject);
  const all = Array.from({ length: count }, (_, n) => n);
  const visited: number[] = [];
  const last = rounds.beginLast(all, (n) => visited.push(n));
  await rounds.begin(all, () => visited.push(-1));
  expect(visited).toEqual(all);
  await last;
});

test('projects take turns, whoever has the larger crowd', async () => {
  const turns = onePiece();
  const all = Array.from({ length: count }, (_, n) => n);
  const large: number[] = [];
  const small: number[] = [];
  const through = new ConnectionRounds(turns, defaultProject).begin(all, (n) => large.push(n));
  const few = all.slice(0, 2 * roundPieceMax);
  await new ConnectionRounds(turns, projectRef(2)).begin(few, (n) => small.push(n));
  expect(small).toEqual(few);
  expect(large.length).toBeLessThan(count);
  await through;
});
