/** A database of a test's own, gone after it. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';

/** The one that is migrated once a run, and that no test touches. */
export const templateDatabase = 'kodama_template';

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
}

/** Migrated, as a start of kodama leaves it. */
export async function makeDatabase(): Promise<TestDatabase> {
  return await createDatabase(`TEMPLATE ${templateDatabase}`);
}

/** Without a table, as an operator hands it over. */
export async function makeEmptyDatabase(): Promise<TestDatabase> {
  return await createDatabase('');
}

async function createDatabase(options: string): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await onServer(server, `CREATE DATABASE ${name} ${options}`);
  return {
    url: withDatabase(server, name),
    async [Symbol.asyncDispose]() {
      await onServer(server, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

export function withDatabase(url: string, name: string): string {
  return url.replace(/\/[^/?]*(\?|$)/, `/${name}$1`);
}

export async function onServer(connectionString: string, sql: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
