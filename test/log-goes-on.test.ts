/** What one caller asks, or a store that is slow, does not stop the log; where it does not get on, that is said. */
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { healthClient } from './support/health-client.ts';
import { long } from './support/long.ts';
import { call, want } from './support/rest-client.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { sharedApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

/** Twenty listeners with so much text each. */
function batchOf(chars: number) {
  return { listeners: Array.from({ length: 20 }, () => ({ faults: banners(chars) })) };
}

function banners(chars: number) {
  const bytesOf = (seed: number) =>
    Array.from({ length: chars }, (_, n) => String.fromCodePoint(0x21 + ((n * seed) % 90)));
  return [7, 11, 13].map((seed) => ({ type: 'banner', text: bytesOf(seed).join('') }));
}

const commitBytesMax = 200_000;
const app = sharedApp({}, undefined, (config) => ({
  ...config,
  eventLog: { ...config.eventLog, commitBytesMax },
  readiness: { ...config.readiness, commitTimeoutMs: 200 },
}));

async function untilReady(): Promise<void> {
  await waitFor('it to be ready', async () => (await call(app, 'GET', '/readyz')).status === 200);
}

const refusedRecords = async (): Promise<number> =>
  (await want(200, app, 'GET', '/v1/status')).store.refusedRecords;

test('a batch that is larger on record than a commit may be is refused, and the log goes on', async () => {
  const durable = await want(201, app, 'POST', '/v1/listeners', { recording: 'durable' });
  const { listeners: before } = await want(200, app, 'GET', '/v1/listeners');
  const refusal = await call(app, 'POST', '/v1/listeners:batch', batchOf(2000));
  expect(refusal).toMatchObject({
    status: 429,
    body: { code: 'resource_exhausted', limit: 'commitBytesMax', limitValue: commitBytesMax },
  });
  expect(await talk(durable.laddr.port, 'still here')).toBe('still here');
  expect((await want(200, app, 'GET', '/v1/listeners')).listeners).toHaveLength(before.length);
  const { listeners } = await want(201, app, 'POST', '/v1/listeners:batch', batchOf(10));
  expect(listeners).toHaveLength(20);
  await untilReady();
});

test('a log that does not get on is said while it lasts, and then it has all', long, async () => {
  const refusedBefore = await refusedRecords();
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  using health = healthClient(app.grpcAddress);
  const { seen } = health.watch();
  await waitFor('health', () => seen[0] === 'SERVING');
  const rival = new Client({ connectionString: app.databaseUrl });
  await rival.connect();
  try {
    // The store answers, and takes nothing.
    await rival.query('BEGIN; LOCK TABLE closed_connections IN EXCLUSIVE MODE');
    await using client = await openClient(laddr.port);
    expect(await client.echo('x')).toBe('x');
    client.socket.end();
    await waitFor('the word of it', async () => {
      const { status, body } = await call(app, 'GET', '/readyz');
      return status === 503 && body.problems.includes('the log does not get on');
    });
    await waitFor('the word of it over gRPC', () => seen.at(-1) === 'NOT_SERVING');
    expect(await health.check()).toBe('NOT_SERVING');
    const { store } = await want(200, app, 'GET', '/v1/status');
    expect(store.waitingMs).toBeGreaterThan(200);
    await rival.query('COMMIT');
  } finally {
    await rival.end();
  }
  await untilReady();
  await waitFor('the word of that', () => seen.at(-1) === 'SERVING');
  expect(await health.check('kodama.v1.EventService')).toBe('SERVING');
  const view = await waitFor('the record', async () => {
    const listener = await want(200, app, 'GET', `/v1/listeners/${id}`);
    return listener.openConnections === 0 && listener.totalConnections === 1 ? listener : null;
  });
  expect(view.state).toBe('listening');
  const { store, retention } = await want(200, app, 'GET', '/v1/status');
  const none = { queuedEvents: 0, waitingMs: 0, refusedRecords: refusedBefore };
  expect(store).toEqual({ state: 'reachable', ...none });
  expect(Math.abs(retention.clockAheadMs)).toBeLessThan(60_000);
});

test(
  'a record that the database refuses is left out, told and counted, and the rest is on record',
  long,
  async () => {
    const refusedBefore = await refusedRecords();
    const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {});
    const client = new Client({ connectionString: app.databaseUrl });
    await client.connect();
    await client.query(`ALTER TABLE open_connections ADD CHECK (raddr <> '127.6.6.6')`);
    await client.query(`ALTER TABLE closed_connections ADD CHECK (raddr <> '127.6.6.6')`);
    await client.end();
    const visit = async (localAddress: string) => {
      await using visitor = await openClient(laddr.port, { localAddress });
      expect(await visitor.echo('hello')).toBe('hello');
    };
    await Promise.all(['127.6.6.5', '127.6.6.6', '127.6.6.7'].map(visit));
    await waitFor('the others', async () => {
      const listener = await want(200, app, 'GET', `/v1/listeners/${id}`);
      return listener.totalConnections === 2 && listener.openConnections === 0;
    });
    await waitFor('the count', async () => (await refusedRecords()) > refusedBefore);
    await visit('127.6.6.8');
    await waitFor('who came after', async () => {
      return (await want(200, app, 'GET', `/v1/listeners/${id}`)).totalConnections === 3;
    });
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    expect(metrics).toMatch(/^kodama_log_refused_records_total [1-9]/m);
  },
);
