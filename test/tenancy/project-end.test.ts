/** A project that is deleted: frozen at once, then gone with all that was on record of it but its audit. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { queryAt } from '../support/embedded-servers.ts';
import { streamEvents } from '../support/grpc-client.ts';
import { joinedNode } from '../support/joined-node.ts';
import { long } from '../support/long.ts';
import { call, want } from '../support/rest-client.ts';
import { openClient } from '../support/tcp-client.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const token = 'the-operators-own-token';
const app = sharedApp({ KODAMA_API_TOKEN: token }, undefined, (config) => ({
  ...config,
  tenancy: { ...config.tenancy, removalIntervalMs: 20, removalRowsMax: 3 },
}));
const operator = { authorization: `Bearer ${token}` };
const of = (project: string) => ({ ...operator, 'kodama-project': project });

const rowsOf = (sql: string) => queryAt(app.databaseUrl, sql) as Promise<Record<string, unknown>[]>;

/** Every table that has a project, but the audit. */
const leftSql = `SELECT table_name FROM information_schema.columns
  WHERE column_name = 'project' AND table_schema = current_schema() AND table_name <> 'audit_entries'`;

test('a project that is deleted is frozen, and then gone', long, async () => {
  const body = { name: 'gone' };
  await want(201, app, 'POST', '/v1/projects', body, operator);
  const given = { name: 'all', scopes: ['read', 'write'] };
  const { secret } = await want(201, app, 'POST', '/v1/keys', given, of('gone'));
  const own = { authorization: `Bearer ${secret}`, 'idempotency-key': 'once' };
  const token = await want(201, app, 'POST', '/v1/join-tokens', { uses: 5 }, of('gone'));
  for (const name of ['a', 'b', 'c', 'd']) await joinedNode(app.databaseUrl, token.secret, name);
  const batch = { listeners: Array.from({ length: 5 }, () => ({ protocol: 'tls' })) };
  await want(201, app, 'POST', '/v1/listeners:batch', batch, own);
  const { laddr, id } = await want(201, app, 'POST', '/v1/listeners', {}, of('gone'));
  const client = await openClient(laddr.port);
  await waitFor('the connection on record', async () => {
    const path = `/v1/connections?listener=${id}`;
    return (await want(200, app, 'GET', path, undefined, of('gone'))).connections.length === 1;
  });
  using stream = streamEvents(app.grpcAddress, {}, {}, { token: secret });
  await stream.synced;
  const gone = await want(202, app, 'DELETE', '/v1/projects/gone', undefined, operator);
  expect(gone.state).toBe('deleting');
  await want(401, app, 'GET', '/v1/listeners', undefined, { authorization: `Bearer ${secret}` });
  expect(await stream.ended).not.toBeNull();
  await client.ended;
  await waitFor('its end', async () => {
    const { status } = await call(app, 'GET', '/v1/projects/gone', undefined, operator);
    return status === 404;
  });
  const tables = await rowsOf(leftSql);
  expect(tables.length).toBeGreaterThan(8);
  for (const { table_name: table } of tables) {
    const rows = await rowsOf(`SELECT * FROM ${table} WHERE project > 1`);
    expect(rows, String(table)).toEqual([]);
  }
  for (const table of ['listener_specs', 'listener_counts', 'listener_secrets']) {
    expect(await rowsOf(`SELECT * FROM ${table}`), table).toEqual([]);
  }
  // Those of this process.
  expect(await rowsOf('SELECT * FROM writers')).toHaveLength(1);
  const audit = await rowsOf("SELECT * FROM audit_entries WHERE project_name = 'gone'");
  expect(audit.map(({ operation }) => operation)).toContain('deleteProject');
  // A key that was left behind would be nobody's, and no operator's.
  const digest = createHash('sha256').update(secret).digest('hex');
  await rowsOf(`INSERT INTO api_keys (id, created_at, project, name, digest, hint, scopes, created_by)
    VALUES (gen_random_uuid(), 0, 4711, 'left', '\\x${digest}', '', '{operator,listeners:read}', '{}')`);
  await want(401, app, 'GET', '/v1/listeners', undefined, { authorization: `Bearer ${secret}` });
  await want(401, app, 'GET', '/v1/projects', undefined, { authorization: `Bearer ${secret}` });
  // The name is free, for a project that has nothing of the one before.
  await want(201, app, 'POST', '/v1/projects', body, operator);
  const { events } = await want(200, app, 'GET', '/v1/events', undefined, of('gone'));
  expect(events).toEqual([]);
});
