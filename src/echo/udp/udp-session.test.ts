import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { boundlessFaults } from '../../../test/support/fault-bench.ts';
import { readConfig } from '../../config.ts';
import type { StepRecord } from '../../core/record.ts';
import { SocketBudget } from '../socket-budget.ts';
import { workerClock } from '../worker-clock.ts';
import { DatagramBatches } from './datagram-batches.ts';
import { HeldBytes } from './held-bytes.ts';
import { SourceRate } from './udp-guards.ts';
import { UdpSession, type UdpSessionHost } from './udp-session.ts';
import { bindUdpSockets, closeSocket, type UdpEndpoint } from './udp-sockets.ts';
import { WildcardReader } from './wildcard-reader.ts';

const budget = new SocketBudget(100, () => undefined);
const batches = new DatagramBatches({ onMissing: () => undefined });
const wildcards = new WildcardReader({ datagramsPerTurnMax: 64, onMissing: () => undefined });

async function openSession(change: Partial<UdpSessionHost> = {}, isHeld = false) {
  await using resources = new AsyncDisposableStack();
  const client = createSocket('udp4').bind(0, '127.0.0.1');
  await once(client, 'listening');
  resources.defer(() => void client.close());
  const [endpoint] = await bindUdpSockets({
    host: '127.0.0.1',
    port: 0,
    share: 'alone',
    budget,
    wildcards,
    batches,
    hostAddresses: () => [],
    onDatagram: () => undefined,
  });
  if (endpoint === undefined) throw new TypeError('a bind has a socket');
  resources.defer(() => closeSocket(endpoint, { budget, wildcards }));
  const records: StepRecord[] = [];
  const closed = Promise.withResolvers<void>();
  const host: UdpSessionHost = {
    listenerId: 'listener',
    clock: workerClock(),
    held: new HeldBytes(1000),
    sending: new HeldBytes(1_000_000),
    faultHeldBytesMax: 1000,
    sendQueueBytesMax: 1_000_000,
    faultResources: boundlessFaults(),
    mayAnswer: () => true,
    onAnswer: () => undefined,
    record: (record) => records.push(record),
    onMoved: () => undefined,
    onClosing: () => undefined,
    onClosed: () => closed.resolve(),
    ...change,
  };
  const session = newSession(host, endpoint, client.address().port, isHeld);
  const all = resources.move();
  return {
    session,
    client,
    records,
    /** Ends it, and gives its last record. */
    async end(mode: 'fin' | 'rst' = 'fin') {
      session.close(mode, 'server', 'idle_timeout');
      await closed.promise;
      const last = records.at(-1);
      return last?.kind === 'closed' ? last.connection : last;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function newSession(host: UdpSessionHost, endpoint: UdpEndpoint, port: number, isHeld: boolean) {
  return new UdpSession({
    id: 'session',
    host,
    endpoint,
    remote: { address: '127.0.0.1', port },
    raddr: { ip: '127.0.0.1', port },
    source: {
      ip: '127.0.0.1',
      rate: new SourceRate(readConfig({}).dataPlane, 0),
      sessions: 1,
    },
    openedAt: 0,
    since: 0,
    faults: { isRefused: false, acceptDelayMs: 0, active: [], rules: [], drawn: [] },
    isHeld,
    isGreeted: false,
  });
}

test('an answer that the system refuses ends nothing, and its error is on record', async () => {
  await using world = await openSession();
  world.session.receive(Buffer.alloc(70_000), 1);
  world.session.receive(Buffer.from('next'), 2);
  const [bytes] = await once(world.client, 'message');
  expect(String(bytes)).toBe('next');
  expect(await world.end()).toMatchObject({ bytesIn: 70_004, bytesOut: 4, error: 'EMSGSIZE' });
});

test('no answer is added to a queue that is too long already', async () => {
  await using world = await openSession({ sendQueueBytesMax: -1 });
  world.session.receive(Buffer.from('lost'), 1);
  expect(await world.end()).toMatchObject({ bytesIn: 4, bytesOut: 0, error: 'ENOBUFS' });
});

test('answers that wait for the kernel have one bound over all sockets', async () => {
  const sending = new HeldBytes(1000);
  await using world = await openSession({ sending });
  world.session.receive(Buffer.alloc(900), 1);
  expect(await world.end()).toMatchObject({ bytesIn: 900, bytesOut: 0, error: 'ENOBUFS' });
  await using other = await openSession({ sending });
  for (let n = 1; n <= 3; n++) {
    other.session.receive(Buffer.alloc(500), n);
    await once(other.client, 'message');
  }
  expect(await other.end()).toMatchObject({ bytesIn: 1500, bytesOut: 1500, error: null });
});

test('counters are asked for again while an answer is on its way', async () => {
  const moved: string[] = [];
  await using world = await openSession({ onMoved: (id) => void moved.push(id) });
  const { session, client } = world;
  session.receive(Buffer.from('abc'), 1);
  session.receive(Buffer.from('d'), 2);
  expect(moved).toEqual(['session']);
  expect(session.movedCounters()).toMatchObject({ connection: { bytesIn: 4, bytesOut: 0 } });
  expect(moved).toHaveLength(2);
  await once(client, 'message');
  await vi.waitUntil(() => session.movedCounters()?.connection.bytesOut === 4);
  const asked = moved.length;
  expect(session.movedCounters()).toBeNull();
  expect(moved).toHaveLength(asked);
});

test('what is held for a commit is bounded, and goes back in order', async () => {
  await using world = await openSession({ held: new HeldBytes(600) }, true);
  for (const text of ['one', 'two', 'three']) world.session.receive(Buffer.from(text), 1);
  const answers: string[] = [];
  world.client.on('message', (bytes) => answers.push(String(bytes)));
  world.session.release();
  world.session.receive(Buffer.from('four'), 2);
  while (answers.length < 3) await once(world.client, 'message');
  expect(answers).toEqual(['one', 'two', 'four']);
  expect(await world.end()).toMatchObject({ bytesIn: 15, bytesOut: 10 });
});

test('a session has one end: the first, after what was sent has left', async () => {
  await using world = await openSession();
  world.session.receive(Buffer.from('bye'), 1);
  world.session.close('fin', 'server', 'max_bytes');
  expect(world.records).toEqual([]);
  world.session.close('rst', 'operator', 'operator_rst');
  expect(await world.end('rst')).toMatchObject({
    closeReason: 'max_bytes',
    bytesOut: 3,
    error: null,
  });
  expect(world.records).toHaveLength(1);
});
