/** A start whose database lets it in, and then keeps it waiting. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { expect, inject, onTestFinished, test } from 'vitest';
import { queryAt as query } from '../support/embedded-servers.ts';
import { begin } from '../support/printed-run.ts';
import { makeHome } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

test('a start waits for a connection beyond its first, too', async () => {
  await using home = await makeHome();
  const { DATABASE_URL: url = '' } = home.environment;
  const role = `role_${randomUUID().replaceAll('-', '')}`;
  await query(url, `CREATE ROLE ${role} LOGIN CONNECTION LIMIT 1 IN ROLE pg_read_all_data`);
  onTestFinished(async () => {
    await query(inject('postgresUrl'), `DROP ROLE ${role}`);
  });
  await query(url, `GRANT CREATE ON SCHEMA public TO ${role}`);
  await query(url, `GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}`);
  await query(url, `GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ${role}`);
  const { child, output, ended } = begin({
    ...home.environment,
    DATABASE_URL: url.replace(/\/\/\w+@/, `//${role}@`),
    KODAMA_LOG_LEVEL: 'info',
  });
  await waitFor('the word', () => output.stdout.includes('waiting for the database'), 20_000);
  await query(url, `ALTER ROLE ${role} CONNECTION LIMIT -1`);
  await waitFor('a start', () => output.stdout.includes('"msg":"ready"'), 20_000);
  child.kill('SIGTERM');
  const { code, stdout } = await ended;
  expect(code).toBe(0);
  expect(stdout).not.toContain('"level":60');
});

const waiting = 'waiting for another who migrates the database';
test.each([
  ['for its turn', 'SELECT pg_advisory_lock(72707369)', waiting],
  ['in a statement', 'BEGIN; LOCK TABLE _prisma_migrations', ''],
])('a start that migrates and waits %s ends in order at a signal', async (_, sql, word) => {
  await using home = await makeHome();
  const { DATABASE_URL: url = '' } = home.environment;
  const holder = new Client({ connectionString: url });
  await holder.connect();
  await using _end = { [Symbol.asyncDispose]: () => holder.end() };
  await holder.query(sql);
  const { child, output, ended } = begin({ ...home.environment, KODAMA_LOG_LEVEL: 'info' });
  const text = `SELECT FROM pg_locks WHERE NOT granted AND relation = '_prisma_migrations'::regclass`;
  const isHeldUp = async () =>
    word === '' ? (await holder.query(text)).rowCount === 1 : output.stdout.includes(word);
  await waitFor('its wait', isHeldUp, 20_000);
  child.kill('SIGTERM');
  const { code, stdout } = await ended;
  expect(code).toBe(0);
  expect(stdout).toContain('"msg":"stopped"');
});
