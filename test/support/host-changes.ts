/**
 * A worker on a host whose addresses change: run it in a network namespace of its own (unshare(1)), where it may change
 * them. Prints what clients and the record were told, as JSON.
 */

import { execFileSync } from 'node:child_process';
import { readConfig } from '../../src/config.ts';
import { defaultProject } from '../../src/core/project.ts';
import type { WorkerRecord } from '../../src/core/record.ts';
import { Worker } from '../../src/workers/worker.ts';
import { sampleId, sampleLimits, sampleNewListener } from './samples.ts';
import { openUdp, type UdpTarget } from './udp-client.ts';
import { waitFor } from './wait-for.ts';

const ip = (...words: string[]) => execFileSync('ip', words);
const records: WorkerRecord[] = [];
const worker = new Worker({
  slot: 0,
  restarts: 0,
  settings: { ...readConfig({}).dataPlane, nodeId: 'node-1', workers: 1 },
  limits: { ...readConfig({}).dataPlane, requestTimeoutMs: 60_000 },
  onRecords: async (_, some) => void records.push(...some),
  onWarning: (_, message) => console.error(message),
  onEnd: () => undefined,
  onFailure: (error) => console.error(error),
});

let listeners = 0;
async function listen(host: string): Promise<number> {
  const { name: _name, labels: _labels, expiresAt: _expiresAt, ...spec } = sampleNewListener();
  const listenerId = sampleId(++listeners);
  const none = { tls: null, tlsKey: null, project: defaultProject };
  const own = { protocol: 'udp', host, listenerId, ...none } as const;
  const binding = { ...spec, ...own, limits: sampleLimits };
  const bound = await worker.request({ kind: 'open', binding, share: 'alone' });
  await worker.request({ kind: 'serve', listenerId });
  if (bound === null) throw new TypeError('an open has a socket');
  return bound.port;
}

/** Asks twice from each client, and tells where the answers came from. */
async function ask(from: string, to: UdpTarget): Promise<string> {
  await using client = await openUdp({ ip: from });
  await client.echo(to, 'once');
  await client.echo(to, 'again');
  const places = client.answers.map(
    (answer) => `${answer.from.ip} ${answer.from.port === to.port}`,
  );
  return [...new Set(places)].join(', ');
}

/** From the port of our own listener, at an address that only a route makes ours. */
async function forge(from: UdpTarget, to: UdpTarget): Promise<string> {
  await using client = await openUdp({ ...from, reusePort: true });
  await client.send(to, 'for ever');
  const refused = await waitFor('the refusal', () =>
    records.find((record) => record.kind === 'refused'),
  );
  return `${refused.refusal.rule}, ${client.answers.length} answers`;
}

ip('link', 'set', 'lo', 'up');
await worker.ready;
const port4 = await listen('0.0.0.0');
const port46 = await listen('::');
ip('address', 'add', '192.0.2.7/32', 'dev', 'lo');
ip('route', 'add', 'local', '198.51.100.0/24', 'dev', 'lo');
ip('-6', 'address', 'add', '2001:db8::7/128', 'dev', 'lo', 'nodad');
ip('-6', 'route', 'add', 'local', '2001:db8:1::/64', 'dev', 'lo');

const told: Record<string, string> = {};
for (const address of ['192.0.2.7', '198.51.100.1', '198.51.100.200']) {
  told[`0.0.0.0 at ${address}`] = await ask('127.0.0.1', { ip: address, port: port4 });
  told[`:: at ${address}`] = await ask('127.0.0.1', { ip: address, port: port46 });
}
for (const address of ['2001:db8::7', '2001:db8:1::1', '2001:db8:1::2:3']) {
  told[`:: at ${address}`] = await ask('::1', { ip: address, port: port46 });
}
told['between own listeners'] = await forge(
  { ip: '198.51.100.200', port: port46 },
  { ip: '198.51.100.1', port: port4 },
);
await worker.end();
const opened = records.flatMap((record) => (record.kind === 'opened' ? [record.connection] : []));
console.log(JSON.stringify({ told, laddrs: opened.map(({ laddr }) => laddr.ip) }));
