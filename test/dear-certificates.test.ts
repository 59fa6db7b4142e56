/** Clients whose certificates cost whoever checks them: little of that is done, and one of them at a time. */
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { projectRef } from '../src/core/project.ts';
import { PreambleTurns } from '../src/echo/preamble/preamble-turns.ts';
import { junkChain } from './support/junk-chain.ts';
import { preambleServer } from './support/preamble-server.ts';
import { all, want } from './support/rest-client.ts';
import { openClient, openTlsClient } from './support/tcp-client.ts';
import { commonApp } from './support/test-app.ts';
import { makeLongChain } from './support/tls-certificates.ts';
import { waitFor } from './support/wait-for.ts';

const app = commonApp();
const versions = ['TLSv1.2', 'TLSv1.3'] as const;
const tooLong = { reason: 'tls_error', initiator: 'server', code: 'ERR_TLS_HANDSHAKE_TOO_LONG' };

/** Trusts whoever answers: it has come to cost it something. */
function clientOf(port: number, options: ConnectionOptions): TLSSocket {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  socket.on('error', () => undefined);
  return socket;
}

async function echo(socket: TLSSocket, text: string): Promise<string> {
  socket.end(text);
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part);
  return String(Buffer.concat(parts));
}

test.each(versions)(
  '%s: a chain beyond the bound is refused before it is checked',
  async (maxVersion) => {
    await using server = await preambleServer({ tls: { clientAuth: 'request' } });
    const long = junkChain(70);
    clientOf(server.port, { ...long, maxVersion });
    expect(await server.failure(0)).toMatchObject(tooLong);
    const inPieces = clientOf(server.port, { ...long, maxVersion });
    inPieces.setMaxSendFragment(512);
    expect(await server.failure(1)).toMatchObject(tooLong);
    expect(server.sockets.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  },
);

test.each(versions)(
  '%s: what a client says right behind its handshake is not counted',
  async (maxVersion) => {
    const limits = { tlsHandshakeBytesMax: 4096 };
    await using server = await preambleServer({ tls: { clientAuth: 'request' }, limits });
    const client = clientOf(server.port, { maxVersion });
    const text = 'mountain'.repeat(100_000);
    // It goes out with the last words of the handshake.
    expect(await echo(client, text)).toBe(text);
  },
);

test.each(versions)(
  '%s: a chain of four with RSA keys of 4,096 bits is taken',
  async (maxVersion) => {
    const { root, ...pair } = await makeLongChain();
    await using server = await preambleServer({ tls: { clientAuth: 'require', ca: root } });
    const client = clientOf(server.port, { ...pair, maxVersion });
    client.setMaxSendFragment(512);
    expect(await echo(client, 'hello')).toBe('hello');
    expect((await server.preamble()).tls).toMatchObject({ clientAuthorized: true });
  },
);

test('those that come at once are checked one by one, and another project goes on meanwhile', async () => {
  const turns = new PreambleTurns({ preamblesMax: 1000, preamblePatienceMs: 60_000 });
  const tls = { clientAuth: 'request' } as const;
  await using crowded = await preambleServer({ tls, turns, project: projectRef(1) });
  await using other = await preambleServer({ tls: {}, turns, project: projectRef(2) });
  // Near the bound, and below it: each costs some 50 ms.
  const dear = junkChain(10);
  const clients = Array.from({ length: 12 }, () => clientOf(crowded.port, dear));
  await waitFor('the first of them', () => crowded.outcomes.length > 0);
  for (let n = 1; n <= 3; n++) {
    await using client = await openTlsClient(other.port, other.cert);
    await client.echo('hello');
  }
  expect(crowded.outcomes.length).toBeLessThan(9);
  await waitFor('all of them', () => crowded.outcomes.length === clients.length);
  expect(crowded.outcomes.map(({ error }) => error)).toEqual(clients.map(() => null));
  for (const client of clients) client.destroy();
});

test('however many come at once, the worker goes on with all that it has', async () => {
  const pids = async () =>
    (await want(200, app, 'GET', '/v1/status')).workers.map(({ pid }: { pid: number }) => pid);
  const before = await pids();
  const plain = await want(201, app, 'POST', '/v1/listeners', {});
  await using beside = await openClient(plain.laddr.port);
  await beside.echo('before');
  const listener = await want(201, app, 'POST', '/v1/listeners', {
    protocol: 'tls',
    tls: { clientAuth: 'request' },
  });
  const [long, dear] = [junkChain(70), junkChain(10)];
  const clients = Array.from({ length: 150 }, (_, n) =>
    clientOf(listener.laddr.port, n % 10 === 0 ? dear : long),
  );
  await beside.echo('meanwhile');
  const those = (query: string) =>
    all(app, `/v1/connections?listener=${listener.id}&${query}`, 'connections');
  await waitFor('all of them to be on record', async () => {
    const [closed, open] = await Promise.all([those('state=closed'), those('state=open')]);
    return closed.length + open.length === 150 && closed.length >= 135;
  });
  const codes = (await those('state=closed')).map(({ error }) => error);
  expect(codes).toEqual(codes.map(() => tooLong.code));
  await beside.echo('after');
  expect(await pids()).toEqual(before);
  for (const client of clients) client.destroy();
});
