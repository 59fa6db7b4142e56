/** What tests of several nodes share: clients that stay, and what the log must tell of them in the end. */
import { expect } from 'vitest';
import { all, want } from './rest-client.ts';
import { openClient, type TcpClient } from './tcp-client.ts';
import type { RunningApp } from './test-app.ts';
import { waitFor } from './wait-for.ts';

/** Those of the listener, once so many are on record. */
export async function openConnections(app: RunningApp, name: string, count: number) {
  return await waitFor(`${count} on record`, async () => {
    const { connections } = await want(
      200,
      app,
      'GET',
      `/v1/connections?listener=${name}&state=open`,
    );
    return connections.length === count ? connections : null;
  });
}

/** Until PostgreSQL has noticed that the process of a node is gone, what is asked of that waits for its answer. */
export async function missed(app: RunningApp, nodeId: string): Promise<void> {
  await waitFor('it to be missed', async () => {
    return (await want(200, app, 'GET', `/v1/nodes/${nodeId}`)).state === 'disconnected';
  });
}

/** Each connection once opened and once closed, each seq once. */
export async function checkLog(app: RunningApp) {
  const { headSeq } = await want(200, app, 'GET', '/v1/status');
  const events = await all(app, '/v1/events?afterSeq=0', 'events');
  expect(events.map(({ seq }) => seq)).toEqual(
    Array.from({ length: events.length }, (_, index) => index + 1),
  );
  expect(events.length).toBeGreaterThanOrEqual(headSeq);
  const ids = new Set(events.flatMap(({ connection }) => connection?.id ?? []));
  for (const id of ids) {
    const types = events.filter(({ connection }) => connection?.id === id).map(({ type }) => type);
    expect(types).toEqual(['connection_opened', 'connection_closed']);
  }
  return events;
}

/** So many that have been served, and stay. */
export async function clients(port: number, count: number): Promise<TcpClient[]> {
  const opened = await Promise.all(Array.from({ length: count }, () => openClient(port)));
  for (const client of opened) await client.echo('hello');
  return opened;
}
