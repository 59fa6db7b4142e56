/** Those who only want to be served, and write down how long that took. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { call } from '../../support/rest-client.ts';
import { many, paced } from './pace.ts';

const talkers = 4;
const echoesPerSecond = 10;
const visitsPerSecond = 2;
const callRoundsPerSecond = 2;

export interface Served {
  readonly echoMs: readonly number[];
  readonly callMs: readonly number[];
  /** The addresses of those who came, were echoed and left. */
  readonly visitors: readonly string[];
  /** What was not served as it should be. */
  readonly failures: readonly string[];
}

/** Until the signal. */
export async function bystanders(
  app: { readonly url: string },
  port: number,
  signal: AbortSignal,
): Promise<Served> {
  const echoMs: number[] = [];
  const callMs: number[] = [];
  const visitors: string[] = [];
  const failures: string[] = [];
  const timed = async (times: number[], act: () => Promise<unknown>): Promise<void> => {
    const startedAt = performance.now();
    await act().catch((error: unknown) => failures.push(String(error)));
    times.push(performance.now() - startedAt);
  };
  const talk = async (): Promise<void> => {
    const socket = await openSocket(port);
    visitors.push(addressOf(socket));
    await paced(echoesPerSecond, signal, (index) => timed(echoMs, () => echo(socket, index)));
    await leave(socket);
  };
  const visit = async (index: number): Promise<void> => {
    const socket = await openSocket(port);
    visitors.push(addressOf(socket));
    await timed(echoMs, () => echo(socket, index));
    await leave(socket);
  };
  const callAround = async (index: number): Promise<void> => {
    const name = `small-${index}`;
    const spec = { name, labels: { by: 'stander' } };
    const paths = { one: `/v1/listeners/${name}`, all: '/v1/listeners?label=by%3Dstander' };
    const wanted = (...args: Parameters<typeof served>) => timed(callMs, () => served(...args));
    await wanted(app, 201, 'POST', '/v1/listeners', spec);
    await wanted(app, 200, 'GET', paths.one);
    await wanted(app, 200, 'GET', paths.all);
    await wanted(app, 204, 'DELETE', paths.one);
  };
  await Promise.all([
    many(talkers, talk),
    paced(visitsPerSecond, signal, visit),
    paced(callRoundsPerSecond, signal, callAround),
  ]);
  return { echoMs, callMs, visitors, failures };
}

async function served(
  app: { readonly url: string },
  wanted: number,
  method: string,
  path: string,
  given?: object,
): Promise<void> {
  const { status, body } = await call(app, method, path, given);
  if (status === wanted) return;
  throw new Error(`${method} ${path}: ${status} ${body.code} ${body.detail}`);
}

async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

function addressOf({ localPort }: Socket): string {
  return `127.0.0.1:${localPort}`;
}

async function echo(socket: Socket, index: number): Promise<void> {
  const text = `echo ${index}`;
  socket.write(text);
  let back = '';
  while (back.length < text.length) back += String((await once(socket, 'data'))[0]);
  if (back !== text) throw new Error(`sent ${text}, got ${back}`);
}

async function leave(socket: Socket): Promise<void> {
  const closed = once(socket, 'close');
  socket.resume().end();
  await closed;
}

export function percentile(times: readonly number[], percent: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
}
