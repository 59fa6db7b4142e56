/** A network between two ends: a TCP port in front of a server, which can be cut, held, or made to swallow answers. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** How many connections go through it. */
  readonly connections: number;
  /** Everything passes. */
  restore(): void;
  /** Resets what is open, and refuses what comes. */
  cut(): void;
  /** Nothing passes, and nobody is told: as a firewall that drops. */
  hold(): void;
  /** What is asked is done; no answer comes back until a cut. */
  mute(): void;
}

type Mode = 'open' | 'cut' | 'held' | 'muted';

/** `tap` is made for each connection, and sees what its client sends. */
export async function startTcpProxy(
  connectServer: () => Socket,
  tap: () => (data: Buffer) => void = () => () => undefined,
): Promise<TcpProxy> {
  const pairs = new Map<Socket, Socket>();
  let mode: Mode = 'open';
  const server = createServer((client) => {
    if (mode === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connectServer();
    pairs.set(client, upstream);
    const end = () => {
      pairs.delete(client);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('close', end).on('error', end);
    const see = tap();
    client.on('data', (data: Buffer) => {
      see(data);
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (mode !== 'muted') client.write(data);
    });
    apply(client, upstream);
  });
  const apply = (client: Socket, upstream: Socket) => {
    for (const socket of [client, upstream]) {
      if (mode === 'held') socket.pause();
      else socket.resume();
    }
  };
  const change = (next: Mode) => {
    // Answers that were swallowed are missing for good: such a connection can not go on.
    if (mode === 'muted' || next === 'cut')
      for (const client of pairs.keys()) client.resetAndDestroy();
    mode = next;
    for (const [client, upstream] of pairs) apply(client, upstream);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('not a TCP address');
  return {
    port: address.port,
    get connections() {
      return pairs.size;
    },
    restore: () => change('open'),
    cut: () => change('cut'),
    hold: () => change('held'),
    mute: () => change('muted'),
    async [Symbol.asyncDispose]() {
      server.close();
      for (const [client, upstream] of pairs) {
        client.destroy();
        upstream.destroy();
      }
      await once(server, 'close');
    },
  };
}
