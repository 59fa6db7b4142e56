/**
 * echo-load.c where there is no C compiler, or something comes before the echo: the same arguments, the same answers (see
 * its head), and behind them `tls`, `proxy` or `nothing`. It is dearer than the servers that it talks to, so only their CPU means
 * something then.
 */
import { createWriteStream } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { connect as connectTls } from 'node:tls';

const [mode, port, connections, bytes, seconds, rate = 0, file = '', before] = process.argv
  .slice(2)
  .map((value, index) => (index === 0 || index >= 6 ? value : Number(value))) as [
  'echo' | 'churn',
  number,
  number,
  number,
  number,
  number?,
  string?,
  ('tls' | 'proxy' | 'nothing')?,
];

const sources = 200;
const pattern = Buffer.from(Uint8Array.from({ length: bytes }, (_, at) => at * 31 + at / 251));
const out = file === '' ? null : createWriteStream(file);
const counts = { operations: 0, errors: 0, missed: 0 };
let samples: number[] = [];
let nextSource = 0;

function connect(): Socket {
  const wallUs = Math.round((performance.timeOrigin + performance.now()) * 1000);
  const localAddress = `127.0.0.${1 + (nextSource++ % sources)}`;
  const to = { host: '127.0.0.1', port, localAddress, noDelay: true };
  // Of no reference can it be asked who it is. Each handshake is a whole one.
  const socket =
    before === 'tls' ? connectTls({ ...to, rejectUnauthorized: false }) : createConnection(to);
  if (before === 'proxy') socket.write('PROXY TCP4 192.0.2.1 192.0.2.2 1024 7\r\n');
  socket.on('connect', () => out?.write(`${localAddress}:${socket.localPort} ${wallUs}\n`));
  return socket;
}

/** Writes the pattern, and resolves when it all came back. */
function roundTrip(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0;
    const end = (error?: Error) => {
      socket.off('data', take).off('error', end).off('close', closed);
      if (error === undefined) resolve();
      else reject(error);
    };
    const closed = () => end(new Error('closed early'));
    const take = (data: Buffer) => {
      if (data.compare(pattern, received, received + data.length) !== 0) {
        return end(new Error('other bytes came back'));
      }
      received += data.length;
      if (received === bytes) end();
    };
    socket.on('data', take).on('error', end).on('close', closed);
    socket.write(pattern);
  });
}

async function timed(work: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  try {
    await work();
    counts.operations += 1;
    samples.push((performance.now() - startedAt) * 1000);
  } catch {
    counts.errors += 1;
  }
}

async function churnOnce(): Promise<void> {
  const socket = connect();
  const closed = new Promise((resolve) => socket.on('close', resolve));
  await roundTrip(socket);
  socket.end();
  await closed;
}

async function churn(until: number): Promise<void> {
  const startedAt = performance.now();
  let started = 0;
  const worker = async (index: number): Promise<void> => {
    for (;;) {
      if (performance.now() >= until) return;
      const isMine = rate === 0 || ((performance.now() - startedAt) * rate) / 1000 >= started;
      if (isMine) {
        started += 1;
        await timed(churnOnce);
      } else {
        await new Promise((resolve) => setTimeout(resolve, 1 + (index % 3)));
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, index) => worker(index)));
}

async function echo(sockets: readonly Socket[], until: number): Promise<void> {
  const lasting = async (socket: Socket): Promise<void> => {
    while (performance.now() < until && !socket.destroyed) await timed(() => roundTrip(socket));
  };
  await Promise.all(sockets.map(lasting));
}

const sockets = mode === 'echo' ? Array.from({ length: connections }, connect) : [];
await Promise.all(sockets.map((socket) => timed(() => roundTrip(socket))));
console.log('ready');
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
if ((await lines.next()).done !== true) {
  Object.assign(counts, { operations: 0 });
  samples = [];
  const startedAt = performance.now();
  const until = startedAt + seconds * 1000;
  await (mode === 'echo' ? echo(sockets, until) : churn(until));
  const took = (performance.now() - startedAt) / 1000;
  samples.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(samples[Math.floor(samples.length * share)] ?? 0);
  const samplesUs = rate > 0 ? samples : [];
  const figures = { ...counts, seconds: took, p50Us: at(0.5), p99Us: at(0.99), samplesUs };
  await new Promise<void>((resolve) => (out === null ? resolve() : out.end(resolve)));
  console.log(JSON.stringify(figures));
  await lines.next();
}
process.exit();
