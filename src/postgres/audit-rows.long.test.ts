/** What a page of a large audit costs, under each filter: as many entries are looked at as it has, or little more. */
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { makeDatabase } from '../../test/support/test-database.ts';

/** Most are of one operation of one project; one in 10,000 is rare. */
const fill = `INSERT INTO audit_entries
  (id, time, count, project, project_name, actor_kind, operation, outcome)
  SELECT gen_random_uuid(), n, 1, 1 + n % 2, 'p', 'key',
    CASE WHEN n % 10000 < 2 THEN 'deleteProject' ELSE 'createListener' END,
    CASE WHEN n % 10000 < 2 THEN 'permission_denied' ELSE 'ok' END
  FROM generate_series(1, 100000) n`;

test('a rare operation or outcome of a project is found without a walk over all of its entries', async () => {
  await using database = await makeDatabase();
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(fill);
  await client.query('VACUUM (ANALYZE) audit_entries');
  // As every session of the store has it.
  await client.query('SET enable_seqscan = off');
  for (const condition of ["operation = 'deleteProject'", "outcome = 'permission_denied'"]) {
    const { rows } = await client.query(`EXPLAIN (ANALYZE, FORMAT JSON)
      SELECT * FROM audit_entries WHERE project = 2 AND ${condition} ORDER BY id DESC LIMIT 51`);
    const text = JSON.stringify(rows[0]['QUERY PLAN']);
    const removed = [...text.matchAll(/"Rows Removed by Filter":\s*(\d+)/g)].map(([, n]) =>
      Number(n),
    );
    expect(Math.max(0, ...removed), text).toBeLessThan(1000);
  }
  await client.end();
});
