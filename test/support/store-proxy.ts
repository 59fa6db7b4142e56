/**
 * The network between kodama and an external PostgreSQL: a TCP port in front of the server's Unix socket, which
 * can be cut, held, or made to swallow what the server answers.
 */
import { connect } from 'node:net';
import type { SentStatements } from './sent-statements.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export interface StoreProxy extends Omit<TcpProxy, 'port'> {
  /** As DATABASE_URL, through the proxy. */
  readonly url: string;
}

export async function startStoreProxy(
  serverUrl: string,
  statements: SentStatements | null = null,
): Promise<StoreProxy> {
  const { user, database, socketPath } = parse(serverUrl);
  const tap = () => statements?.tap() ?? (() => undefined);
  const proxy = await startTcpProxy(() => connect(socketPath), tap);
  const url = `postgresql://${user}@127.0.0.1:${proxy.port}/${database}?sslmode=disable`;
  return Object.assign(proxy, { url });
}

function parse(serverUrl: string) {
  const match = /^postgresql:\/\/([^@]+)@\/([^?]+)\?host=([^&]+)&port=(\d+)/.exec(serverUrl);
  if (match === null) throw new TypeError(`not the URL of an embedded server: ${serverUrl}`);
  const [, user = '', database = '', directory = '', port = ''] = match;
  return { user, database, socketPath: `${decodeURIComponent(directory)}/.s.PGSQL.${port}` };
}
