/**
 * The network between kodama and an external PostgreSQL: a TCP port in front of the server's Unix socket, which
 * can be cut, held, or made to swallow what the server answers.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { SentStatements } from './sent-statements.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export interface StoreProxy extends Omit<TcpProxy, 'port'> {
  /** As DATABASE_URL, through the proxy. */
  readonly url: string;
}

export async function startStoreProxy(
  serverUrl: string,
  statements: Pick<SentStatements, 'tap'> | null = null,
): Promise<StoreProxy> {
  const { user, database, socketPath } = parse(serverUrl);
  const tap = () => statements?.tap() ?? (() => undefined);
  const proxy = await startTcpProxy(() => connect(socketPath), tap);
  const url = `postgresql://${user}@127.0.0.1:${proxy.port}/${database}?sslmode=disable`;
  return Object.assign(proxy, { url });
}

/** Of the server's last words, where it is gone: https://www.postgresql.org/docs/18/protocol-message-formats.html */
const lastWords = (() => {
  const fields =
    'SFATAL\0VFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0';
  const message = Buffer.alloc(5 + fields.length);
  message.write('E');
  message.writeInt32BE(4 + fields.length, 1);
  message.write(fields, 5);
  return message;
})();
const isReady = (data: Buffer) => data.subarray(-6).equals(Buffer.from('Z\0\0\0\x05I'));

/** A server that ends behind an answer, so that its last words come with that, once it is told to. */
export async function startEndingServer(serverUrl: string) {
  let isEnding = false;
  const server = await startFront(serverUrl, (client, upstream) => {
    client.pipe(upstream);
    upstream.on('data', (data: Buffer) => {
      if (!isEnding || !isReady(data)) client.write(data);
      else client.end(Buffer.concat([data, lastWords]));
    });
  });
  const end = () => {
    isEnding = true;
  };
  return Object.assign(server, { end });
}

/**
 * A server that lets clients in, and while it is silent does not hear what they ask then, as PgBouncer that has no server
 * for them.
 */
export async function startSilentServer(serverUrl: string) {
  const state = { isSilent: false, unheard: 0 };
  const server = await startFront(serverUrl, (client, upstream) => {
    let isIn = false;
    upstream.on('data', (data: Buffer) => {
      isIn ||= isReady(data);
      client.write(data);
    });
    client.on('data', (data: Buffer) => {
      if (state.isSilent && isIn) state.unheard += 1;
      else upstream.write(data);
    });
  });
  return Object.assign(server, { state });
}

async function startFront(serverUrl: string, join: (client: Socket, upstream: Socket) => void) {
  const { user, database, socketPath } = parse(serverUrl);
  const server = createServer((client) => {
    const upstream = connect(socketPath);
    join(client, upstream);
    for (const socket of [client, upstream]) {
      socket
        .on('error', () => undefined)
        .on('close', () => [client, upstream].map((one) => one.destroy()));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `postgresql://${user}@127.0.0.1:${port}/${database}?sslmode=disable`,
    async [Symbol.asyncDispose]() {
      server.close();
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
