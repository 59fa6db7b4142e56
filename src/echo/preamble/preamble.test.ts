import { expect, test } from 'vitest';
import { preambleServer } from '../../../test/support/preamble-server.ts';
import { openClient, talk } from '../../../test/support/tcp-client.ts';
import { waitFor } from '../../../test/support/wait-for.ts';

const v1 = 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n';
const declared = { ip: '192.0.2.1', port: 56_324 };
const v2Signature = '\r\n\r\n\0\r\nQUIT\n';

test('the declared address is kept, and only what comes behind the header is the client’s', async () => {
  await using server = await preambleServer({ proxyProtocol: 'required' });
  expect(await talk(server.port, `${v1}hello`)).toBe('hello');
  expect(await server.preamble()).toMatchObject({ declaredRaddr: declared, tls: null });
});

test('a header that comes byte by byte is the same header', async () => {
  await using server = await preambleServer({ proxyProtocol: 'optional' });
  await using client = await openClient(server.port);
  client.socket.setNoDelay(true);
  for (const [index, byte] of [...v1].entries()) {
    client.socket.write(byte);
    await waitFor('the byte', () => (server.sockets[0]?.bytesRead ?? 0) > index);
  }
  expect(await client.echo('hello')).toBe('hello');
  expect((await server.preamble()).declaredRaddr).toEqual(declared);
});

test('a FIN right behind the header is answered', async () => {
  await using server = await preambleServer({ proxyProtocol: 'required' });
  expect(await talk(server.port, v1)).toBe('');
  expect((await server.preamble()).declaredRaddr).toEqual(declared);
});

test.each([
  ['nothing', ''],
  ['a first letter', 'P'],
  ['all but the space', 'PROXY'],
  ['another word', 'PROXYING'],
  ['the start of a binary signature', '\r\n\r\n'],
  ['other bytes', 'hello'],
  ['more than one read', 'x'.repeat(100_000)],
])('optional: %s is no header but the client’s own, with its FIN behind it', async (_, text) => {
  await using server = await preambleServer({ proxyProtocol: 'optional' });
  expect(await talk(server.port, text)).toBe(text);
  expect((await server.preamble()).declaredRaddr).toBeNull();
});

test('optional: a client that waits for the server to speak is opened after a while', async () => {
  const wait = { optionalHeaderWaitMs: 200 };
  await using server = await preambleServer({ proxyProtocol: 'optional', ...wait });
  await using client = await openClient(server.port);
  await server.preamble();
  expect(await client.echo(v1)).toBe(v1);
  expect((await server.preamble()).declaredRaddr).toBeNull();
});

test.each([
  ['ERR_PROXY_HEADER_MISSING', 'server', 'GET / HTTP/1.1\r\n\r\n'],
  ['ERR_PROXY_HEADER_INVALID', 'server', 'PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n'],
  ['ERR_PROXY_HEADER_INVALID', 'server', `${v2Signature}\x41`],
  ['ERR_PROXY_HEADER_CUT_OFF', 'peer', 'PROXY TCP4 1.2.3.4'],
  ['ERR_PROXY_HEADER_CUT_OFF', 'peer', 'PRO'],
])('required: %s by the %s for %j', async (code, initiator, text) => {
  await using server = await preambleServer({ proxyProtocol: 'required' });
  await talk(server.port, text).catch(() => undefined);
  expect(await server.failure()).toMatchObject({ reason: 'proxy_header_error', initiator, code });
});

test('optional: a header from its signature on that is wrong is an error, not an echo', async () => {
  await using server = await preambleServer({ proxyProtocol: 'optional' });
  expect(await talk(server.port, 'PROXY TCP4 nonsense\r\n').catch(() => '')).toBe('');
  expect(await server.failure()).toMatchObject({ reason: 'proxy_header_error' });
});

test('an untrusted peer’s header sets nothing: its own bytes, or refused where one is required', async () => {
  await using optional = await preambleServer({
    proxyProtocol: 'optional',
    trustedCidrs: ['10.0.0.0/8'],
  });
  expect(await talk(optional.port, `${v1}hello`)).toBe(`${v1}hello`);
  expect((await optional.preamble()).declaredRaddr).toBeNull();
  await using required = await preambleServer({
    proxyProtocol: 'required',
    trustedCidrs: ['10.0.0.0/8'],
  });
  await talk(required.port, `${v1}hello`).catch(() => undefined);
  expect(await required.failure()).toMatchObject({
    reason: 'proxy_header_error',
    initiator: 'server',
    code: 'ERR_PROXY_HEADER_UNTRUSTED',
  });
});

test.each(['', 'PROX', 'PROXY TCP4 1.2.3.4 '])(
  'a required header that stops at %j is cut by the time-out',
  async (text) => {
    await using server = await preambleServer({ proxyProtocol: 'required', timeoutMs: 100 });
    await using client = await openClient(server.port);
    client.socket.write(text);
    expect(await server.failure()).toMatchObject({
      reason: 'proxy_header_error',
      initiator: 'server',
      code: 'ETIMEDOUT',
    });
    client.socket.resume();
    await client.ended;
  },
);

test('a header that trickles is cut by the same time-out, and never held beyond its bound', async () => {
  await using server = await preambleServer({ proxyProtocol: 'optional', timeoutMs: 300 });
  await using client = await openClient(server.port);
  client.socket.write('PROXY UNKNOWN ');
  const trickle = setInterval(() => client.socket.write('x'), 10);
  const failure = await server.failure();
  clearInterval(trickle);
  expect(failure).toMatchObject({ reason: 'proxy_header_error' });
  expect(['ETIMEDOUT', 'ERR_PROXY_HEADER_INVALID']).toContain(failure.code);
});

test('a client that leaves instead of sending a header is recorded as it left', async () => {
  await using server = await preambleServer({ proxyProtocol: 'required' });
  await talk(server.port, '');
  expect(await server.failure(0)).toMatchObject({
    reason: 'peer_fin',
    initiator: 'peer',
    code: null,
  });
  await using client = await openClient(server.port);
  client.socket.write('PROXY');
  await waitFor('its bytes', () => server.sockets[1]?.bytesRead === 5);
  client.socket.resetAndDestroy();
  expect(await server.failure(1)).toMatchObject({
    reason: 'peer_rst',
    initiator: 'peer',
    code: 'ECONNRESET',
  });
});

test('a listener that closes ends what is under way with its own reason', async () => {
  await using server = await preambleServer({ proxyProtocol: 'required' });
  await using client = await openClient(server.port);
  await waitFor('the accept', () => server.sockets.length === 1);
  const reason = new Error('closing');
  server.stop.abort(reason);
  const outcome = await waitFor('the end', () => server.outcomes[0]);
  expect(outcome.error).toBe(reason);
  client.socket.resume();
  await client.ended;
});
