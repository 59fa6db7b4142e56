/** A replica without a gateway, beside others that had one and are gone: it finds out who is away, and tells so. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { PostgresStore } from '../../src/postgres/postgres-store.ts';
import { joinedNode } from '../support/joined-node.ts';
import { long } from '../support/long.ts';
import { call, want } from '../support/rest-client.ts';
import { keepingLogger } from '../support/samples.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const hour = 3_600_000;
const app = sharedApp({}, undefined, (config) => ({
  ...config,
  fleet: { ...config.fleet, sweepEveryMs: 50, nodelessSweepMs: hour },
}));

const metric = async (name: string) => {
  const { body } = await call(app, 'GET', '/metrics');
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(body)?.[1]);
};

async function query(connectionString: string, text: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  await client.query(text).finally(() => client.end());
}

test(
  'nodes whose replicas are gone are disconnected, counted, and spared where they are many',
  long,
  async () => {
    expect(await metric('kodama_sweeps_total')).toBe(0);
    const { secret } = await want(201, app, 'POST', '/v1/join-tokens', { uses: 3 });
    const connectionString = app.databaseUrl;
    const options = { connectionString, nodeId: 'gone', log: keepingLogger() };
    await using store = await PostgresStore.open(options);
    // Its wakes go out over the connection on which it hears others'.
    store.foreignAppends.onTaken(() => undefined);
    await store.nodes.takeOwn(false);
    for (const name of ['one', 'two', 'three']) {
      const { nodeId } = await joinedNode(connectionString, secret, name);
      const hello = {
        ...{ nodeId, bootId: randomUUID(), version: '0', hostname: name, addresses: [] },
        ...{ listenHost: '127.0.0.1', portRange: null, clockOffsetMs: 0 },
        connectionsMax: 0,
      };
      await waitFor('a sweep for it', async () => {
        await store.fleet.sessions.take(hello);
        return (await metric('kodama_sweeps_total')) > 0;
      });
    }
    await waitFor('their silence', async () => {
      const away = await metric('kodama_nodes{state="disconnected"}');
      return away === 3 && (await metric('kodama_nodes{state="ready"}')) === 0;
    });
    const { nodes } = await want(200, app, 'GET', '/v1/nodes?state=disconnected');
    expect(nodes).toHaveLength(3);
    await query(connectionString, 'UPDATE nodes SET lost_after_ms = 500 WHERE NOT is_built_in');
    await waitFor('the brake', async () => (await metric('kodama_fleet_suspended')) === 1);
    expect(await want(200, app, 'GET', '/v1/status')).toMatchObject({ fleetSuspended: true });
    await want(204, app, 'DELETE', '/v1/nodes/three');
    await waitFor('the loss', async () => (await metric('kodama_nodes{state="lost"}')) === 2);
    expect(await want(200, app, 'GET', '/v1/status')).toMatchObject({ fleetSuspended: false });
  },
);
