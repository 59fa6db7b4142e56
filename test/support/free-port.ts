/**
 * Ports for what must come back on the port that it had: kernels give them to nobody who asks for any, nor to outgoing
 * connections (ip(7), ip_local_port_range). One that a kernel chose may be another test's when its owner is back.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Each process of the tests has its own; 20,000 to 20,099 are those of the documents. */
const shares = { from: 20_100, size: 1200, count: 10 } as const;
const share = Number(process.env.VITEST_POOL_ID ?? 0) % shares.count;
const shareFrom = shares.from + share * shares.size;
const shareTo = shareFrom + shares.size - 1;

/** For a kodama or an agent whose listeners ask for any port. */
export const lastingPorts = { KODAMA_LISTEN_PORTS: `${shareFrom}-${shareTo}` };

/** The last of these, which no test gets to: for a program that is no kodama, on a port that any project might have. */
export const lastOfLastingPorts: Range = { from: shareTo - 99, to: shareTo };

export async function freePort(
  { from, to }: Range = { from: 10_000, to: 19_999 },
): Promise<number> {
  for (;;) {
    const port = from + Math.floor(Math.random() * (to - from + 1));
    if (await isFree(port)) return port;
  }
}

/** Nobody listens on it any more. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  return await once(server, 'listening').then(
    async () => {
      server.close();
      await once(server, 'close');
      return true;
    },
    () => false,
  );
}
