/**
 * The network between kodama and an external PostgreSQL: a TCP port in front of the server's Unix socket, which
 * can be cut, held, or made to swallow what the server answers.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { SentStatements } from './sent-statements.ts';

export interface StoreProxy extends AsyncDisposable {
  /** As DATABASE_URL, through the proxy. */
  readonly url: string;
  /** How many connections go through it. */
  readonly connections: number;
  /** Everything passes. */
  restore(): void;
  /** Resets what is open, and refuses what comes. */
  cut(): void;
  /** Nothing passes, and nobody is told: as a firewall that drops. */
  hold(): void;
  /** What kodama asks is done; no answer comes back until a cut. */
  mute(): void;
}

type Mode = 'open' | 'cut' | 'held' | 'muted';

export async function startStoreProxy(
  serverUrl: string,
  statements: SentStatements | null = null,
): Promise<StoreProxy> {
  const { user, database, socketPath } = parse(serverUrl);
  const pairs = new Map<Socket, Socket>();
  let mode: Mode = 'open';
  const server = createServer((client) => {
    if (mode === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(socketPath);
    pairs.set(client, upstream);
    const end = () => {
      pairs.delete(client);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('close', end).on('error', end);
    const tap = statements?.tap();
    client.on('data', (data: Buffer) => {
      tap?.(data);
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
    url: `postgresql://${user}@127.0.0.1:${address.port}/${database}?sslmode=disable`,
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

function parse(serverUrl: string) {
  const match = /^postgresql:\/\/([^@]+)@\/([^?]+)\?host=([^&]+)&port=(\d+)/.exec(serverUrl);
  if (match === null) throw new TypeError(`not the URL of an embedded server: ${serverUrl}`);
  const [, user = '', database = '', directory = '', port = ''] = match;
  return { user, database, socketPath: `${decodeURIComponent(directory)}/.s.PGSQL.${port}` };
}
