/** Labels are looked up among the newest generations of one project, whatever others hold. */
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import { scannedRows } from '../../test/support/scanned-rows.ts';
import {
  append,
  listenerEvent,
  ofDefault,
  sampleId,
  sampleListener,
} from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import type { Listener } from '../core/listener.ts';
import { projectRef } from '../core/project.ts';
import { labelledStatement } from './label-digests.ts';
import { PostgresStore } from './postgres-store.ts';
import { sessionSettings } from './session-settings.ts';

const labels = { env: 'ci' };
const listeners = 30;
const oldGenerations = 100_000;

test('a look-up by labels reads the own listeners that carry them, whatever another project has', async () => {
  await using ground = await makeDatabase();
  await using store = await PostgresStore.open({
    ...{ connectionString: ground.url, nodeId: 'node-a', log },
  });
  const node = await store.nodes.takeOwn();
  const client = new Client({ connectionString: ground.url });
  await client.connect();
  try {
    await client.query(`${sessionSettings};
      INSERT INTO projects (name, created_at, updated_at) VALUES ('other', 1, 1);
      INSERT INTO log_heads (project, listeners, seq, oldest_seq, max_time, marked_seq, bytes)
        SELECT ref, 0, 0, 1, 0, 0, 0 FROM projects WHERE name = 'other'`);
    const [row] = (await client.query("SELECT ref FROM projects WHERE name = 'other'")).rows;
    const project = projectRef(row.ref);
    const foreign = sampleListener({ project, labels, id: sampleId(7_000_000) });
    await node.append(append(1, [listenerEvent('listener_created', foreign)], { project }));
    await client.query(
      `INSERT INTO listener_specs SELECT listener_id, n, bytes, labels, limits, faults, tls, proxy_protocol
       FROM listener_specs, generate_series(2, $1) n`,
      [oldGenerations],
    );
    const next = { ...foreign, generation: oldGenerations + 1, revision: 2 };
    await node.append(append(2, [listenerEvent('listener_updated', next)], { project }));
    const own = Array.from({ length: listeners }, (_, n) =>
      sampleListener({
        labels: n % 3 === 0 ? { ...labels, tier: '1' } : {},
        id: sampleId(n * 1000),
      }),
    );
    await node.append(
      append(
        3,
        own.map((one) => listenerEvent('listener_created', one)),
      ),
    );
    // Each carries the labels of its newest generation.
    const [first, second] = own as [Listener, Listener];
    const changed = { generation: 2, revision: 2 };
    await node.append(
      append(4, [
        listenerEvent('listener_updated', { ...first, ...changed, labels: {} }),
        listenerEvent('listener_updated', { ...second, ...changed, labels }),
      ]),
    );
    const find = async (wanted: Listener['labels'], among: readonly string[] | null = null) =>
      (
        await ofDefault(store).listeners.findLabelledIds({ labels: wanted, among, limit: 100 })
      ).toSorted();
    const thirds = own.filter((_, n) => n > 0 && n % 3 === 0).map(({ id }) => id);
    expect(await find(labels)).toEqual([second.id, ...thirds].toSorted());
    expect(await find({ tier: '1' })).toEqual(thirds);
    expect(await find({ env: '1' })).toEqual([]);
    expect(await find(labels, [first.id, second.id, foreign.id])).toEqual([second.id]);
    expect(await find({ ...labels, tier: '1' })).toEqual(thirds);
    const statement = labelledStatement(first.project, { labels, among: null, limit: 100 });
    // Of all tables and indexes of listeners; a row that was changed may be met twice.
    expect(await scannedRows(client, 'listener', statement)).toBeLessThanOrEqual(2 * listeners);
  } finally {
    await client.end();
  }
});
