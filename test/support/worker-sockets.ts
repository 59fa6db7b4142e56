/** What tests of several workers share: who they are, where they listen, and who stands in their way. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { all, type Reply, want } from './rest-client.ts';
import { openClient, type TcpClient } from './tcp-client.ts';
import type { RunningApp } from './test-app.ts';
import { waitFor } from './wait-for.ts';

type Body = Reply['body'];

export interface Socket {
  readonly pid: number;
  readonly fd: number;
}

export async function workerPids(app: RunningApp): Promise<number[]> {
  const { workers } = await want(200, app, 'GET', '/v1/status');
  return workers.map(({ pid }: Socket) => pid);
}

export const pidsOf = ({ sockets }: Body): number[] => sockets.map(({ pid }: Socket) => pid);

/** The listener, once it has as many sockets, of none of the workers given. */
export async function withSuccessors(
  app: RunningApp,
  id: string,
  count: number,
  lost: readonly number[],
) {
  return await waitFor('the successors', async () => {
    const now = await want(200, app, 'GET', `/v1/listeners/${id}`);
    const pids = pidsOf(now);
    const isDone = pids.length === count && pids.every((pid) => !lost.includes(pid));
    return isDone && now.state === 'listening' && now;
  });
}

/** Another process of this user has the port: one that shares it, or not. */
export async function foreignServer(options: { port: number; reusePort?: boolean }) {
  const server = createServer().listen({ host: '127.0.0.1', ...options });
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Clients that are echoed and stay, as many as it takes for each worker to have at least `each`. */
export async function clientsOfAll(
  app: RunningApp,
  listener: Body,
  each: number,
  stack: AsyncDisposableStack,
) {
  const clients: TcpClient[] = [];
  for (;;) {
    const client = stack.use(await openClient(listener.laddr.port));
    await client.echo('x');
    clients.push(client);
    const records = await openRecords(app, listener, clients.length);
    const byPid = Map.groupBy(records, ({ pid }) => pid);
    const isEnough = pidsOf(listener).every((pid) => (byPid.get(pid)?.length ?? 0) >= each);
    if (isEnough) return { clients, records };
  }
}

export async function openRecords(app: RunningApp, { id }: Body, count: number): Promise<Body[]> {
  return await waitFor(`${count} open connections on record`, async () => {
    const records = await all(app, `/v1/connections?listener=${id}&state=open`, 'connections');
    return records.length === count ? records : null;
  });
}

/**
 * Gone, or a zombie of one thread: `Z` alone is what the first thread is as soon as it has ended,
 * while others may hold the files that all of them share for a moment more (proc(5)).
 */
export function isDead(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, threads] = [fields[0], fields[17]];
    return state === 'Z' && threads === '1';
  } catch {
    return true;
  }
}
