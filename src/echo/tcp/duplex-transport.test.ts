/** TLS over real sockets: what is counted of it however it ends. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createSecureContext, connect as secure, TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { mebi, Owner } from '../../../test/support/handle-echoes.ts';
import { makeOwnCertificate } from '../../../test/support/tls-certificates.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { DuplexTransport } from './duplex-transport.ts';

const pair = await makeOwnCertificate();

/** An echo over TLS with a client that has sent nothing yet. */
async function openPair() {
  const owner = new Owner();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const secureContext = createSecureContext(pair);
    const stream = new TLSSocket(socket, { isServer: true, secureContext });
    socket.on('error', () => undefined);
    owner.transport = new DuplexTransport(stream, socket, owner);
    owner.transport.resume();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const raw = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  raw.on('error', () => undefined);
  const client = secure({ socket: raw, ca: pair.cert, checkServerIdentity: () => undefined });
  client.on('error', () => undefined);
  await once(client, 'secureConnect');
  return {
    owner,
    raw,
    client,
    async [Symbol.asyncDispose]() {
      raw.destroy();
      server.close();
      await waitFor('its end', () => owner.has('closed'));
    },
  };
}

test('what is taken is counted as it is, and all of it behind the end', async () => {
  await using pair = await openPair();
  const { owner, client } = pair;
  client.end(Buffer.alloc(4 * mebi, 'k'));
  await once(client.resume(), 'end');
  await waitFor('its end', () => owner.has('closed'));
  expect(owner.bytesIn).toBe(4 * mebi);
  expect(owner.transport).toMatchObject({ bytesWritten: 4 * mebi, pendingBytes: 0 });
});

test.each(['reset', 'destroy', 'the client'] as const)(
  'what waits when it ends by %s is not counted as taken',
  async (how) => {
    await using pair = await openPair();
    const { owner, client, raw } = pair;
    client.pause();
    client.write(Buffer.alloc(32 * mebi, 'k'));
    let last = -1;
    await waitFor('it to be stuck', () => {
      const isStuck = owner.transport.pendingBytes > 0 && owner.transport.bytesWritten === last;
      last = owner.transport.bytesWritten;
      return isStuck;
    });
    const { bytesWritten } = owner.transport;
    expect(bytesWritten).toBeLessThan(owner.bytesIn);
    if (how === 'the client') raw.resetAndDestroy();
    else owner.transport[how]();
    await waitFor('its end', () => owner.has('closed'));
    expect(owner.transport.bytesWritten).toBe(bytesWritten);
    expect(owner.transport.pendingBytes).toBe(owner.bytesIn - bytesWritten);
  },
);
