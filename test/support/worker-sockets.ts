/** What tests of several workers share: who they are, where they listen, and who stands in their way. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Reply, want } from './rest-client.ts';
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
