/** IPv4, IPv6 and both at once: what is bound, who is let in by it, and what stands in whose way. */
import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { freePort } from './support/free-port.ts';
import { closedConnections } from './support/history.ts';
import { long } from './support/long.ts';
import { call, type Reply, want } from './support/rest-client.ts';
import { openClient } from './support/tcp-client.ts';
import { commonApp, commonPair, type RunningApp, startApp } from './support/test-app.ts';

const app = commonApp();
const pair = commonPair();
const apps = [
  { workers: 1, app },
  { workers: 2, app: pair },
];

type Body = Reply['body'];

const hasIpv6 = Object.values(networkInterfaces())
  .flatMap((some) => some ?? [])
  .some(({ address }) => address === '::1');

/** One client from there, its record once it is closed, and its own address. */
async function visit(app: RunningApp, { id, laddr }: Body, host: string, count = 1) {
  await using client = await openClient(laddr.port, { host });
  expect(await client.echo(`to ${host}`)).toBe(`to ${host}`);
  const { localPort } = client.socket;
  client.socket.end();
  await client.ended;
  const record = (await closedConnections(app, id, count)).at(-1);
  return { record, localPort };
}

async function ownerOf(app: RunningApp, host: string, port: number): Promise<string> {
  const { status, body } = await call(app, 'POST', '/v1/listeners', { host, port });
  expect([status, body.code]).toEqual([409, 'port_in_use']);
  return body.owner;
}

describe.runIf(hasIpv6)('TCP over IPv6', () => {
  test('an IPv6 address is bound and recorded as such, and IPv4 stays out', async () => {
    const listener = await want(201, app, 'POST', '/v1/listeners', { host: '::1' });
    expect(listener.laddr.ip).toBe('::1');
    const { record, localPort } = await visit(app, listener, '::1');
    expect(record).toMatchObject({
      laddr: listener.laddr,
      raddr: { ip: '::1', port: localPort },
      closeReason: 'peer_fin',
    });
    await expect(openClient(listener.laddr.port)).rejects.toThrow('ECONNREFUSED');
    const found = await want(200, app, 'GET', `/v1/connections?raddr=::1&listener=${listener.id}`);
    expect(found.connections).toHaveLength(1);
  });

  test.each(apps)(
    'with $workers workers `::` takes both, and a connection over IPv4 reads as IPv4 at both ends',
    async ({ app }) => {
      const listener = await want(201, app, 'POST', '/v1/listeners', { host: '::' });
      const { port } = listener.laddr;
      expect(listener.laddr.ip).toBe('::');
      for (const [index, ip] of ['127.0.0.1', '::1', '127.0.0.5'].entries()) {
        const { record, localPort } = await visit(app, listener, ip, index + 1);
        const raddr = { ip: ip === '::1' ? '::1' : '127.0.0.1', port: localPort };
        expect(record).toMatchObject({ laddr: { ip, port }, raddr });
      }
      const path = `/v1/connections?raddr=127.0.0.0/8&listener=${listener.id}`;
      const found = await want(200, app, 'GET', path);
      expect(found.connections).toHaveLength(2);
    },
  );

  test('IPv4 rules hold for IPv4 over `::`', async () => {
    const { laddr } = await want(201, app, 'POST', '/v1/listeners', {
      host: '::',
      limits: { denyCidrs: ['127.0.0.2/32'] },
    });
    await using one = await openClient(laddr.port, { localAddress: '127.0.0.3' });
    expect(await one.echo('in')).toBe('in');
    const other = await openClient(laddr.port, { localAddress: '127.0.0.2' }).catch(() => null);
    await other?.ended;
    expect(other?.received.length ?? 0).toBe(0);
  });

  test.each(apps)(
    'with $workers workers a wildcard and an address of its family stand in each other’s way',
    async ({ app }) => {
      const every = await want(201, app, 'POST', '/v1/listeners', { host: '::' });
      for (const host of ['::', '::1', '0.0.0.0', '127.0.0.1']) {
        expect(await ownerOf(app, host, every.laddr.port)).toBe(every.id);
      }
      const four = await want(201, app, 'POST', '/v1/listeners', { host: '127.0.0.1' });
      const { port } = four.laddr;
      expect(await ownerOf(app, '::', port)).toBe(four.id);
      expect(await ownerOf(app, '0.0.0.0', port)).toBe(four.id);
      // Addresses beside each other share the port in peace.
      const beside = ['::1', '127.0.0.2'];
      for (const host of beside) await want(201, app, 'POST', '/v1/listeners', { host, port });
      for (const host of ['127.0.0.1', ...beside]) {
        await using client = await openClient(port, { host });
        expect(await client.echo(host)).toBe(host);
      }
      // 0.0.0.0 leaves IPv6 to others, and IPv6 alone stands in nobody's way there.
      const any = await want(201, app, 'POST', '/v1/listeners', { host: '0.0.0.0' });
      await want(201, app, 'POST', '/v1/listeners', { host: '::1', port: any.laddr.port });
      expect(await ownerOf(app, '::', any.laddr.port)).toBe(any.id);
    },
  );
});

test('0.0.0.0 takes any address of the host, and records the one that was asked', async () => {
  const listener = await want(201, app, 'POST', '/v1/listeners', { host: '0.0.0.0' });
  expect(listener.laddr.ip).toBe('0.0.0.0');
  const { record } = await visit(app, listener, '127.0.0.9');
  expect(record.laddr).toEqual({ ip: '127.0.0.9', port: listener.laddr.port });
});

test('an address that is not of this host is refused by name', async () => {
  const { status, body } = await call(pair, 'POST', '/v1/listeners', { host: '192.0.2.77' });
  expect(status).toBe(400);
  expect(body).toMatchObject({ code: 'invalid_argument', errors: [{ path: 'host' }] });
});

test(
  'a listener that names no address and no port has those of the configuration',
  long,
  async () => {
    const from = await freePort();
    await using app = await startApp({
      KODAMA_LISTEN_HOST: '127.0.0.5',
      KODAMA_LISTEN_PORTS: `${from}-${from}`,
    });
    const first = await want(201, app, 'POST', '/v1/listeners', {});
    expect(first).toMatchObject({ port: 0, laddr: { ip: '127.0.0.5', port: from } });
    await using client = await openClient(from, { host: '127.0.0.5' });
    await client.echo('hello');
    const problem = await want(429, app, 'POST', '/v1/listeners', {});
    expect(problem).toMatchObject({ code: 'resource_exhausted', limit: 'listenPorts' });
    await want(204, app, 'DELETE', `/v1/listeners/${first.id}`);
    const again = await want(201, app, 'POST', '/v1/listeners', { protocol: 'tls' });
    expect(again.laddr.port).toBe(from);
  },
);
