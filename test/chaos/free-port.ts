/** A port for a process that must keep it over its restarts. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that kernels give to clients and to port 0, so that nobody is given it while its process is away. */
const [from, to] = [10_000, 20_000] as const;

export async function freePort(): Promise<number> {
  for (;;) {
    const port = from + Math.floor(Math.random() * (to - from));
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.close();
    if (!isFree) continue;
    await once(server, 'close');
    return port;
  }
}
