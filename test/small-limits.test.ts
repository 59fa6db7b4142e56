/** Limits that show only when they are small: a test makes them so. */
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import type { Config } from '../src/config.ts';
import type { Counters } from '../src/core/record.ts';
import { long } from './support/long.ts';
import { all, want } from './support/rest-client.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { sharedApp, startApp } from './support/test-app.ts';
import { openUdp } from './support/udp-client.ts';
import { waitFor } from './support/wait-for.ts';

const withDataPlane = (change: Partial<Config['dataPlane']>) => (config: Config) => ({
  ...config,
  dataPlane: { ...config.dataPlane, ...change },
});

const app = sharedApp({}, undefined, (config) => ({
  ...withDataPlane({ lingerMs: 200, countersIntervalMs: 50 })(config),
  streams: { ...config.streams, pageFillMs: 0 },
}));

async function onlyConnection(listenerId: string) {
  return await waitFor('the record', async () => {
    const path = `/v1/connections?state=open&listener=${listenerId}`;
    return (await want(200, app, 'GET', path)).connections[0];
  });
}

test('a client that does not answer the FIN of an operator is closed after the linger time', async () => {
  const { id: listenerId, laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  await using client = await openClient(laddr.port, { allowHalfOpen: true });
  await client.echo('x');
  const { id } = await onlyConnection(listenerId);
  const closed = await want(200, app, 'POST', `/v1/connections/${id}:close`, { mode: 'fin' });
  expect(closed).toMatchObject({
    state: 'closed',
    closeReason: 'operator_fin',
    halfClosedAt: null,
  });
  await waitFor('the FIN', () => client.sawEnd);
});

test('the counters of an open connection are told while it is open', async () => {
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  await using client = await openClient(laddr.port);
  await client.echo('hello');
  await waitFor('the counters', async () => {
    const { bytesIn, bytesOut } = await onlyConnection(id);
    return bytesIn === 5 && bytesOut === 5;
  });
  await client.echo('more');
  await waitFor('the next ones', async () => (await onlyConnection(id)).bytesIn === 9);
});

test('the first counters of an open connection do not wait for the round', long, async () => {
  const tune = withDataPlane({ countersIntervalMs: 600_000 });
  await using app = await startApp({}, undefined, tune);
  const tcp = await want(201, app, 'POST', '/v1/listeners', {});
  const udp = await want(201, app, 'POST', '/v1/listeners', { protocol: 'udp' });
  await using client = await openClient(tcp.laddr.port);
  await using sender = await openUdp();
  await client.echo('hello');
  await sender.echo(udp.laddr, 'hello');
  await waitFor('the counters', async () => {
    const { connections } = await want(200, app, 'GET', '/v1/connections?state=open');
    const told = connections.map(({ bytesIn, bytesOut }: Counters) => [bytesIn, bytesOut]);
    return isDeepStrictEqual(told, [
      [5, 5],
      [5, 5],
    ]);
  });
});

test('a page of a rare kind of event may be short, and its token leads to all of them', async () => {
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', {});
  for (let round = 0; round < 10; round++) await talk(laddr.port, 'x');
  await want(204, app, 'DELETE', `/v1/listeners/${id}`);
  const path = '/v1/events?afterSeq=0&type=listener_closed';
  const first = await want(200, app, 'GET', `${path}&pageSize=5`);
  expect(first.events).toEqual([]);
  expect(first.nextPageToken).toBeTypeOf('string');
  const found = await all(app, path, 'events');
  expect(found.map(({ listenerId }) => listenerId)).toContain(id);
});
