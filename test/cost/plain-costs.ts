/** What plain input costs here and now, measured in the same run and on the same kodama as all else. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { listenerSchemas } from '../../src/api/listener-input.ts';
import { defaultBounds } from '../../src/core/listener-bounds.ts';
import { call, want } from '../support/rest-client.ts';
import { passed } from '../support/wait-for.ts';
import type { CostWorld } from './cost-world.ts';
import type { Plain } from './family.ts';
import { loopMs } from './gauges.ts';

const rounds = 5;
const calls = 20;
const loneBytes = 500;
const bulkBytes = 4 << 20;
const datagrams = 500;
const restMs = 500;

export async function plainCosts(world: CostWorld): Promise<Plain> {
  const tcp = await want(201, world, 'POST', '/v1/listeners', {});
  const udp = await want(201, world, 'POST', '/v1/listeners', { protocol: 'udp' });
  const { port } = tcp.laddr;
  const worker = () => loopMs(world.workerPid);
  const { callMs, byteMs } = await callerCosts(world);
  const connectionMs = await least(worker, () => visits(port, 50), 50);
  const loneByteMs = await least(worker, () => echoOneByOne(port, loneBytes), loneBytes);
  const bulkByteMs = await least(worker, () => echoAtOnce(port, bulkBytes), bulkBytes);
  const datagramMs = await least(worker, () => pingPong(udp.laddr.port, datagrams), datagrams);
  const restShare = await least(worker, () => passed(restMs), restMs);
  await world.sweep();
  return { callMs, byteMs, connectionMs, loneByteMs, bulkByteMs, datagramMs, restShare };
}

/** What the bounds of callers' input are multiples of. */
export async function callerCosts(world: CostWorld): Promise<Pick<Plain, 'callMs' | 'byteMs'>> {
  const control = () => loopMs(world.app.pid);
  return {
    callMs: await least(control, () => refusals(world, calls), calls),
    byteMs: await least(ownMs, async () => readPlainBody(), plainBody.length),
  };
}

/** The least of some rounds: what others do to the machine only adds. The first also warms up. */
async function least(clock: () => number, act: () => Promise<void>, units: number) {
  const spent: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = clock();
    await act();
    spent.push(clock() - before);
  }
  return Math.min(...spent) / units;
}

async function refusals(world: CostWorld, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await call(world, 'POST', '/v1/listeners', { nope: n });
}

const { batch } = listenerSchemas(defaultBounds);
const plainBody = plainText();

/** A body of a megabyte that says something in every part. */
function plainText(): string {
  const labels = Object.fromEntries(
    Array.from({ length: 32 }, (_, n) => [`label-${n}`, 'x'.repeat(200)]),
  );
  const cidrs = Array.from({ length: 100 }, (_, n) => `10.0.${n}.0/24`);
  const one = { labels, limits: { allowCidrs: cidrs }, faults: [{ type: 'latency', delayMs: 1 }] };
  return JSON.stringify({ listeners: Array.from({ length: 100 }, () => one) });
}

/** As an edge reads it. */
function readPlainBody(): void {
  batch.parse(JSON.parse(plainBody));
}

function ownMs(): number {
  return loopMs(process.pid);
}

async function visits(port: number, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await echoAtOnce(port, 1);
}

async function echoAtOnce(port: number, bytes: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.end(Buffer.alloc(bytes, 'x'));
  socket.resume();
  await once(socket, 'close');
}

async function echoOneByOne(port: number, bytes: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  for (let n = 0; n < bytes; n += 1) {
    const echo = once(socket, 'data');
    socket.write('x');
    await echo;
  }
  socket.end();
  await once(socket, 'close');
}

async function pingPong(port: number, count: number): Promise<void> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  for (let n = 0; n < count; n += 1) {
    const echo = once(socket, 'message');
    socket.send(String(n).padEnd(64), port, '127.0.0.1');
    await echo;
  }
  socket.close();
}
