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
const from = shares.from + share * shares.size;
const to = from + shares.size - 1;

const listenPorts = (range: Range) => ({ KODAMA_LISTEN_PORTS: `${range.from}-${range.to}` });

/** For a kodama or an agent whose listeners ask for any port: it draws the first that are free. */
export const lastingPorts = listenPorts({ from, to });

/** The last of these, which it does not get to: for others, where a project might listen. */
export const sparePorts: Range = { from: to - 99, to };

/** For another node of this host that makes listeners while the one is away. */
export const otherLastingPorts = listenPorts(sparePorts);

const singlePorts: Range = { from: 10_000 + share * 1000, to: 10_999 + share * 1000 };
let drawn = Math.floor(Math.random() * 1000);

/** None comes twice before all others: whoever drew one may not listen on it yet, or never. */
export async function freePort(within: Range = singlePorts): Promise<number> {
  for (;;) {
    drawn += 1;
    const port = within.from + (drawn % (within.to - within.from + 1));
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
