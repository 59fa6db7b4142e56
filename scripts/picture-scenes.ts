/** Kodamas with something to see in them, for the pictures of the console. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StartedKodama, startKodama } from '../clients/typescript/src/start-kodama.ts';

const command = [process.execPath, join(import.meta.dirname, '../src/main.ts')] as const;

export function startScene(
  environment: Readonly<Record<string, string>> = {},
): Promise<StartedKodama> {
  return startKodama({ command, environment: { KODAMA_WORKERS: '2', ...environment } });
}

interface From {
  readonly host?: string;
  readonly localAddress: string;
  readonly localPort?: number;
}

async function openFrom(port: number, { host = '127.0.0.1', ...from }: From): Promise<Socket> {
  const socket = connect({ host, port, ...from });
  await once(socket, 'connect');
  socket.write('hello');
  await once(socket, 'data');
  return socket;
}

/** Two hosts with the same port, two clients of one host, one that is gone, and one that a fault ends. */
export async function fillTextbook(kodama: StartedKodama): Promise<readonly Socket[]> {
  const { laddr } = await kodama.createListener({ name: 'tour' });
  const port = laddr?.port ?? 0;
  const one = await openFrom(port, { localAddress: '127.0.0.2' });
  const { localPort = 0 } = one;
  const same = await openFrom(port, { localAddress: '127.0.0.3', localPort });
  const others = [
    await openFrom(port, { localAddress: '127.0.0.1' }),
    await openFrom(port, { localAddress: '127.0.0.1' }),
  ];
  const gone = await openFrom(port, { localAddress: '127.0.0.1' });
  gone.end();
  await once(gone, 'close');
  const slow = await kodama.createListener({
    name: 'flaky',
    faults: [
      { type: 'latency', delayMs: 20, jitterMs: 10 },
      { type: 'limit', bytes: 1000, action: 'rst' },
    ],
  });
  const cut = await openFrom(slow.laddr?.port ?? 0, { localAddress: '127.0.0.4' });
  const closed = new Promise((resolve) => cut.on('error', resolve));
  cut.write(Buffer.alloc(2000));
  await closed;
  return [one, same, ...others];
}

export const longName = `orders-${'replica-'.repeat(5)}eu-central-1`;

/** What is long or seldom: names, labels, IPv6, UDP, a PROXY header, who is turned away, and many listeners. */
export async function fillOddities(kodama: StartedKodama): Promise<readonly Socket[]> {
  const v6 = await kodama.createListener({
    name: longName,
    host: '::1',
    labels: { env: 'staging-europe-west', team: 'payments-and-settlement' },
    limits: { denyCidrs: ['127.0.0.9/32'] },
    faults: [
      { type: 'latency', delayMs: 300, jitterMs: 50, match: { firstN: 3 }, seed: 42 },
      { type: 'banner', text: 'SSH-2.0-OpenSSH_9.9p1 Debian-3 with a long line of text' },
    ],
  });
  const behind = await kodama.createListener({
    name: 'behind-a-balancer',
    proxyProtocol: { mode: 'optional' },
    limits: { denyCidrs: ['127.0.0.9/32'] },
  });
  const sockets = [await openFrom(v6.laddr?.port ?? 0, { host: '::1', localAddress: '::1' })];
  const socket = connect({ host: '127.0.0.1', port: behind.laddr?.port ?? 0 });
  await once(socket, 'connect');
  const header = 'PROXY TCP6 2001:db8:85a3:1234:5678:8a2e:370:7334 2001:db8::1 65535 443\r\n';
  socket.write(`${header}hello`);
  await once(socket, 'data');
  sockets.push(socket);
  const denied = connect({
    host: '127.0.0.1',
    port: behind.laddr?.port ?? 0,
    localAddress: '127.0.0.9',
  });
  denied.on('error', () => undefined);
  await new Promise((resolve) => denied.on('close', resolve));
  for (let n = 1; n <= 14; n++) await kodama.createListener({ name: `service-${n}` });
  return sockets;
}

/** Clients of as many hosts as are asked for, each with as many ports as the next. */
export async function fillCrowd(
  kodama: StartedKodama,
  name: string,
  count: number,
  hosts: number,
): Promise<readonly Socket[]> {
  const limits = { maxConnections: 20_000 };
  const { laddr } = await kodama.createListener({ name, limits });
  const sockets: Socket[] = [];
  const open = (n: number) =>
    openFrom(laddr?.port ?? 0, { localAddress: `127.0.9.${1 + (n % hosts)}` });
  for (let n = 0; n < count; n += 50) {
    const some = Array.from({ length: Math.min(50, count - n) }, (_, at) => open(n + at));
    sockets.push(...(await Promise.all(some)));
  }
  return sockets;
}

export const sceneToken = 'a-token-of-sixteen';

/** A team's project with quotas and keys. Resolves with the secret of one that sees its own project only. */
export async function fillHosted({ url }: StartedKodama): Promise<string> {
  const call = async (path: string, body: object, method = 'POST') => {
    const headers = {
      ...{ authorization: `Bearer ${sceneToken}`, 'content-type': 'application/json' },
      'kodama-project': path === '/v1/projects' ? 'default' : 'payments',
    };
    const response = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { readonly id: string; readonly secret: string };
  };
  const quotas = { listeners: 4, keys: 20, openConnections: 10_000 };
  await call('/v1/projects', { name: 'payments', displayName: 'Payments', quotas });
  await call('/v1/projects', { name: 'search' });
  for (const name of ['card-service', 'ledger', 'webhooks']) await call('/v1/listeners', { name });
  const scopes = ['read', 'write', 'keys:read', 'keys:write'];
  const { secret } = await call('/v1/keys', { name: 'team-lead', scopes });
  await call('/v1/keys', { name: 'dashboard', scopes: ['read'], ttlMs: 2_592_000_000 });
  const robot = await call('/v1/keys', { name: `ci-${longName}`, scopes: ['read', 'write'] });
  await call(`/v1/keys/${robot.id}:rotate`, {});
  await call('/v1/keys', { name: 'yesterday', scopes: ['read'], ttlMs: 1000 });
  return secret;
}

const agentNames = ['dmz-1', 'edge-tokyo', 'branch-7', 'a-laptop-behind-nat'] as const;
const agent = join(import.meta.dirname, '../bin/kodama.js');

interface Answer {
  readonly secret: string;
  readonly joinUrl: string;
  readonly nodes: readonly unknown[];
}

/** Four nodes of other hosts: one is ready, one cordoned, one disconnected, and one lost. */
export async function fillFleet({ url }: StartedKodama): Promise<AsyncDisposable> {
  await using resources = new AsyncDisposableStack();
  const call = async (method: string, path: string, body?: object) => {
    const headers = { 'content-type': 'application/json' };
    const text = body && { headers, body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, { method, ...text });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  };
  const agents = new Map<string, () => void>();
  for (const name of agentNames) {
    const labels = { site: name.split('-')[0] ?? '', env: 'staging' };
    const { secret, joinUrl } = await call('POST', '/v1/join-tokens', { labels });
    const folder = await mkdtemp(join(tmpdir(), 'kodama-agent-'));
    resources.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
    const child = spawn(process.execPath, [agent, 'agent', '--join', joinUrl, '--name', name], {
      env: { PATH: process.env.PATH, KODAMA_DATA_DIR: folder, KODAMA_JOIN_TOKEN: secret },
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    resources.defer(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    agents.set(name, () => child.kill('SIGKILL'));
    while ((await call('GET', '/v1/nodes?state=ready')).nodes.length < agents.size + 1)
      await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await call('POST', '/v1/listeners', { name: 'away', placement: { node: 'dmz-1' } });
  await call('PATCH', '/v1/nodes/edge-tokyo', { cordoned: true });
  await call('PATCH', '/v1/nodes/a-laptop-behind-nat', { lostAfterMs: 30_000 });
  for (const name of agentNames.slice(2)) agents.get(name)?.();
  return resources.move();
}
