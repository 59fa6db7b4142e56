/**
 * Unix sockets in a folder, by their names there: they reach whoever has the folder, in whichever container, and the
 * path of the folder may be too long for one (unix(7): 107 bytes). Linux alone has such a way to a folder.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';

const noAnswer: readonly unknown[] = ['ECONNREFUSED', 'ENOENT'];

/** Whoever connects is let go of at once: that it was answered is all there is to say. Holds up no exit. */
export function listenIn(folder: string, name: string): Promise<Server> {
  return within(folder, (way) => {
    const server = createServer((socket) => socket.destroy()).unref();
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: `${way}/${name}` }, () => resolve(server));
    });
  });
}

/** False where no process listens there, or nothing is there, or what is there is no socket. */
export function isAnswered(folder: string, name: string): Promise<boolean> {
  return within(folder, (way) => {
    const socket = createConnection({ path: `${way}/${name}` });
    return new Promise<boolean>((resolve, reject) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', (error) => {
        // A process that hangs accepts nobody, and in the end has no room for more who wait.
        if (errorCode(error) === 'EAGAIN') resolve(true);
        else if (noAnswer.includes(errorCode(error))) resolve(false);
        else reject(error);
      });
    }).finally(() => socket.destroy());
  });
}

async function within<Result>(
  folder: string,
  work: (way: string) => Promise<Result>,
): Promise<Result> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return await work(`/proc/self/fd/${handle.fd}`);
  } finally {
    await handle.close();
  }
}

export function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}
