/** What a project leaves behind goes in pieces, whatever one row of it has. */
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import {
  append,
  listenerEvent,
  sampleId,
  sampleListener,
} from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { projectRef } from '../core/project.ts';
import { PostgresStore } from './postgres-store.ts';

const limit = 10;

/** How many rows each statement deletes. */
const countSql = (table: string) => `CREATE TRIGGER count_deleted AFTER DELETE ON ${table}
  REFERENCING OLD TABLE AS old FOR EACH STATEMENT EXECUTE FUNCTION count_deleted()`;

test('a closed listener of many generations goes in pieces, and its project with it', async () => {
  await using ground = await makeDatabase();
  await using store = await PostgresStore.open({
    ...{ connectionString: ground.url, nodeId: 'node-a', log },
  });
  const node = await store.nodes.takeOwn();
  const client = new Client({ connectionString: ground.url });
  await client.connect();
  try {
    await client.query(`INSERT INTO projects (name, created_at, updated_at, state) VALUES ('gone', 1, 1, 'deleting');
      INSERT INTO log_heads (project, listeners, seq, oldest_seq, max_time, marked_seq, bytes)
        SELECT ref, 0, 0, 1, 0, 0, 0 FROM projects WHERE name = 'gone'`);
    const [row] = (await client.query("SELECT ref FROM projects WHERE name = 'gone'")).rows;
    const project = projectRef(row.ref);
    const many = sampleListener({ project, name: null, id: sampleId(1) });
    const one = sampleListener({ project, name: 'one', id: sampleId(2) });
    const kept = sampleListener({ name: 'kept', id: sampleId(3) });
    const made = [many, one].map((listener) => listenerEvent('listener_created', listener));
    const ended = [many, one].map((listener) => {
      const end = { revision: 2, state: 'closed', closedAt: 2 } as const;
      return listenerEvent('listener_closed', { ...listener, ...end });
    });
    await node.append(append(1, made, { project }));
    await node.append(append(2, ended, { project }));
    await node.append(append(3, [listenerEvent('listener_created', kept)]));
    await client.query(
      `INSERT INTO listener_specs SELECT listener_id, n, bytes, labels, limits, faults, tls, proxy_protocol
       FROM listener_specs, generate_series(2, $2) n WHERE listener_id = $1`,
      [many.id, 3 * limit],
    );
    await client.query(`CREATE TABLE deleted (rows integer);
      CREATE FUNCTION count_deleted() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO deleted SELECT count(*) FROM old; RETURN NULL; END'`);
    for (const table of ['listener_specs', 'listeners', 'listener_counts', 'events']) {
      await client.query(countSql(table));
    }
    const { removal } = store.tenancy;
    while (await removal.purge(project, limit));
    await removal.endLog(project);
    expect(await removal.purge(project, limit)).toBe(false);
    expect(await removal.remove(project)).toBe(true);
    const { rows } = await client.query('SELECT max(rows), sum(rows)::integer AS all FROM deleted');
    // The specs, the two listeners with their counts, and their events.
    expect(rows).toEqual([{ max: limit, all: 3 * limit + 1 + 2 + 2 + 4 }]);
    const left = await client.query('SELECT listener_id AS id FROM listener_specs');
    expect(left.rows).toEqual([{ id: kept.id }]);
  } finally {
    await client.end();
  }
});
