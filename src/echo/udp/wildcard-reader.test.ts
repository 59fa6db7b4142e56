import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { openUdp } from '../../../test/support/udp-client.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { SocketBudget } from '../socket-budget.ts';
import { DatagramBatches } from './datagram-batches.ts';
import { bindUdpSockets, closeSocket, type UdpBind, type UdpEndpoint } from './udp-sockets.ts';
import { WildcardReader, type WildcardReaderOptions } from './wildcard-reader.ts';

const budget = new SocketBudget(100, () => undefined);
const batches = new DatagramBatches({ onMissing: () => undefined });
const isLinux = process.platform === 'linux';
const datagramsPerTurnMax = 10;

function readerOf(given: Partial<WildcardReaderOptions> = {}) {
  const missing: string[] = [];
  const onMissing = (cause: string) => void missing.push(cause);
  return { missing, wildcards: new WildcardReader({ datagramsPerTurnMax, onMissing, ...given }) };
}

async function bindWildcard(wildcards: WildcardReader, onDatagram: UdpBind['onDatagram']) {
  const how = { host: '0.0.0.0', port: 0, share: 'alone', hostAddresses: () => [] } as const;
  const sockets = [...(await bindUdpSockets({ ...how, budget, wildcards, batches, onDatagram }))];
  const close = async () => {
    await Promise.all(sockets.splice(0).map((one) => closeSocket(one, { budget, wildcards })));
  };
  return { port: sockets[0]?.laddr.port ?? 0, close, [Symbol.asyncDispose]: close };
}

const turn = () => new Promise((next) => setImmediate(next));

test.runIf(isLinux)('a flood has its share of a turn, and each socket its part of it', async () => {
  const { wildcards, missing } = readerOf();
  const read = { one: 0, other: 0 };
  await using one = await bindWildcard(wildcards, () => {
    read.one += 1;
  });
  await using other = await bindWildcard(wildcards, () => {
    read.other += 1;
  });
  await using client = await openUdp();
  await turn();
  // Loopback hands over within the call, so that most of them are there before the loop turns.
  for (let n = 0; n < 100; n++) {
    for (const { port } of [one, other]) void client.send({ ip: '127.0.0.5', port }, `no. ${n}`);
  }
  const deadline = performance.now() + 20_000;
  for (let before = 0; before < 200; ) {
    await turn();
    const now = read.one + read.other;
    expect(now - before).toBeLessThanOrEqual(datagramsPerTurnMax);
    expect(Math.abs(read.one - read.other)).toBeLessThanOrEqual(datagramsPerTurnMax);
    expect(performance.now()).toBeLessThan(deadline);
    before = now;
  }
  expect(read).toEqual({ one: 100, other: 100 });
  expect(missing).toEqual([]);
});

test.runIf(isLinux)('an answer that comes after the close goes nowhere', async () => {
  const { wildcards } = readerOf();
  const endpoints: UdpEndpoint[] = [];
  await using bound = await bindWildcard(wildcards, (_bytes, _remote, endpoint) => {
    endpoints.push(endpoint);
  });
  await using client = await openUdp();
  await client.send({ ip: '127.0.0.5', port: bound.port }, 'x');
  const endpoint = await waitFor('the datagram', () => endpoints[0]);
  expect(endpoint).toMatchObject({
    laddr: { ip: '127.0.0.5', port: bound.port },
    isGroup: false,
  });
  const to = { address: client.ip, port: client.port };
  const answer = async () => {
    const error = await new Promise<NodeJS.ErrnoException | null>((sent) => {
      endpoint.send(Buffer.from('y'), to, sent);
    });
    return error?.code ?? null;
  };
  expect(await answer()).toBe(null);
  await bound.close();
  // The next socket has the number of the one that was closed.
  const next = createSocket('udp4').bind(0, '127.0.0.1');
  await once(next, 'listening');
  expect(await answer()).toBe('EBADF');
  next.close();
});

test('where it can not be loaded, Node reads the wildcard, and that is told once', async () => {
  const load = () => {
    throw new Error('no koffi here');
  };
  const { wildcards, missing } = readerOf({ load });
  const ips: string[] = [];
  const onDatagram: UdpBind['onDatagram'] = (bytes, remote, endpoint) => {
    ips.push(endpoint.laddr.ip);
    endpoint.send(bytes, remote, () => undefined);
  };
  await using one = await bindWildcard(wildcards, onDatagram);
  await using other = await bindWildcard(wildcards, onDatagram);
  await using client = await openUdp();
  for (const { port } of [one, other]) {
    expect(String(await client.echo({ ip: '127.0.0.1', port }, 'x'))).toBe('x');
  }
  expect(ips).toEqual(['0.0.0.0', '0.0.0.0']);
  expect(missing).toEqual(isLinux ? ['no koffi here'] : []);
});
