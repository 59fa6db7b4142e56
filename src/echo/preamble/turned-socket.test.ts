import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { test } from 'vitest';
import { preambleServer } from '../../../test/support/preamble-server.ts';
import { openClient } from '../../../test/support/tcp-client.ts';
import { waitFor } from '../../../test/support/wait-for.ts';

const tls = { clientAuth: 'request' } as const;
const much = Buffer.alloc(8 << 20, 'echo');

async function secured(socket: Socket): Promise<TLSSocket> {
  const secure = connect({ socket, rejectUnauthorized: false });
  secure.on('error', () => undefined).resume();
  await once(secure, 'secureConnect');
  return secure;
}

type Leave = (secure: TLSSocket, socket: Socket, bytesRead: () => number) => unknown;

test.each<readonly [string, Leave]>([
  ['with a FIN', (secure) => secure.end()],
  ['with a FIN under TLS', (_, socket) => socket.end()],
  ['with a FIN behind much', (secure) => secure.end(much)],
  ['without a word', (secure) => secure.destroy()],
  ['with a RST', (_, socket) => socket.resetAndDestroy()],
  [
    'with a RST while its echo waits',
    async (secure, socket, read) => {
      secure.pause();
      secure.write(much);
      await waitFor('some of it to be read', () => read() > 1 << 20);
      socket.resetAndDestroy();
    },
  ],
])('a client that leaves %s is let go', async (_, leave) => {
  await using server = await preambleServer({ tls });
  await using client = await openClient(server.port);
  const secure = await secured(client.socket);
  await server.preamble();
  await leave(secure, client.socket, () => server.sockets[0]?.bytesRead ?? 0);
  await waitFor('the end of the socket', () => server.sockets[0]?.isClosed);
});

test('a client that takes nothing is reset by us, also while its end waits for that', async () => {
  for (const isEnded of [false, true]) {
    await using server = await preambleServer({ tls });
    await using client = await openClient(server.port);
    const secure = await secured(client.socket);
    const { makeTransport } = await server.preamble();
    secure.pause();
    let isClosed = false;
    const ignore = () => undefined;
    const owner = { onBytes: ignore, onEnd: ignore, onDrain: ignore, onFinished: ignore };
    const transport = makeTransport({
      ...owner,
      onError: ignore,
      onClosed: () => {
        isClosed = true;
      },
    });
    transport.write(much);
    if (isEnded) transport.end();
    await waitFor('the kernel to have what it takes', () => transport.pendingBytes > 0);
    transport.reset();
    await waitFor('its end', () => isClosed && server.sockets[0]?.isClosed);
    secure.resume();
    await waitFor('the RST', () => client.socket.destroyed);
  }
});
