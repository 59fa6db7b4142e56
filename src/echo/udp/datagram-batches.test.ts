import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { echoContext, sampleBinding } from '../../../test/support/echo-context.ts';
import { openUdp, type UdpClient } from '../../../test/support/udp-client.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { SocketBudget } from '../socket-budget.ts';
import { DatagramBatches, type DatagramBatchesOptions } from './datagram-batches.ts';
import { type Libc, loadLibc } from './libc.ts';
import { UdpGuards } from './udp-guards.ts';
import { UdpListener } from './udp-listener.ts';
import { bindUdpSockets, closeSocket, type UdpBind } from './udp-sockets.ts';
import { WildcardReader } from './wildcard-reader.ts';

const isLinux = process.platform === 'linux';
const budget = new SocketBudget(100, () => undefined);
const wildcards = new WildcardReader({ datagramsPerTurnMax: 64, onMissing: () => undefined });
const fewest = 8;

/** The C library, with how many datagrams each of its calls had; `change` puts other calls in place of its own. */
function watchedLibc(change: (libc: Libc) => Partial<Libc> = () => ({})) {
  const received: number[] = [];
  const sent: number[] = [];
  const load = (): Libc => {
    const libc = loadLibc();
    const { receiveMany, sendMany } = libc;
    return {
      ...libc,
      receiveMany: (...given) => note(received, receiveMany(...given)),
      sendMany: (...given) => note(sent, sendMany(...given)),
      ...change(libc),
    };
  };
  return { load, received, sent };
}

function note(counts: number[], count: number): number {
  if (count > 0) counts.push(count);
  return count;
}

type Echo = Partial<Pick<UdpBind, 'onDatagram'>> & Pick<DatagramBatchesOptions, 'load'>;

async function openEcho({ load, ...given }: Echo) {
  const missing: string[] = [];
  const errors: (string | undefined)[] = [];
  const batches = new DatagramBatches({
    onMissing: (cause) => void missing.push(cause),
    ...(load && { load }),
  });
  const onDatagram: UdpBind['onDatagram'] = (bytes, remote, endpoint) =>
    endpoint.send(bytes, remote, (error) => {
      if (error !== null) errors.push(error.code);
    });
  const how = { host: '127.0.0.1', port: 0, share: 'alone', hostAddresses: () => [] } as const;
  const bind = { ...how, budget, wildcards, batches, onDatagram, ...given };
  const sockets = await bindUdpSockets(bind);
  return {
    to: { ip: '127.0.0.1', port: sockets[0]?.laddr.port ?? 0 },
    missing,
    errors,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) await closeSocket(socket, { budget, wildcards });
    },
  };
}

/** Loopback hands over within the call: all of them are there before the loop turns. */
function sendAtOnce(client: UdpClient, to: { ip: string; port: number }, all: readonly Buffer[]) {
  for (const bytes of all) void client.send(to, bytes);
}

async function expectBack(client: UdpClient, all: readonly Buffer[]): Promise<void> {
  await waitFor('all of them', () => client.answers.length >= all.length);
  expect(client.answers.map(({ bytes }) => bytes.toString('base64'))).toEqual(
    all.map((bytes) => bytes.toString('base64')),
  );
}

const lengths = [0, 1, 64, 20_000, 0, 9000, 64, 64, 1400, 1];

test.runIf(isLinux)(
  'many are read, and answered, with few calls, and each comes back as it was',
  async () => {
    const { load, received, sent } = watchedLibc();
    await using echo = await openEcho({ load });
    for (const all of [lengths, lengths.toReversed(), [1, 65_507]]) {
      await using one = await openUdp();
      await using other = await openUdp();
      const [ofOne, ofOther] = [all.map((n) => randomBytes(n)), all.map((n) => randomBytes(n))];
      sendAtOnce(one, echo.to, ofOne);
      sendAtOnce(other, echo.to, ofOther);
      await expectBack(one, ofOne);
      await expectBack(other, ofOther);
    }
    expect(Math.max(...received)).toBeGreaterThan(fewest);
    expect(Math.max(...sent)).toBeGreaterThan(fewest);
    expect(echo.errors).toEqual([]);
  },
);

test.runIf(isLinux)('a batch is a share of a turn: a flood leaves the rest to others', async () => {
  let read = 0;
  await using echo = await openEcho({
    onDatagram: () => {
      read += 1;
    },
  });
  await using client = await openUdp();
  sendAtOnce(client, echo.to, new Array(200).fill(Buffer.of(1)));
  const deadline = performance.now() + 20_000;
  for (let before = 0; before < 200; before = read) {
    await new Promise((turn) => setImmediate(turn));
    expect(read - before).toBeLessThanOrEqual(33);
    expect(performance.now()).toBeLessThan(deadline);
  }
  expect(read).toBe(200);
});

test.runIf(isLinux)(
  'what the kernel does not take at once Node sends, and an error is of one only',
  async () => {
    let calls = 0;
    const { load } = watchedLibc(({ sendMany, errno }) => {
      let failure = 0;
      return {
        sendMany: (fd, messages, count, flags) => {
          calls += 1;
          failure = [0, constants.errno.EPERM, constants.errno.EAGAIN][calls - 1] ?? 0;
          return failure > 0 ? -1 : sendMany(fd, messages, calls === 1 ? 2 : count, flags);
        },
        errno: () => failure || errno(),
      };
    });
    await using echo = await openEcho({ load });
    await using client = await openUdp();
    const all = lengths.map((length) => randomBytes(length));
    sendAtOnce(client, echo.to, all);
    // The first is read by Node. Two more are taken, the fourth fails, and the rest has to wait.
    await expectBack(client, [...all.slice(0, 3), ...all.slice(4)]);
    expect(echo.errors).toEqual(['EPERM']);
    expect(calls).toBe(3);
  },
);

test('where there is none, Node reads and sends, and that is told once', async () => {
  const load = () => {
    throw new Error('no koffi here');
  };
  await using echo = await openEcho({ load });
  await using client = await openUdp();
  const all = lengths.map((length) => randomBytes(length));
  sendAtOnce(client, echo.to, all);
  await expectBack(client, all);
  expect(echo.missing).toEqual(['no koffi here']);
});

test('answers of other bytes keep their order among those that go back as they came', async () => {
  let count = 0;
  await using echo = await openEcho({
    onDatagram: (bytes, remote, endpoint) => {
      count += 1;
      endpoint.send(count % 3 === 0 ? Buffer.from(`${bytes}!`) : bytes, remote, () => undefined);
      if (count % 5 === 0) endpoint.send(bytes, remote, () => undefined);
    },
  });
  await using client = await openUdp();
  const all = Array.from({ length: 30 }, (_, n) => Buffer.from(`no. ${n + 1}`));
  sendAtOnce(client, echo.to, all);
  const expected = all.flatMap((bytes, n) => {
    const first = (n + 1) % 3 === 0 ? Buffer.from(`${bytes}!`) : bytes;
    return (n + 1) % 5 === 0 ? [first, bytes] : [first];
  });
  await expectBack(client, expected);
});

test('what is held until the listener is served is kept whole, however much comes behind it', async () => {
  const context = echoContext();
  const guards = new UdpGuards(context.settings, context.clock);
  const listener = new UdpListener(sampleBinding({ protocol: 'udp' }), context, guards);
  const { ip, port } = await listener.bind('alone');
  await using client = await openUdp();
  const all = Array.from({ length: 60 }, () => randomBytes(100));
  for (const part of [all.slice(0, 30), all.slice(30)]) {
    sendAtOnce(client, { ip, port }, part);
    for (let n = 0; n < 50; n++) await new Promise((turn) => setImmediate(turn));
  }
  listener.serve();
  await expectBack(client, all);
  // Whoever has read them, the remote end is one.
  expect(context.connections.size).toBe(1);
  await listener.close(0, 'listener_deleted');
});

test.runIf(isLinux)('what is closed in the middle of a batch is told no more of it', async () => {
  const { load, received } = watchedLibc();
  let told = 0;
  const closing: Promise<void>[] = [];
  const echo = await openEcho({
    load,
    onDatagram: (bytes, remote, endpoint) => {
      told += 1;
      endpoint.send(bytes, remote, () => undefined);
      if (bytes.length === 3) closing.push(echo[Symbol.asyncDispose]());
    },
  });
  await using client = await openUdp();
  sendAtOnce(
    client,
    echo.to,
    [1, 2, 3, 4, 5, 6].map((length) => Buffer.alloc(length)),
  );
  await waitFor('the close', () => closing.length > 0);
  await Promise.all(closing);
  expect(received).toEqual([5]);
  expect(told).toBe(3);
  expect(client.answers.length).toBeLessThan(3);
});
