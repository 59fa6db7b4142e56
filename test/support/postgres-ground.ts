/** A real database for the contract of a store. */
import { Client } from 'pg';
import { type ProjectRef, projectRef } from '../../src/core/project.ts';
import { PostgresStore } from '../../src/postgres/postgres-store.ts';
import { quietLog as log } from './quiet-log.ts';
import type { SentStatements } from './sent-statements.ts';
import type { StoreGround } from './store-ground.ts';
import { startStoreProxy } from './store-proxy.ts';
import { makeDatabase } from './test-database.ts';

export const postgresGround = (): Promise<StoreGround> => groundOf(null);

/** As `postgresGround`; what is sent to the database is kept. */
export const tappedGround = (statements: SentStatements) => () => groundOf(statements);

async function groundOf(statements: SentStatements | null): Promise<StoreGround> {
  await using resources = new AsyncDisposableStack();
  const database = resources.use(await makeDatabase());
  const proxy = statements && resources.use(await startStoreProxy(database.url, statements));
  const all = resources.move();
  return {
    open: (nodeId, clock) =>
      PostgresStore.open({
        ...{ connectionString: proxy?.url ?? database.url, nodeId, log, ...(clock && { clock }) },
        limits: { absenceMs: 10 },
      }),
    addProject: (name) => addProject(database.url, name),
    limitListeners: (...limit) => limitListeners(database.url, ...limit),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function addProject(connectionString: string, name: string): Promise<ProjectRef> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<{ project: number }>(
      `WITH made AS (INSERT INTO projects (name, created_at) VALUES ($1, 0) RETURNING ref)
      INSERT INTO log_heads (project, listeners, seq, oldest_seq, max_time, marked_seq, bytes)
      SELECT ref, 0, 0, 1, 0, 0, 0 FROM made RETURNING project`,
      [name],
    );
    await client.query('INSERT INTO log_ages (project, seq, time, bytes) VALUES ($1, 0, 0, 0)', [
      rows[0]?.project,
    ]);
    return projectRef(rows[0]?.project ?? 0);
  } finally {
    await client.end();
  }
}

async function limitListeners(
  connectionString: string,
  project: ProjectRef,
  listeners: number,
): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    const quotas = JSON.stringify({ listeners });
    await client.query('UPDATE projects SET quotas = $2 WHERE ref = $1', [project, quotas]);
    const text = 'UPDATE log_heads SET listeners_max = $2 WHERE project = $1';
    await client.query(text, [project, listeners]);
  } finally {
    await client.end();
  }
}
