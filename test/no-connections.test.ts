/** A PostgreSQL that answers on the connections that it has given, and gives no more. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { superuser } from '../src/embedded-postgres/postgres-cluster.ts';
import { call, want } from './support/rest-client.ts';
import { makeHome, type RunningApp, startApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

async function connected(connectionString: string): Promise<Client & AsyncDisposable> {
  const client = new Client({ connectionString });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

async function failures(app: RunningApp): Promise<number> {
  const { body } = await call(app, 'GET', '/metrics');
  return Number(/^kodama_store_connect_failures_total (\d+)$/m.exec(body)?.[1]);
}

test.each([
  ['that may open no more', 'CONNECTION LIMIT 0', 'CONNECTION LIMIT -1'],
  ['that may not log in again', 'NOLOGIN', 'LOGIN'],
])('with a role %s it says so, and is ready once that is over', async (_, without, within) => {
  const role = `role_${randomUUID().replaceAll('-', '')}`;
  await using home = await makeHome();
  const { DATABASE_URL: url = '' } = home.environment;
  await using hand = await connected(url);
  await hand.query(
    `CREATE ROLE ${role} LOGIN IN ROLE ${superuser}; ALTER ROLE ${role} SET role = ${superuser}`,
  );
  await using roles = new AsyncDisposableStack();
  roles.defer(async () => void (await hand.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)));
  const DATABASE_URL = url.replace(`//${superuser}@`, `//${role}@`);
  await using app = await startApp({ DATABASE_URL }, home, (config) => ({
    ...config,
    store: { ...config.store, dryPoolMs: 200 },
  }));
  await want(200, app, 'GET', '/readyz');
  const before = await failures(app);
  await hand.query(`ALTER ROLE ${role} ${without}`);
  // Those that have a connection go on, those of the history have none.
  await want(503, app, 'GET', '/v1/connections');
  const problem = await waitFor('the word of it', async () => {
    const { status, body } = await call(app, 'GET', '/readyz');
    return status === 503 ? body : null;
  });
  expect(problem.problems).toEqual(['the database gives no connections']);
  expect(await failures(app)).toBeGreaterThan(before);
  await hand.query(`ALTER ROLE ${role} ${within}`);
  await waitFor('it to be ready', async () => (await call(app, 'GET', '/readyz')).status === 200);
  await want(200, app, 'GET', '/v1/connections');
});
