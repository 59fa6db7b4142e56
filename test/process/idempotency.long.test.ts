/** An Idempotency-Key of a kodama that is killed on either side of its commit. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { call, want } from '../support/rest-client.ts';
import { makeHome, startApp, startProcess, type TestHome } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const key = { 'idempotency-key': 'ci-run-4711' };

async function query(home: TestHome, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: home.environment.DATABASE_URL });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test('killed after the commit and before the answer: the repeat finds what was made', async () => {
  await using home = await makeHome();
  const ports = Array.from({ length: 3 }, () => ({ labels: { of: 'batch' } }));
  const first = await startProcess(home);
  const made = await want(201, first, 'POST', '/v1/listeners:batch', { listeners: ports }, key);
  first.child.kill('SIGKILL');
  await first.exited;
  // What is in the database when the process does not get to keep its answer.
  await query(home, 'UPDATE idempotency_keys SET body = NULL');
  await using again = await startApp({}, home);
  const { body } = await call(again, 'POST', '/v1/listeners:batch', { listeners: ports }, key);
  const ids = (batch: { listeners: { id: string }[] }) => batch.listeners.map(({ id }) => id);
  expect(ids(body)).toEqual(ids(made));
  const { listeners } = await want(200, again, 'GET', '/v1/listeners?label=of=batch');
  expect(listeners).toHaveLength(3);
});

test('killed before the commit: the repeat makes it, on any node', async () => {
  await using home = await makeHome({ KODAMA_NODE_ID: `a-${randomUUID()}` });
  const other = { KODAMA_NODE_ID: `b-${randomUUID()}` };
  await using b = await startApp(other, home);
  const first = await startProcess(home);
  const locked = new Client({ connectionString: home.environment.DATABASE_URL });
  await locked.connect();
  // Whoever holds this row holds every commit.
  await locked.query('BEGIN; SELECT seq FROM log_heads FOR UPDATE');
  const lost = call(first, 'POST', '/v1/listeners', { name: 'a' }, key).catch(() => null);
  await waitFor('the key', async () => (await query(home, 'TABLE idempotency_keys')).length === 1);
  first.child.kill('SIGKILL');
  await Promise.all([first.exited, lost]);
  await locked.query('ROLLBACK');
  await locked.end();
  await want(409, b, 'POST', '/v1/listeners', { name: 'a' }, key);
  await using again = await startApp({}, home);
  const made = await want(201, b, 'POST', '/v1/listeners', { name: 'a' }, key);
  expect(await want(201, again, 'POST', '/v1/listeners', { name: 'a' }, key)).toEqual(made);
  const { listeners } = await want(200, again, 'GET', '/v1/listeners');
  expect(listeners).toHaveLength(1);
});
