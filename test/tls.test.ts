/** TLS listeners through REST, with real TLS clients: what the handshake told is on record, and the key nowhere. */
import { once } from 'node:events';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { closedConnections } from './support/history.ts';
import { all, call, want } from './support/rest-client.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { commonApp } from './support/test-app.ts';
import { makeAuthority, makeCertificate } from './support/tls-certificates.ts';
import { waitFor } from './support/wait-for.ts';

const app = commonApp();

async function tlsClient(
  listener: { laddr: { port: number }; tls: { cert: string } },
  options: ConnectionOptions = {},
): Promise<TLSSocket> {
  const { port } = listener.laddr;
  const given = { port, host: '127.0.0.1', ca: listener.tls.cert, allowHalfOpen: true };
  const socket = connect({ ...given, ...options });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

/** Sends all of it, then FIN; what came back until the other FIN. */
async function echoAll(socket: TLSSocket, bytes: Buffer): Promise<Buffer> {
  socket.end(bytes);
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part);
  return Buffer.concat(parts);
}

/** The only connection of a listener, when it has closed. */
function closedOf(listenerId: string) {
  return waitFor('the closed connection', async () => {
    const path = `/v1/connections?listener=${listenerId}&state=closed`;
    return (await want(200, app, 'GET', path)).connections[0];
  });
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  '%s: 1 MiB comes back whole before the FIN, and the handshake is on record',
  async (version) => {
    const listener = await want(201, app, 'POST', '/v1/listeners', { protocol: 'tls' });
    expect(listener.tls).toMatchObject({ isSelfSigned: true, clientAuth: 'none' });
    const client = await tlsClient(listener, {
      maxVersion: version,
      servername: 'localhost',
      ALPNProtocols: ['echo/1', 'h2'],
    });
    expect(client.alpnProtocol).toBe('echo/1');
    expect(client.getPeerX509Certificate()?.fingerprint256).toBe(listener.tls.fingerprint256);
    const bytes = Buffer.alloc(1 << 20, 'mountain');
    expect((await echoAll(client, bytes)).equals(bytes)).toBe(true);
    expect(await closedOf(listener.id)).toMatchObject({
      protocol: 'tls',
      closeReason: 'peer_fin',
      closeInitiator: 'peer',
      bytesIn: bytes.length,
      bytesOut: bytes.length,
      tls: {
        version,
        cipher: expect.stringMatching(/^TLS_/),
        sni: 'localhost',
        alpn: 'echo/1',
        clientAuthorized: false,
      },
    });
  },
);

test('client certificates: a good one is on record, none is a tls_error with its code', async () => {
  const authority = await makeAuthority();
  const pair = await makeCertificate(authority);
  const listener = await want(201, app, 'POST', '/v1/listeners', {
    protocol: 'tls',
    tls: { clientAuth: 'require', ca: authority.cert },
  });
  const client = await tlsClient(listener, pair);
  const { fingerprint256 } = client.getX509Certificate() ?? {};
  await echoAll(client, Buffer.from('hello'));
  expect(await closedOf(listener.id)).toMatchObject({
    tls: { clientAuthorized: true, clientFingerprint256: fingerprint256 },
  });
  const other = await want(201, app, 'POST', '/v1/listeners', {
    protocol: 'tls',
    tls: { clientAuth: 'require', ca: authority.cert },
  });
  const refused = connect({ port: other.laddr.port, ca: other.tls.cert, host: '127.0.0.1' });
  refused.on('error', () => undefined).resume();
  await new Promise((closed) => refused.once('close', closed));
  expect(await closedOf(other.id)).toMatchObject({
    closeReason: 'tls_error',
    closeInitiator: 'server',
    error: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
  });
});

test('a handshake that fails is opened and closed, with OpenSSL’s code; the port goes on', async () => {
  const listener = await want(201, app, 'POST', '/v1/listeners', { protocol: 'tls' });
  await talk(listener.laddr.port, 'GET / HTTP/1.1\r\n\r\n').catch(() => undefined);
  const closed = await closedOf(listener.id);
  expect(closed).toMatchObject({
    closeReason: 'tls_error',
    closeInitiator: 'server',
    error: 'ERR_SSL_HTTP_REQUEST',
    bytesIn: 0,
    bytesOut: 0,
    tls: null,
  });
  const events = await all(app, `/v1/events?afterSeq=0&listenerId=${listener.id}`, 'events');
  expect(events.map(({ type }) => type).slice(-2)).toEqual([
    'connection_opened',
    'connection_closed',
  ]);
  const client = await tlsClient(listener);
  expect(await echoAll(client, Buffer.from('hello'))).toEqual(Buffer.from('hello'));
});

test('names that no text column takes are recorded readable, and nothing stops', async () => {
  const listener = await want(201, app, 'POST', '/v1/listeners', { protocol: 'tls' });
  const client = await tlsClient(listener, { ALPNProtocols: ['a\0b'] });
  await echoAll(client, Buffer.from('hello'));
  expect((await closedOf(listener.id)).tls.alpn).toBe('a\ufffdb');
});

test('the operator’s RST reaches a TLS client as an RST', async () => {
  const listener = await want(201, app, 'POST', '/v1/listeners', { protocol: 'tls' });
  await using plain = await openClient(listener.laddr.port);
  const client = await tlsClient(listener, { socket: plain.socket });
  client.write('x');
  await once(client, 'data');
  const open = await waitFor('the open connection', async () => {
    return (await want(200, app, 'GET', `/v1/connections?state=open&listener=${listener.id}`))
      .connections[0];
  });
  const failed = new Promise<NodeJS.ErrnoException>((done) => client.once('error', done));
  await want(200, app, 'POST', `/v1/connections/${open.id}:close`, { mode: 'rst' });
  expect((await failed).code).toBe('ECONNRESET');
  expect(await closedOf(listener.id)).toMatchObject({ closeReason: 'operator_rst' });
});

test('a delete ends a handshake that is under way, and frees the port', async () => {
  const listener = await want(201, app, 'POST', '/v1/listeners', { protocol: 'tls' });
  await using silent = await openClient(listener.laddr.port);
  silent.socket.resume();
  await want(204, app, 'DELETE', `/v1/listeners/${listener.id}`);
  await silent.ended;
  await want(201, app, 'POST', '/v1/listeners', { port: listener.laddr.port });
});

test('an info listener tells its TLS client who it is', async () => {
  const listener = await want(201, app, 'POST', '/v1/listeners', { protocol: 'tls', mode: 'info' });
  const client = await tlsClient(listener);
  const [line] = await once(client, 'data');
  const { localAddress: ip, localPort: port } = client;
  expect(JSON.parse(String(line))).toMatchObject({ listenerId: listener.id, raddr: { ip, port } });
  client.destroy();
});

test('the key is in no answer and no event, whoever made it', async () => {
  const { cert, key } = await makeCertificate(await makeAuthority());
  const given = await want(201, app, 'POST', '/v1/listeners', {
    protocol: 'tls',
    tls: { cert, key },
  });
  const made = await want(201, app, 'POST', '/v1/listeners', { protocol: 'tls' });
  const refused = await call(app, 'POST', '/v1/listeners', {
    protocol: 'tls',
    tls: { cert: `${cert}\n${key}`, key },
  });
  expect(refused).toMatchObject({
    status: 400,
    body: { code: 'invalid_argument', errors: [{ path: 'tls.cert' }] },
  });
  const shown = [given, made, refused.body];
  for (const { id } of [given, made]) {
    shown.push(await want(200, app, 'GET', `/v1/listeners/${id}`));
  }
  shown.push(await all(app, '/v1/listeners', 'listeners'));
  shown.push(await all(app, '/v1/events?afterSeq=0', 'events'));
  const text = JSON.stringify(shown);
  expect(text).toContain(given.tls.fingerprint256);
  expect(text).not.toContain('PRIVATE KEY-----');
  expect(text).not.toContain(key.split('\n')[1]);
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  '%s: whoever is refused reads why, whatever it has sent by then',
  async (maxVersion) => {
    const { cert: ca } = await makeAuthority();
    const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {
      protocol: 'tls',
      tls: { clientAuth: 'require', ca },
    });
    // Of the unread bytes the kernel would make RST, of some connections more often than of others.
    for (let round = 1; round <= 20; round += 1) {
      const given = { port: laddr.port, host: '127.0.0.1', rejectUnauthorized: false };
      const client = connect({ ...given, maxVersion });
      client.on('secureConnect', () => client.write('hello'));
      const [error] = await once(client, 'error');
      expect(error.code).toMatch(/ALERT/);
      client.destroy();
    }
    const reason = { closeReason: 'tls_error', closeInitiator: 'server' };
    expect(await closedConnections(app, id, 20)).toMatchObject(Array(20).fill(reason));
  },
);

test('what is no handshake ends with FIN, also where more of it was sent than was read', async () => {
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', { protocol: 'tls' });
  await using client = await openClient(laddr.port);
  client.socket.write('x'.repeat(100_000));
  await client.ended;
  expect([client.sawEnd, client.error]).toEqual([true, null]);
  expect(await closedConnections(app, id)).toMatchObject([{ closeReason: 'tls_error' }]);
});

test.each(['none', 'request'])(
  'with clientAuth %s a client that resets, between two words or while nobody reads it, is peer_rst',
  async (clientAuth) => {
    const spec = { protocol: 'tls', tls: { clientAuth } };
    const read = await want(201, app, 'POST', '/v1/listeners', spec);
    const faults = [{ type: 'blackhole', how: 'stall' }];
    const unread = await want(201, app, 'POST', '/v1/listeners', { ...spec, faults });
    // Several: each of them is looked at in one turn.
    await using clients = new AsyncDisposableStack();
    const over = async (listener: typeof read) => {
      const { socket } = clients.use(await openClient(listener.laddr.port));
      return { socket, secure: await tlsClient(listener, { socket }) };
    };
    const quiet = await Promise.all([1, 2, 3, 4].map(() => over(unread)));
    const client = await over(read);
    client.secure.write('hi');
    await once(client.secure, 'data');
    client.socket.resetAndDestroy();
    const end = { closeReason: 'peer_rst', closeInitiator: 'peer', error: 'ECONNRESET' };
    expect(await closedOf(read.id)).toMatchObject({ ...end, bytesIn: 2, bytesOut: 2 });
    // By then all of that worker were looked at.
    const plain = await want(201, app, 'POST', '/v1/listeners', { faults });
    const looked = clients.use(await openClient(plain.laddr.port));
    looked.socket.resetAndDestroy();
    expect(await closedOf(plain.id)).toMatchObject(end);
    for (const { socket } of quiet) socket.resetAndDestroy();
    const path = `/v1/connections?listener=${unread.id}&state=closed`;
    const ends = await waitFor('the ends of the others', async () => {
      const { connections } = await want(200, app, 'GET', path);
      return connections.length === quiet.length && connections;
    });
    expect(ends).toEqual(quiet.map(() => expect.objectContaining(end)));
  },
);
