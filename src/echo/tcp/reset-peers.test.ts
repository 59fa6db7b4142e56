/** Peers that have reset before their sockets are accepted: this process is busy until all of them are gone. */
import { spawnSync } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { echoContext, sampleBinding } from '../../../test/support/echo-context.ts';
import { long } from '../../../test/support/long.ts';
import { sampleId, sampleLimits } from '../../../test/support/samples.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import type { ListenerLimits } from '../../core/listener.ts';
import type { WorkerRecord } from '../../core/record.ts';
import { RecordQueue } from '../record-queue.ts';
import { fromRows } from '../record-rows.ts';
import { SocketBudget } from '../socket-budget.ts';
import { PeerNames, type PeerNamesOptions } from './peer-names.ts';
import { TcpListener } from './tcp-listener.ts';

const count = 20;
const hasIpv6 = Object.values(networkInterfaces())
  .flatMap((some) => some ?? [])
  .some(({ address }) => address === '::1');

/** Prints the address of each client, as it saw it itself. */
const clientScript = `
  const { connect } = require('node:net');
  const [host, port, count] = process.argv.slice(1);
  for (let n = 0; n < count; n++) {
    const socket = connect(port, host, () => {
      console.log(socket.localAddress.replace('::ffff:', '') + ' ' + socket.localPort);
      socket.resetAndDestroy();
    });
  }`;

/** Returns when all have come and gone, with this process standing still meanwhile. */
function resetAll(port: number, host = '127.0.0.1') {
  const args = ['-e', clientScript, host, String(port), String(count)];
  const { stdout, status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [ip = '', own = ''] = line.split(' ');
      return { ip, port: Number(own) };
    })
    .toSorted((a, b) => a.port - b.port);
}

interface World {
  readonly host?: string;
  readonly limits?: Partial<ListenerLimits>;
  readonly load?: PeerNamesOptions['load'];
  /** Nothing is committed, and the first record is one too many. */
  readonly isStoreAway?: boolean;
  readonly isServed?: boolean;
}

async function startListener(world: World) {
  const { host = '127.0.0.1', limits, load, isStoreAway = false, isServed = true } = world;
  const recorded: WorkerRecord[] = [];
  const missing: string[] = [];
  const records: RecordQueue = new RecordQueue({
    send: (report) => {
      if (report.kind !== 'records') return;
      recorded.push(...fromRows(report.rows));
      if (!isStoreAway) setImmediate(() => records.committed(report.batch));
    },
    batchMax: 1000,
    unackedMax: isStoreAway ? 1 : 1000,
    onFull: () => undefined,
  });
  const onMissing = (cause: string) => void missing.push(cause);
  const sockets = new SocketBudget(count + 1, () => undefined);
  const peerNames = new PeerNames(load === undefined ? { onMissing } : { onMissing, load });
  const context = echoContext({ records, sockets, peerNames });
  const binding = sampleBinding({ protocol: 'tcp', host, limits: { ...sampleLimits, ...limits } });
  const listener = new TcpListener(binding, context);
  const { port } = await listener.bind('alone');
  if (isServed) listener.serve();
  return { listener, port, records, recorded, missing, sockets };
}

/** Waits until so many are told, and closes the listener: the port's socket is then the budget's again. */
async function settled({ listener, recorded, sockets, records }: Listening, steps: number) {
  const wait = waitFor(`${steps} records`, () => recorded.length >= steps);
  if (!records.isFull) await wait;
  await listener.close(0, 'listener_deleted');
  records.flushAll();
  await wait;
  expect(recorded).toHaveLength(steps);
  const free = Array.from({ length: count + 2 }, () => sockets.take());
  expect(free).toEqual([...Array(count + 1).fill(true), false]);
  return {
    opened: recorded.flatMap((one) => (one.kind === 'opened' ? [one.connection] : [])),
    closed: recorded.flatMap((one) => (one.kind === 'closed' ? [one.connection] : [])),
    refused: recorded.flatMap((one) => (one.kind === 'refused' ? [one.refusal] : [])),
  };
}
type Listening = Awaited<ReturnType<typeof startListener>>;

/** Whether all its sockets are in use. */
function isSpent(sockets: SocketBudget): boolean {
  if (!sockets.take()) return true;
  sockets.release();
  return false;
}

const none = () => {
  throw new Error('no such module');
};
const reset = { closeReason: 'peer_rst', closeInitiator: 'peer', error: 'ECONNRESET' };
const noBytes = {
  bytesIn: 0,
  bytesOut: 0,
  firstByteAt: null,
  lastByteAt: null,
  halfClosedAt: null,
};
const isLinux = process.platform === 'linux';

test.runIf(isLinux).each([
  ['127.0.0.1', '127.0.0.1'],
  ['0.0.0.0', '127.0.0.1'],
  ['::', '127.0.0.1'],
  ['::', '::1'],
  ['::1', '::1'],
])('on %s each is opened and closed with its address, from %s', async (host, from) => {
  if (!hasIpv6 && host.includes(':')) return;
  const listening = await startListener({ host });
  const clients = resetAll(listening.port, from);
  expect(clients).toHaveLength(count);
  const { opened, closed } = await settled(listening, 2 * count);
  const raddrs = opened
    .map(({ raddr }) => raddr)
    .toSorted((a, b) => (a?.port ?? 0) - (b?.port ?? 0));
  expect(raddrs).toEqual(clients);
  for (const { laddr } of opened) expect(laddr).toEqual({ ip: from, port: listening.port });
  for (const one of closed) expect(one).toMatchObject({ ...reset, ...noBytes });
  expect(closed).toHaveLength(count);
  expect(listening.missing).toEqual([]);
});

test.runIf(isLinux)('where its address is told no more, it is recorded without', async () => {
  const listening = await startListener({ load: none });
  resetAll(listening.port);
  const { opened, closed } = await settled(listening, 2 * count);
  const laddr = { ip: '127.0.0.1', port: listening.port };
  for (const one of opened) expect(one).toMatchObject({ raddr: null, laddr });
  for (const one of closed) expect(one).toMatchObject({ ...reset, ...noBytes });
  expect(new Set(closed.map(({ id }) => id))).toEqual(new Set(opened.map(({ id }) => id)));
  expect(opened).toHaveLength(count);
  expect(listening.missing).toEqual(['no such module']);
});

test.runIf(isLinux).each([
  ['is on no list of those allowed', { allowCidrs: ['127.0.0.0/8'] }, 'allow_cidrs'],
  ['counts for the rate', { acceptRate: { perSecond: 1, burst: 1 } }, 'accept_rate'],
] as const)('one without an address %s', async (_, limits, rule) => {
  const listening = await startListener({ load: none, limits });
  resetAll(listening.port);
  const letIn = rule === 'accept_rate' ? 1 : 0;
  const { opened, refused } = await settled(listening, count + letIn);
  expect(opened).toHaveLength(letIn);
  expect(refused).toHaveLength(count - letIn);
  for (const one of refused) expect(one).toMatchObject({ rule, raddr: null, count: 1 });
});

test.runIf(isLinux)('one without an address is in no network, and no source', async () => {
  const limits = { denyCidrs: ['127.0.0.0/8'], maxConnectionsPerSource: 1 };
  const listening = await startListener({ load: none, limits });
  resetAll(listening.port);
  const { opened } = await settled(listening, 2 * count);
  expect(opened).toHaveLength(count);
});

test.runIf(isLinux)(
  'one that waits for room in the records is recorded when its listener goes',
  long,
  async () => {
    const listening = await startListener({ isStoreAway: true });
    const { records, recorded, sockets, listener, port } = listening;
    const counters = {
      id: sampleId(9),
      bytesIn: 0,
      bytesOut: 0,
      firstByteAt: null,
      lastByteAt: null,
    };
    records.push({ kind: 'counters', connection: counters });
    expect(records.isFull).toBe(true);
    const clients = resetAll(port);
    // The listener's socket and those of all clients are the whole budget.
    await waitFor('all of them to be held', () => isSpent(sockets));
    expect(recorded.filter(({ kind }) => kind !== 'counters')).toEqual([]);
    await listener.close(0, 'listener_deleted');
    const { opened, closed } = await settled(listening, 2 * count + 1);
    expect(opened.map(({ raddr }) => raddr?.port).toSorted()).toEqual(
      clients.map((client) => client.port).toSorted(),
    );
    expect(closed).toHaveLength(count);
    const deleted = { closeReason: 'listener_deleted', closeInitiator: 'operator', error: null };
    for (const one of closed) expect(one).toMatchObject({ ...deleted, ...noBytes });
  },
);

test.runIf(isLinux)(
  'before it is served a listener is on no record, and nor is who came',
  async () => {
    const listening = await startListener({ isServed: false });
    resetAll(listening.port);
    await settled(listening, 0);
  },
);
