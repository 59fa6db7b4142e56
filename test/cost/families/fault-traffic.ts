/** Clients of listeners with faults, over TCP and UDP, and the loop that a forged datagram begins. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { call } from '../../support/rest-client.ts';
import { together } from '../exchange.ts';
import { type Family, family, type Sent } from '../family.ts';
import { type FaultSpec, faultLists } from './fault-lists.ts';

/** Longer than any fault of these lists puts a byte off. */
const quietMs = 300;
const doneWithinMs = 3000;
const mebi = 1 << 20;

interface Listening extends AsyncDisposable {
  readonly port: number;
}

/** As little as can be asked for, and nothing of it answered. */
const refused: Sent = { calls: 1, bytesIn: 1, bytesOut: 0, datagramsIn: 1, datagramsOut: 0 };

/** Null where a list is refused: then there is nothing to send to. */
async function listen(url: string, spec: object): Promise<Listening | null> {
  const app = { url };
  const { status, body } = await call(app, 'POST', '/v1/listeners', spec);
  if (status === 400) return null;
  if (status !== 201) throw new Error(`a listener was not made: ${status}`);
  const { id, laddr } = body;
  return {
    port: laddr.port,
    async [Symbol.asyncDispose]() {
      await call(app, 'DELETE', `/v1/listeners/${id}`);
    },
  };
}

/** Resolves when nothing has come for a while, or it has taken too long. */
async function untilQuiet(lastAt: () => number, isOver: () => boolean): Promise<void> {
  const deadline = performance.now() + doneWithinMs;
  while (!isOver() && performance.now() < Math.min(lastAt() + quietMs, deadline)) {
    await new Promise((next) => setTimeout(next, 5));
  }
}

interface Visit {
  readonly port: number;
  readonly bytes: number;
  readonly isByteByByte: boolean;
}

/** What a client sends and what comes back, until all of it is there, the other side ends, or it falls quiet. */
async function visit({ port, bytes, isByteByByte }: Visit): Promise<{ bytesOut: number }> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let bytesOut = 0;
  let lastAt = performance.now();
  let isClosed = false;
  socket.on('data', (data) => {
    bytesOut += data.length;
    lastAt = performance.now();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isClosed = true;
  });
  if (isByteByByte) {
    for (let n = 0; n < bytes && !socket.destroyed; n += 1) {
      socket.write('x');
      // A turn of the loop each, so that each is a segment of its own.
      await new Promise((next) => setImmediate(next));
    }
    socket.end();
  } else socket.end(Buffer.alloc(bytes, 'x'));
  lastAt = performance.now();
  await untilQuiet(
    () => lastAt,
    () => isClosed,
  );
  socket.destroy();
  if (!isClosed) await once(socket, 'close');
  return { bytesOut };
}

const slicesOfOne: readonly FaultSpec[] = Array.from({ length: 16 }, () => ({
  type: 'slice',
  averageBytes: 1,
}));
const corruptAll: readonly FaultSpec[] = Array.from({ length: 16 }, () => ({
  type: 'corrupt',
  bytes: 65_536,
}));

const tcpClients = family({
  name: 'clients of TCP listeners with faults',
  inputs: fc.record({
    faults: faultLists('tcp'),
    bytes: fc.integer({ min: 1, max: mebi }),
    isByteByByte: fc.boolean(),
    clients: fc.integer({ min: 1, max: 8 }),
  }),
  worst: [
    { faults: slicesOfOne, bytes: mebi, isByteByByte: false, clients: 4 },
    { faults: slicesOfOne.slice(0, 1), bytes: mebi, isByteByByte: false, clients: 1 },
    { faults: corruptAll, bytes: mebi, isByteByByte: false, clients: 2 },
    { faults: slicesOfOne, bytes: mebi, isByteByByte: true, clients: 8 },
  ],
  runs: 15,
  // A piece may pass sixteen faults, each of which keeps it for a while.
  bounds: { worker: 8 },
  isPatient: true,
  async send(target, { faults, bytes: wanted, isByteByByte, clients }): Promise<Sent> {
    const bytes = isByteByByte ? Math.min(wanted, 2000) : wanted;
    await using listener = await listen(target.url, { faults });
    if (listener === null) return refused;
    const visits = await Promise.all(
      Array.from({ length: clients }, () => visit({ port: listener.port, bytes, isByteByByte })),
    );
    const bytesOut = visits.reduce((sum, one) => sum + one.bytesOut, 0);
    const bytesIn = bytes * clients;
    const smallest = smallestSlice(faults);
    const sliced = smallest === null ? 0 : bytesOut / smallest;
    const pieces = isByteByByte ? bytesIn : sliced;
    return { calls: clients, bytesIn, bytesOut, pieces, passes: bytesIn * faults.length };
  },
});

/** Of bytes on average; null where nothing slices. */
function smallestSlice(faults: readonly FaultSpec[]): number | null {
  const sizes = faults.map(({ averageBytes }) => averageBytes).filter((one) => one !== undefined);
  return sizes.length === 0 ? null : Math.min(...sizes.map(Number));
}

async function openUdp(): Promise<UdpSocket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.setRecvBufferSize(8 * mebi);
  return socket;
}

const duplicates: readonly FaultSpec[] = Array.from({ length: 16 }, () => ({ type: 'duplicate' }));

const datagrams = family({
  name: 'datagrams to UDP listeners with faults',
  inputs: fc.record({
    faults: faultLists('udp'),
    bytes: fc.nat({ max: 65_507 }),
    count: fc.integer({ min: 1, max: 200 }),
    sources: fc.integer({ min: 1, max: 4 }),
  }),
  worst: [
    { faults: duplicates, bytes: 1000, count: 20, sources: 1 },
    { faults: duplicates.slice(0, 1), bytes: 64, count: 200, sources: 1 },
    { faults: duplicates.slice(0, 2), bytes: 64, count: 200, sources: 4 },
    { faults: [], bytes: 0, count: 200, sources: 4 },
  ],
  runs: 15,
  // One echo is what it is for; a second is what `duplicate` is for. More would make an amplifier of it.
  bounds: { datagrams: 2, bytes: 2, worker: 8 },
  isPatient: true,
  async send(target, { faults, bytes, count, sources }): Promise<Sent> {
    await using listener = await listen(target.url, { protocol: 'udp', faults });
    if (listener === null) return refused;
    const sent = await Promise.all(
      Array.from({ length: sources }, () => sendDatagrams(listener.port, bytes, count)),
    );
    const all = together(sent);
    return { ...all, calls: sources, passes: all.bytesIn * faults.length };
  },
});

async function sendDatagrams(port: number, bytes: number, count: number): Promise<Sent> {
  const socket = await openUdp();
  const back = { datagramsOut: 0, bytesOut: 0, lastAt: performance.now() };
  socket.on('message', (message) => {
    back.datagramsOut += 1;
    back.bytesOut += message.length;
    back.lastAt = performance.now();
  });
  for (let n = 0; n < count; n += 1) {
    socket.send(Buffer.alloc(bytes, String(n)), port, '127.0.0.1');
    if (n % 10 === 9) await new Promise((next) => setTimeout(next, 1));
  }
  back.lastAt = performance.now();
  await untilQuiet(
    () => back.lastAt,
    () => false,
  );
  socket.close();
  const { datagramsOut, bytesOut } = back;
  // An empty datagram is a datagram, and its headers are bytes on the wire both ways.
  return {
    calls: 1,
    bytesIn: (bytes + wireBytes) * count,
    bytesOut: bytesOut + wireBytes * datagramsOut,
    datagramsIn: count,
    datagramsOut,
  };
}

/** Of the headers of IP and UDP. */
const wireBytes = 28;
/** A loop that goes on beyond it is cut by hand. */
const relayedMax = 20_000;
const corruptOne: readonly FaultSpec[] = [{ type: 'corrupt', bytes: 1 }];

const loops = family({
  name: 'a datagram that goes round between two nodes',
  inputs: fc.record({
    here: faultLists('udp'),
    there: faultLists('udp'),
    bytes: fc.integer({ min: 1, max: 1400 }),
  }),
  worst: [
    { here: [], there: [], bytes: 64 },
    { here: corruptOne, there: corruptOne, bytes: 64 },
    { here: corruptOne, there: [], bytes: 64 },
    { here: [{ type: 'duplicate' }], there: [], bytes: 64 },
    { here: [{ type: 'duplicate' }], there: [{ type: 'duplicate' }, ...corruptOne], bytes: 64 },
  ],
  runs: 12,
  // Each node lets a thousand returns of one payload through, and each payload may be a few on its way.
  bounds: { loopDatagrams: 10_000 },
  prepare: (world) => world.openOther(),
  async send(target, { here, there, bytes }): Promise<Sent> {
    await using one = await listen(target.url, { protocol: 'udp', faults: here });
    await using two = await listen(target.otherUrl, { protocol: 'udp', faults: there });
    if (one === null || two === null) return refused;
    const datagramsOut = await relay(one.port, two.port, Buffer.alloc(bytes, 'loop'));
    return {
      calls: 1,
      bytesIn: bytes,
      bytesOut: bytes * datagramsOut,
      datagramsIn: 1,
      datagramsOut,
    };
  },
});

/** Stands between two reflectors as a forged source would have them stand: each is the other's client. */
async function relay(onePort: number, twoPort: number, payload: Buffer): Promise<number> {
  const [toOne, toTwo] = [await openUdp(), await openUdp()];
  let relayed = 0;
  let lastAt = performance.now();
  const pass = (socket: UdpSocket, port: number) => (message: Buffer) => {
    lastAt = performance.now();
    relayed += 1;
    if (relayed < relayedMax) socket.send(message, port, '127.0.0.1');
  };
  toOne.on('message', pass(toTwo, twoPort));
  toTwo.on('message', pass(toOne, onePort));
  toOne.send(payload, onePort, '127.0.0.1');
  await untilQuiet(
    () => lastAt,
    () => relayed >= relayedMax,
  );
  toOne.close();
  toTwo.close();
  return relayed;
}

export const faultTraffic: readonly Family[] = [tcpClients, datagrams, loops];
