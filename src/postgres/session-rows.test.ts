/** What a look at the nodes costs where there are many, with many listeners. */
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import { scannedRows } from '../../test/support/scanned-rows.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { defaultProject } from '../core/project.ts';
import { PostgresStore } from './postgres-store.ts';
import { loadsStatement } from './session-rows.ts';
import { sessionSettings } from './session-settings.ts';

const nodes = 100;
const listenersOfEach = 50;

test('a listener is placed with one look at the listeners of each node that fits', async () => {
  await using ground = await makeDatabase();
  await using store = await PostgresStore.open({
    ...{ connectionString: ground.url, nodeId: 'node-a', log },
  });
  const { sessions } = store.fleet;
  const client = new Client({ connectionString: ground.url });
  await client.connect();
  try {
    await client.query(`${sessionSettings};
      INSERT INTO nodes (created_at, ref, project, is_built_in, shared, id, name, state)
        SELECT 1, 1000 + n, 1, false, n = 1, 'id-' || n, 'name-' || n,
          CASE WHEN n % 10 = 0 THEN 'lost' ELSE 'ready' END::node_state
        FROM generate_series(1, ${nodes}) n;
      INSERT INTO listeners (id, node, protocol, host, port, mode, state, recording, sockets, created_at, updated_at,
          generation, spec_bytes, project, revision)
        SELECT gen_random_uuid(), 1001 + n % ${nodes}, 'tcp', '127.0.0.1', 0, 'echo',
          CASE WHEN n < 1000 THEN 'closed' ELSE 'listening' END::listener_state, 'batched', '[]', 1, 1, 1, 1, 1 + n % 2, 1
        FROM generate_series(0, ${1000 + nodes * listenersOfEach - 1}) n`);
    const placeable = await sessions.placeable(defaultProject);
    expect(placeable).toHaveLength(nodes);
    expect(placeable[0]).toEqual({
      ...{ id: 'id-1', name: 'name-1', labels: {}, isOwn: true, isReady: true, cordoned: false },
    });
    const ids = placeable.filter(({ isReady }) => isReady).map(({ id }) => id);
    expect(ids).toHaveLength(nodes * 0.9);
    const loads = await sessions.loads(defaultProject, ids);
    expect([...loads]).toEqual(ids.map((id) => [id, listenersOfEach]));
    const statement = loadsStatement(defaultProject, ids);
    expect(await scannedRows(client, 'listeners', statement)).toBe(ids.length * listenersOfEach);
    const one = loadsStatement(defaultProject, ['id-7']);
    expect(await scannedRows(client, 'listeners', one)).toBe(listenersOfEach);
  } finally {
    await client.end();
  }
});
