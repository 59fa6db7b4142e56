import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { preambleServer } from '../../../test/support/preamble-server.ts';
import { openClient, talk } from '../../../test/support/tcp-client.ts';
import { makeAuthority, makeCertificate } from '../../../test/support/tls-certificates.ts';
import { waitFor } from '../../../test/support/wait-for.ts';

const v1 = 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n';

/** A handshake that the client finds good. */
async function tlsClient(
  { port, cert }: { readonly port: number; readonly cert: string },
  options: ConnectionOptions = {},
): Promise<TLSSocket> {
  const all = { port, host: '127.0.0.1', ca: cert, allowHalfOpen: true, ...options };
  const socket = connect(all satisfies ConnectionOptions & { allowHalfOpen: boolean });
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

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  '%s: every byte is back before the FIN is answered',
  async (version) => {
    await using server = await preambleServer({ tls: {} });
    const client = await tlsClient(server, { maxVersion: version, servername: 'localhost' });
    const bytes = Buffer.alloc(4 << 20, 'echo');
    expect((await echoAll(client, bytes)).equals(bytes)).toBe(true);
    expect((await server.preamble()).tls).toMatchObject({
      version,
      sni: 'localhost',
      alpn: null,
      clientFingerprint256: null,
      clientAuthorized: false,
      cipher: expect.stringMatching(/^TLS_.*_SHA\d+$/),
    });
    await waitFor('the end of the socket', () => server.sockets[0]?.isClosed);
  },
);

test('the client’s first ALPN offer is taken, and shown as text whatever its bytes are', async () => {
  await using server = await preambleServer({ tls: {} });
  const one = await tlsClient(server, { ALPNProtocols: ['h9', 'h2'] });
  expect(one.alpnProtocol).toBe('h9');
  const other = await tlsClient(server, { ALPNProtocols: ['a\0b\x1b'] });
  expect(await echoAll(other, Buffer.from('x'))).toEqual(Buffer.from('x'));
  await echoAll(one, Buffer.from('x'));
  expect((await server.preamble(0)).tls?.alpn).toBe('h9');
  expect((await server.preamble(1)).tls?.alpn).toBe('a\ufffdb\ufffd');
});

test('a version below the oldest that is spoken is refused', async () => {
  await using server = await preambleServer({ tls: { minVersion: 'TLSv1.3' } });
  await expect(tlsClient(server, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/version/);
  expect(await server.failure()).toMatchObject({
    reason: 'tls_error',
    initiator: 'server',
    code: 'ERR_SSL_UNSUPPORTED_PROTOCOL',
  });
});

test('a client that does not trust the certificate is recorded as the one that gave up', async () => {
  await using server = await preambleServer({ tls: {} });
  const socket = connect({ port: server.port, host: '127.0.0.1', maxVersion: 'TLSv1.2' });
  await once(socket, 'error');
  const outcome = await waitFor('the outcome', () => server.outcomes[0]);
  // Node's client says nothing and closes: before or after the handshake is over on our side.
  if (outcome.error !== null) expect(outcome.error).toMatchObject({ initiator: 'peer' });
});

test('a PROXY header stands in front of the handshake, in one segment or byte by byte', async () => {
  await using server = await preambleServer({ tls: {}, proxyProtocol: 'required' });
  await using plain = await openClient(server.port);
  plain.socket.write(v1);
  const client = await tlsClient(server, { socket: plain.socket });
  expect(await echoAll(client, Buffer.from('hello'))).toEqual(Buffer.from('hello'));
  expect(await server.preamble()).toMatchObject({
    declaredRaddr: { ip: '192.0.2.1', port: 56_324 },
    tls: { version: 'TLSv1.3' },
  });
});

test.each(['optional', 'required'] as const)(
  '%s: a handshake that fails behind a good header keeps the declared address',
  async (proxyProtocol) => {
    await using server = await preambleServer({ tls: {}, proxyProtocol });
    await talk(server.port, `${v1}GET / HTTP/1.1\r\n\r\n`).catch(() => undefined);
    expect(await server.failure()).toMatchObject({
      reason: 'tls_error',
      code: 'ERR_SSL_HTTP_REQUEST',
      declaredRaddr: { ip: '192.0.2.1', port: 56_324 },
    });
  },
);

test('optional: TLS without a header is TLS', async () => {
  await using server = await preambleServer({ tls: {}, proxyProtocol: 'optional' });
  const client = await tlsClient(server);
  expect(await echoAll(client, Buffer.from('hello'))).toEqual(Buffer.from('hello'));
  expect((await server.preamble()).declaredRaddr).toBeNull();
});

test('client certificates: asked for, shown, judged', async () => {
  const [authority, stranger] = await Promise.all([makeAuthority(), makeAuthority('stranger')]);
  const [good, bad, old] = await Promise.all([
    makeCertificate(authority),
    makeCertificate(stranger),
    makeCertificate(authority, { notBeforeDate: new Date(0), notAfterDate: new Date(1e12) }),
  ]);
  await using request = await preambleServer({
    tls: { clientAuth: 'request', ca: authority.cert },
  });
  for (const [index, [pair, clientAuthorized]] of (
    [
      [good, true],
      [bad, false],
      [{}, false],
    ] as const
  ).entries()) {
    const client = await tlsClient(request, pair);
    expect(await echoAll(client, Buffer.from('hello'))).toEqual(Buffer.from('hello'));
    const { tls } = await request.preamble(index);
    const clientFingerprint256 =
      'cert' in pair ? expect.stringMatching(/^([\dA-F]{2}:){31}/) : null;
    expect(tls).toMatchObject({ clientAuthorized, clientFingerprint256 });
  }
  await using require = await preambleServer({
    tls: { clientAuth: 'require', ca: authority.cert },
  });
  const client = await tlsClient(require, good);
  expect(await echoAll(client, Buffer.from('hello'))).toEqual(Buffer.from('hello'));
  expect((await require.preamble()).tls?.clientAuthorized).toBe(true);
  for (const [index, [pair, code]] of (
    [
      [bad, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      [old, 'CERT_HAS_EXPIRED'],
      [{}, 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'],
    ] as const
  ).entries()) {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const refused = connect({ port: require.port, ca: require.cert, maxVersion, ...pair });
      refused.on('error', () => undefined).resume();
      await new Promise((closed) => refused.once('close', closed));
      const nth = 1 + 2 * index + (maxVersion === 'TLSv1.2' ? 0 : 1);
      const failure = await require.failure(nth);
      expect(failure).toMatchObject({ reason: 'tls_error', initiator: 'server', code });
    }
  }
});

test('without authorities of its own a listener trusts no certificate, and still records it', async () => {
  const pair = await makeCertificate(await makeAuthority());
  await using server = await preambleServer({ tls: { clientAuth: 'request' } });
  const client = await tlsClient(server, pair);
  const { fingerprint256 } = client.getX509Certificate() ?? {};
  await echoAll(client, Buffer.from('hello'));
  expect((await server.preamble()).tls).toMatchObject({
    clientAuthorized: false,
    clientFingerprint256: fingerprint256,
  });
});

test('a session that is taken up again is judged and recorded as the first one', async () => {
  const authority = await makeAuthority();
  const pair = await makeCertificate(authority);
  await using server = await preambleServer({
    tls: { clientAuth: 'require', ca: authority.cert },
  });
  for (const [index, maxVersion] of (['TLSv1.2', 'TLSv1.3'] as const).entries()) {
    const first = await tlsClient(server, { ...pair, maxVersion });
    first.write('x');
    // TLS 1.3 sends the session behind the handshake.
    await once(first, 'data');
    const session = first.getSession();
    await echoAll(first, Buffer.from('hello'));
    const second = await tlsClient(server, { ...pair, maxVersion, session });
    expect(second.isSessionReused()).toBe(true);
    await echoAll(second, Buffer.from('hello'));
    const before = (await server.preamble(2 * index)).tls;
    expect((await server.preamble(2 * index + 1)).tls).toEqual(before);
    expect(before?.clientAuthorized).toBe(true);
  }
});

test('a TLS 1.2 client can not renegotiate, and goes on with what it has', async () => {
  await using server = await preambleServer({ tls: {} });
  const client = await tlsClient(server, { maxVersion: 'TLSv1.2' });
  client.write('x');
  await once(client, 'data');
  let isSecureAgain = false;
  client.renegotiate({}, (error) => {
    isSecureAgain = error === null;
  });
  await Promise.race([once(client, 'close'), echoAll(client, Buffer.from('y'))]).catch(
    () => undefined,
  );
  expect(isSecureAgain).toBe(false);
  await waitFor('the end of the socket', () => server.sockets[0]?.isClosed);
});

test('an error behind the handshake ends the stream with its code', async () => {
  await using server = await preambleServer({ tls: {} });
  await using plain = await openClient(server.port);
  const client = await tlsClient(server, { socket: plain.socket });
  client.write('x');
  await once(client, 'data');
  // A record that no key of this connection has made.
  plain.socket.write(Buffer.from([23, 3, 3, 0, 32, ...new Array(32).fill(7)]));
  expect(await waitFor('the error', () => server.errors[0])).toMatch(/^ERR_SSL_/);
  await waitFor('the end of the socket', () => server.sockets[0]?.isClosed);
});

test('an RST behind the handshake is an ECONNRESET of the stream', async () => {
  await using server = await preambleServer({ tls: {} });
  await using plain = await openClient(server.port);
  const client = await tlsClient(server, { socket: plain.socket });
  client.write('x');
  await once(client, 'data');
  plain.socket.resetAndDestroy();
  expect(await waitFor('the error', () => server.errors[0])).toBe('ECONNRESET');
});

test('openssl s_client speaks with it, and the settings show what it shows', async () => {
  await using server = await preambleServer({ tls: {} });
  const said = await new Promise<string | null>((resolve) => {
    const args = ['s_client', '-connect', `127.0.0.1:${server.port}`, '-servername', 'localhost'];
    const child = execFile('openssl', [...args, '-alpn', 'h2,http/1.1', '-quiet'], (_, stdout) =>
      resolve(stdout),
    );
    child.on('error', () => resolve(null));
    child.stdin?.on('error', () => undefined);
    child.stdout?.once('data', () => child.kill());
    child.stdin?.write('mountain\n');
  });
  // Not every machine has it.
  if (said === null || server.outcomes.length === 0) return;
  expect(said).toContain('mountain');
  expect((await server.preamble()).tls).toMatchObject({ alpn: 'h2', sni: 'localhost' });
});
