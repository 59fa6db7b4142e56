/** A database of a test's own, gone after it. */
import { randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { inject } from 'vitest';

/** The one that is migrated once a run, and that no test touches. */
export const templateDatabase = 'kodama_template';

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
}

/** Migrated, as a start of kodama leaves it. */
export async function makeDatabase(): Promise<TestDatabase> {
  return await createDatabase(templateDatabase);
}

/** Without a table, as an operator hands it over. */
export async function makeEmptyDatabase(): Promise<TestDatabase> {
  return await createDatabase('template1');
}

/** As a restore from a backup leaves it: all of it, as it is now. Nobody may be connected to it. */
export async function copyDatabase(url: string): Promise<TestDatabase> {
  const [, name = ''] = /\/([^/?]+)(?:\?|$)/.exec(url) ?? [];
  return await createDatabase(name);
}

/** A connection costs as much as a database: this process has one for all that it makes and drops. */
let maintenance: Pool | undefined;

/** Copied as files: to write each page of it to the log as well would cost twice as much. */
async function createDatabase(template: string): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  maintenance ??= maintenancePool(server);
  const pool = maintenance;
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await pool.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY FILE_COPY`);
  return {
    url: withDatabase(server, name),
    async [Symbol.asyncDispose]() {
      await pool.query(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

function maintenancePool(connectionString: string): Pool {
  const pool = new Pool({ connectionString, max: 1, idleTimeoutMillis: 0, allowExitOnIdle: true });
  // The server ends before the processes of the tests do.
  pool.on('error', () => undefined);
  return pool;
}

export function withDatabase(url: string, name: string): string {
  return url.replace(/\/[^/?]*(\?|$)/, `/${name}$1`);
}
