/** Listeners behind a load balancer: both addresses are kept, and nobody untrusted sets one. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { connectLines } from '../src/console/connect-lines.ts';
import { all, want } from './support/rest-client.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { sharedApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

/** What waits for a header that may be absent is not to wait long here. */
const app = sharedApp({}, undefined, (config) => ({
  ...config,
  dataPlane: { ...config.dataPlane, optionalHeaderWaitMs: 300 },
}));

const v1 = 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n';
const declaredRaddr = { ip: '192.0.2.1', port: 56_324 };
const v2 = Buffer.from(
  `0d0a0d0a000d0a515549540a${'21210024'}20010db8000000000000000000000001${'0'.repeat(32)}dc0401bb`,
  'hex',
);
const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');

async function listen(mode: string, rest: object = {}) {
  const { trustedCidrs = [], ...spec } = rest as { trustedCidrs?: string[] };
  const proxyProtocol = { mode, trustedCidrs };
  return await want(201, app, 'POST', '/v1/listeners', { proxyProtocol, ...spec });
}

/** The only connection of a listener, when it has closed. */
function closedOf(listenerId: string) {
  return waitFor('the closed connection', async () => {
    const path = `/v1/connections?listener=${listenerId}&state=closed`;
    return (await want(200, app, 'GET', path)).connections[0];
  });
}

/** Sends the bytes, then what is echoed. */
async function send(port: number, bytes: Buffer, text: string): Promise<string> {
  await using client = await openClient(port);
  client.socket.write(bytes);
  const back = await client.echo(text);
  client.socket.end();
  await once(client.socket, 'end');
  return back;
}

test.each([
  ['version 1', Buffer.from(v1), declaredRaddr],
  ['version 2', v2, { ip: '2001:db8::1', port: 56_324 }],
  ['LOCAL, a health check', local, null],
])('%s: both addresses are kept, and the header is not counted', async (_, header, declared) => {
  const { id, laddr } = await listen('required');
  expect(await send(laddr.port, header, 'hello')).toBe('hello');
  expect(await closedOf(id)).toMatchObject({
    raddr: { ip: '127.0.0.1' },
    declaredRaddr: declared,
    bytesIn: 5,
    bytesOut: 5,
    closeReason: 'peer_fin',
  });
});

test('the line that the console has for a terminal sends a header', async () => {
  const listener = await want(201, app, 'POST', '/v1/listeners', {
    proxyProtocol: { mode: 'required' },
  });
  const line = connectLines(listener, 'here').find(({ kind }) => kind === 'bash')?.text ?? '';
  const { stdout } = await promisify(execFile)('bash', ['-c', line]);
  expect(stdout).toBe('hello\n');
  expect(await closedOf(listener.id)).toMatchObject({
    declaredRaddr: { ip: '203.0.113.7', port: 5555 },
  });
});

test('the remote address that a filter means is the socket’s', async () => {
  const { id, laddr } = await listen('required');
  await send(laddr.port, Buffer.from(v1), 'hello');
  await closedOf(id);
  const path = `/v1/connections?listener=${id}`;
  expect(await all(app, `${path}&raddr=127.0.0.0/8`, 'connections')).toHaveLength(1);
  expect(await all(app, `${path}&raddr=192.0.2.1`, 'connections')).toHaveLength(0);
});

test('the declared address has a filter of its own', async () => {
  const { id, laddr } = await listen('optional');
  await send(laddr.port, Buffer.from(v1), 'hello');
  await talk(laddr.port, 'hello');
  const path = '/v1/connections:wait?min=1&max=1&state=closed';
  for (const network of ['192.0.2.1', '192.0.0.0/16']) {
    const found = await want(200, app, 'GET', `${path}&listener=${id}&declaredRaddr=${network}`);
    expect(found.connections).toMatchObject([{ declaredRaddr, raddr: { ip: '127.0.0.1' } }]);
    const list = `/v1/connections?listener=${id}&declaredRaddr=${network}`;
    expect(await all(app, list, 'connections')).toEqual(found.connections);
  }
  const other = `/v1/connections?listener=${id}&declaredRaddr=127.0.0.0/8`;
  expect(await all(app, other, 'connections')).toEqual([]);
  const { errors } = await want(400, app, 'GET', '/v1/connections?declaredRaddr=192.0.2');
  expect(errors).toMatchObject([{ path: 'declaredRaddr' }]);
});

test('required: without a good header it is opened and closed as proxy_header_error', async () => {
  const { id, laddr } = await listen('required');
  expect(await talk(laddr.port, 'hello').catch(() => '')).toBe('');
  expect(await closedOf(id)).toMatchObject({
    closeReason: 'proxy_header_error',
    closeInitiator: 'server',
    error: 'ERR_PROXY_HEADER_MISSING',
    declaredRaddr: null,
    bytesIn: 0,
  });
  const events = await all(app, `/v1/events?afterSeq=0&listenerId=${id}`, 'events');
  expect(events.map(({ type }) => type).slice(-2)).toEqual([
    'connection_opened',
    'connection_closed',
  ]);
});

test('optional: a header is used, and other bytes are the client’s own', async () => {
  const { id, laddr } = await listen('optional');
  expect(await talk(laddr.port, 'hello')).toBe('hello');
  expect(await closedOf(id)).toMatchObject({ declaredRaddr: null, bytesIn: 5 });
  const { id: other, laddr: there } = await listen('optional');
  expect(await talk(there.port, `${v1}hello`)).toBe('hello');
  expect(await closedOf(other)).toMatchObject({ declaredRaddr, bytesIn: 5 });
});

test('what comes right behind the header waits for its record, and passes faults and limits', async () => {
  const faults = [{ type: 'corrupt', bytes: 100 }];
  const rest = { recording: 'durable', faults, limits: { maxBytes: 5 } };
  const { id, laddr } = await listen('required', rest);
  await using client = await openClient(laddr.port);
  client.socket.end(`${v1}hello, world`);
  const parts: Buffer[] = [];
  for await (const part of client.socket) parts.push(part);
  const back = Buffer.concat(parts);
  expect(back).toHaveLength(5);
  for (const [n, byte] of back.entries()) expect(byte).not.toBe('hello'.charCodeAt(n));
  expect(await closedOf(id)).toMatchObject({ declaredRaddr, bytesIn: 5, closeReason: 'max_bytes' });
});

test('a peer outside the trusted networks sets no address', async () => {
  const trustedCidrs = ['10.0.0.0/8'];
  const { id, laddr } = await listen('optional', { trustedCidrs });
  expect(await talk(laddr.port, `${v1}hello`)).toBe(`${v1}hello`);
  expect(await closedOf(id)).toMatchObject({ declaredRaddr: null, closeReason: 'peer_fin' });
  const { id: other, laddr: there } = await listen('required', { trustedCidrs });
  await talk(there.port, `${v1}hello`).catch(() => undefined);
  expect(await closedOf(other)).toMatchObject({
    closeReason: 'proxy_header_error',
    error: 'ERR_PROXY_HEADER_UNTRUSTED',
    declaredRaddr: null,
  });
});

test('the header stands in front of TLS, and is kept when the handshake fails', async () => {
  const { id, laddr, tls } = await listen('required', { protocol: 'tls' });
  await using plain = await openClient(laddr.port);
  plain.socket.write(v1);
  const client = connectTls({ socket: plain.socket, ca: tls.cert, host: '127.0.0.1' });
  await once(client, 'secureConnect');
  client.write('hello');
  expect(String((await once(client, 'data'))[0])).toBe('hello');
  client.end();
  expect(await closedOf(id)).toMatchObject({ declaredRaddr, tls: { version: 'TLSv1.3' } });
  const { id: other, laddr: there } = await listen('required', { protocol: 'tls' });
  await talk(there.port, `${v1}hello, hello`).catch(() => undefined);
  expect(await closedOf(other)).toMatchObject({ declaredRaddr, closeReason: 'tls_error' });
});

test('an info listener behind an optional header greets a client that says nothing', async () => {
  const { laddr } = await listen('optional', { mode: 'info' });
  await using silent = await openClient(laddr.port);
  const [line] = await once(silent.socket, 'data');
  expect(JSON.parse(String(line))).toMatchObject({ declaredRaddr: null, laddr });
});

test('a delete ends a header that is waited for, as opened and closed', async () => {
  const { id, laddr } = await listen('required');
  await using silent = await openClient(laddr.port);
  silent.socket.resume();
  silent.socket.write('PROXY');
  await want(204, app, 'DELETE', `/v1/listeners/${id}`);
  await silent.ended;
  const connections = await all(app, `/v1/connections?listener=${id}`, 'connections');
  for (const one of connections) expect(one).toMatchObject({ closeReason: 'listener_deleted' });
});
