/** When the last byte came or went: what is left of a connection's time is the silence before its end. */
import { expect, test } from 'vitest';
import { parseTime } from '../src/core/time.ts';
import { all, want } from './support/rest-client.ts';
import { openClient } from './support/tcp-client.ts';
import { commonApp } from './support/test-app.ts';

const app = commonApp();

const microsOf = (time: string) => parseTime(time) ?? Number.NaN;

async function closedOf(id: string) {
  const { connections } = await want(
    200,
    app,
    'GET',
    `/v1/connections:wait?listener=${id}&state=closed&timeoutMs=20000`,
  );
  const [{ acceptedAt, firstByteAt, lastByteAt, closedAt, closeReason }] = connections;
  return { acceptedAt, firstByteAt, lastByteAt, closedAt, closeReason };
}

const listen = (fields: object = {}) => want(201, app, 'POST', '/v1/listeners', fields);

test('the silence before an idle end is what the limit says', async () => {
  const idleTimeoutMs = 300;
  const { id, laddr } = await listen({ limits: { idleTimeoutMs } });
  const client = await openClient(laddr.port);
  for (const text of ['one', 'two', 'three']) await client.echo(text);
  await client.ended;
  const { firstByteAt, lastByteAt, closedAt, closeReason } = await closedOf(id);
  expect(closeReason).toBe('idle_timeout');
  expect(microsOf(lastByteAt)).toBeGreaterThan(microsOf(firstByteAt));
  const silenceMs = (microsOf(closedAt) - microsOf(lastByteAt)) / 1000;
  // Where the limit counts, a byte may be some time older than where it is told.
  expect(silenceMs).toBeGreaterThan(idleTimeoutMs - 20);
});

test('what a fault sends later is the last byte, and who says nothing has none', async () => {
  const delayMs = 200;
  const { id, laddr } = await listen({ faults: [{ type: 'latency', delayMs }] });
  const client = await openClient(laddr.port);
  await client.echo('hello');
  await client[Symbol.asyncDispose]();
  const { firstByteAt, lastByteAt } = await closedOf(id);
  const laterMs = (microsOf(lastByteAt) - microsOf(firstByteAt)) / 1000;
  expect(laterMs).toBeGreaterThan(delayMs - 20);
  const silent = await listen();
  await (await openClient(silent.laddr.port))[Symbol.asyncDispose]();
  expect(await closedOf(silent.id)).toMatchObject({ firstByteAt: null, lastByteAt: null });
});

test('events tell it as it was at their step', async () => {
  const { id, laddr } = await listen();
  const client = await openClient(laddr.port);
  await client.echo('hello');
  await client[Symbol.asyncDispose]();
  const { lastByteAt } = await closedOf(id);
  const steps = await all(app, `/v1/events?listener=${id}`, 'events');
  const told = steps.flatMap(({ type, connection }) =>
    connection === undefined ? [] : [[type, connection.lastByteAt]],
  );
  expect(told).toEqual([
    ['connection_opened', null],
    ['connection_closed', lastByteAt],
  ]);
});

test('a server that speaks into silences is on record with its last byte', async () => {
  const speak = { type: 'speak', text: 'hey', afterIdleMs: 50, growth: 3, times: 2 };
  const { id, laddr } = await listen({ faults: [speak], limits: { idleTimeoutMs: 400 } });
  const client = await openClient(laddr.port);
  await client.ended;
  expect(client.received.toString()).toBe('heyhey');
  const { acceptedAt, firstByteAt, lastByteAt, closedAt, closeReason } = await closedOf(id);
  expect([firstByteAt, closeReason]).toEqual([null, 'idle_timeout']);
  expect(microsOf(lastByteAt) - microsOf(acceptedAt)).toBeGreaterThan(4 * 50_000 - 20_000);
  expect(microsOf(closedAt) - microsOf(lastByteAt)).toBeGreaterThan(400_000 - 20_000);
  const refused = await want(400, app, 'POST', '/v1/listeners', {
    protocol: 'udp',
    faults: [{ type: 'speak', afterIdleMs: 9 }],
  });
  const paths = refused.errors.map(({ path }: { path: string }) => path);
  expect(paths).toContain('faults[0].afterIdleMs');
});
