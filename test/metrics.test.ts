/** The numbers at /metrics after traffic that is known. */
import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { refusalRules } from '../src/core/event.ts';
import { streamEvents } from './support/grpc-client.ts';
import { long } from './support/long.ts';
import { call, want } from './support/rest-client.ts';
import { startStoreProxy } from './support/store-proxy.ts';
import { openClient } from './support/tcp-client.ts';
import { makeHome, type RunningApp, sharedApp, startApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

/** An address where nobody else looks for a port: all that comes is counted. */
const host = '127.0.77.1';

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Metrics {
  readonly text: string;
  readonly samples: readonly Sample[];
  /** The sum of a metric's series that have these labels. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

/** The text format, 0.0.4. */
function parseMetrics(text: string): Metrics {
  const samples = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] =
        /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text]);
      return { name, labels: Object.fromEntries(pairs), value: Number(value) };
    });
  const sum: Metrics['sum'] = (name, wanted = {}) => {
    expect(text, name).toContain(`# TYPE ${name.replace(/_(sum|count)$/, '')} `);
    return samples
      .filter((sample) => sample.name === name)
      .filter(({ labels }) => Object.entries(wanted).every(([key, value]) => labels[key] === value))
      .reduce((total, { value }) => total + value, 0);
  };
  return { text, samples, sum };
}

/** Connects, and resolves when that is over: a reset may come before the connect is known. */
async function knock(port: number, localAddress: string): Promise<void> {
  const socket = connect({ port, host, localAddress });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('close', resolve));
}

async function metrics(app: RunningApp, as: Readonly<Record<string, string>> = {}) {
  const { status, headers, body } = await call(app, 'GET', '/metrics', undefined, as);
  expect(status).toBe(200);
  expect(headers.get('content-type')).toContain('text/plain; version=0.0.4');
  return parseMetrics(body);
}

/** What Prometheus' own linter says; nothing where it is not installed. */
function promtoolCheck(input: string): string {
  const { error, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input,
    encoding: 'utf8',
  });
  if (error === undefined) return `${stdout}${stderr}`;
  expect(error).toMatchObject({ code: 'ENOENT' });
  return '';
}

test('after known traffic the numbers are those of the traffic', async () => {
  await using app = await startApp();
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', { host });
  const limits = { maxConnections: 1, denyCidrs: ['127.0.0.9'] };
  const full = await want(201, app, 'POST', '/v1/listeners', { host, limits });
  for (const text of ['a', 'bb', 'ccc']) {
    await using client = await openClient(laddr.port, { host });
    await client.echo(text);
    client.socket.end();
    await client.ended;
  }
  await using kept = await openClient(full.laddr.port, { host });
  await kept.echo('four');
  for (const localAddress of ['127.0.0.1', '127.0.0.2', '127.0.0.9']) {
    await knock(full.laddr.port, localAddress);
  }
  await using closed = await openClient(laddr.port, { host });
  await closed.echo('x');
  const open = await waitFor('the record', async () => {
    const path = `/v1/connections?listener=${id}&state=open`;
    const { connections } = await want(200, app, 'GET', path);
    // Those that came before may still be shown as open.
    const isIt = (one: { raddr: { port: number } }) => one.raddr.port === closed.socket.localPort;
    return connections.find(isIt);
  });
  await want(200, app, 'POST', `/v1/connections/${open.id}:close`, { mode: 'rst' });
  using stream = streamEvents(app.grpcAddress, {}, { afterSeq: 0 });
  await stream.synced;
  const { sum, samples } = await waitFor('all of it', async () => {
    const now = await metrics(app);
    const refused = now.sum('kodama_connections_refused_total');
    return refused === 3 && now.sum('kodama_connections_closed_total') === 4 ? now : null;
  });
  expect(sum('kodama_listeners')).toBe(2);
  expect(sum('kodama_connections_open')).toBe(1);
  expect(sum('kodama_connections_accepted_total')).toBe(5);
  expect(sum('kodama_connections_accepted_total', { protocol: 'tcp' })).toBe(5);
  expect(sum('kodama_connections_refused_total', { rule: 'max_connections' })).toBe(2);
  expect(sum('kodama_connections_refused_total', { rule: 'deny_cidrs' })).toBe(1);
  const reasons = { peer_fin: 'peer', operator_rst: 'operator' };
  for (const [reason, initiator] of Object.entries(reasons)) {
    const count = reason === 'peer_fin' ? 3 : 1;
    expect(sum('kodama_connections_closed_total', { reason, initiator })).toBe(count);
  }
  // A rate wants to see it before the first of its kind.
  const crashed = { reason: 'worker_crashed', initiator: 'system' };
  expect(samples).toContainEqual({
    ...{ name: 'kodama_connections_closed_total', labels: crashed, value: 0 },
  });
  // What the open connection has moved is reported every few seconds.
  expect([7, 11]).toContain(sum('kodama_connections_received_bytes_total'));
  expect([7, 11]).toContain(sum('kodama_connections_sent_bytes_total'));
  const { headSeq } = await want(200, app, 'GET', '/v1/status');
  expect(sum('kodama_log_events_total')).toBe(headSeq);
  expect(sum('kodama_log_commit_events_sum')).toBe(headSeq);
  expect(sum('kodama_log_commit_events_count')).toBeGreaterThan(0);
  expect(sum('kodama_log_commit_seconds_count')).toBe(sum('kodama_log_commit_events_count'));
  expect(sum('kodama_log_commit_seconds_sum')).toBeGreaterThan(0);
  expect(sum('kodama_log_queued_events')).toBe(0);
  expect(sum('kodama_store_reachable')).toBe(1);
  expect(sum('kodama_streams')).toBe(1);
  expect(sum('kodama_streams_lag_events')).toBeLessThanOrEqual(headSeq);
  expect(sum('kodama_workers')).toBe(1);
  expect(sum('kodama_worker_restarts_total')).toBe(0);
  expect(sum('process_resident_memory_bytes')).toBeGreaterThan(1e6);
  expect(sum('process_cpu_seconds_total')).toBeGreaterThan(0);
});

const pair = sharedApp({ KODAMA_WORKERS: '2' });

test('a worker that is lost is counted, and so is what it held', long, async () => {
  const app = pair;
  const { laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  await using client = await openClient(laddr.port);
  await client.echo('x');
  const { pid } = await waitFor('the record', async () => {
    return (await want(200, app, 'GET', '/v1/connections?state=open')).connections[0];
  });
  process.kill(pid, 'SIGKILL');
  await client.ended;
  const after = await waitFor('a new worker', async () => {
    const now = await metrics(app);
    const isBack = now.sum('kodama_workers') === 2 && now.sum('kodama_worker_restarts_total') > 0;
    return isBack && now.sum('kodama_connections_open') === 0 ? now : null;
  });
  expect(after.sum('kodama_worker_restarts_total')).toBe(1);
  const crashed = { reason: 'worker_crashed', initiator: 'system' };
  expect(after.sum('kodama_connections_closed_total', crashed)).toBe(1);
});

test('names and units are as Prometheus wants them, and no label grows with its callers', async () => {
  const app = pair;
  const series = ({ samples }: Metrics) =>
    samples
      .filter(({ name }) => name.startsWith('kodama_'))
      .map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`)
      .sort();
  const traffic = async (turn: number) => {
    const listener = { name: `tour-${turn}`, labels: { turn: String(turn) } };
    const { laddr } = await want(201, app, 'POST', '/v1/listeners', listener);
    for (const host of [1, 2, 3]) {
      await using client = await openClient(laddr.port, { localAddress: `127.0.${turn}.${host}` });
      await client.echo('x');
      client.socket.end();
      await client.ended;
    }
    await call(app, 'GET', `/no/such/path/${turn}`);
    await want(204, app, 'DELETE', `/v1/listeners/tour-${turn}`);
    return await metrics(app);
  };
  const first = await traffic(1);
  const second = await traffic(2);
  expect(series(second)).toEqual(series(first));

  const types = new Map(
    [...second.text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]),
  );
  const helps = [...second.text.matchAll(/^# HELP (\S+) \S+/gm)].map(([, name]) => name);
  expect([...types.keys()].sort()).toEqual(helps.sort());
  const ours = [...types].filter(([name]) => name?.startsWith('kodama_'));
  expect(ours.length).toBeGreaterThan(15);
  for (const [name = '', type] of types) {
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
  }
  for (const [name = ''] of ours) {
    // Base units, at the end: bytes and seconds.
    expect(name).not.toMatch(/(_ms|milli|micro|_kb|kilo|mega)/);
    if (name.includes('bytes')) expect(name).toMatch(/_bytes(_total)?$/);
  }
  expect(promtoolCheck(second.text)).toBe('');
  const known = new Set(['protocol', 'rule', 'reason', 'initiator', 'state', 'le']);
  const labels = second.samples
    .filter(({ name }) => name.startsWith('kodama_'))
    .flatMap((sample) => Object.keys(sample.labels));
  expect(labels.filter((label) => !known.has(label))).toEqual([]);
  const rules = second.samples.filter(({ name }) => name === 'kodama_connections_refused_total');
  expect(rules.map((sample) => sample.labels.rule)).toEqual([...refusalRules]);
});

test('a key for metrics reads that the database is away, and no other call is let in', async () => {
  const token = 'the-operators-own-token';
  const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
  await using home = await makeHome({ KODAMA_API_TOKEN: token });
  await using proxy = await startStoreProxy(home.environment.DATABASE_URL ?? '');
  await using app = await startApp({ DATABASE_URL: proxy.url }, home, (config) => ({
    ...config,
    tenancy: { ...config.tenancy, keyTtlMs: 100 },
  }));
  const keyOf = async (name: string) => {
    const body = { name, project: null, scopes: ['metrics:read'] };
    return bearer((await want(201, app, 'POST', '/v1/keys', body, bearer(token))).secret);
  };
  const [prometheus, unseen] = [await keyOf('prometheus'), await keyOf('unseen')];
  expect((await metrics(app, prometheus)).sum('kodama_store_reachable')).toBe(1);
  proxy.cut();
  await waitFor('the key to be looked up again', async () => {
    return (await call(app, 'GET', '/v1/status', undefined, prometheus)).status === 503;
  });
  const isReachable = async (is: 0 | 1) =>
    (await metrics(app, prometheus)).sum('kodama_store_reachable') === is;
  await waitFor('the word of it', () => isReachable(0));
  await want(503, app, 'GET', '/metrics', undefined, unseen);
  proxy.restore();
  await waitFor('the database', () => isReachable(1));
});
