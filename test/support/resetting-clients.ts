/** Clients that reset as soon as they are connected, as port scans and the checks of many load balancers do. */
import { connect } from 'node:net';

export interface ResettingClients {
  readonly port: number;
  readonly host?: string;
  readonly count: number;
  /** Sent before the reset. */
  readonly bytes?: string;
  /** Connections that are on their way together; far fewer than a backlog holds. */
  readonly atOnce?: number;
}

/** Resolves when all are gone, with the addresses of those who were connected: the kernel has them to hand over. */
export async function resetAtOnce(clients: ResettingClients): Promise<readonly string[]> {
  const { count, atOnce = 10 } = clients;
  const connected: string[] = [];
  let next = 0;
  const some = async () => {
    while (next++ < count) connected.push(...(await visit(clients)));
  };
  await Promise.all(Array.from({ length: atOnce }, some));
  return connected;
}

/** One address, or none where it was refused before it knew that it was connected. */
function visit({ port, host = '127.0.0.1', bytes }: ResettingClients): Promise<string[]> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const own: string[] = [];
    socket.on('connect', () => {
      own.push(`${socket.localAddress}:${socket.localPort}`);
      if (bytes !== undefined) socket.write(bytes);
      socket.resetAndDestroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(own));
  });
}
