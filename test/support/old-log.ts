/** A purge of much beside appends and a follower, on a real database. */
import { Client } from 'pg';
import { expect } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { everyEvent } from '../../src/core/event-filter.ts';
import { EventLog } from '../../src/core/event-log.ts';
import { follow } from '../../src/core/follow.ts';
import { noTerms } from '../../src/core/quotas.ts';
import { Retention } from '../../src/core/retention.ts';
import { PostgresStore } from '../../src/postgres/postgres-store.ts';
import { quietLog as log } from './quiet-log.ts';
import {
  append,
  closed,
  listenerEvent,
  ofDefault,
  opened,
  sampleConnection,
  sampleListener,
} from './store-samples.ts';
import { makeDatabase } from './test-database.ts';
import { waitFor } from './wait-for.ts';

/** A log of an old listener that is closed, and one open connection of another, before so many others. */
export async function makeOldLog(oldConnections: number) {
  await using resources = new AsyncDisposableStack();
  const { url } = resources.use(await makeDatabase());
  const store = resources.use(
    await PostgresStore.open({ connectionString: url, nodeId: 'node-a', log }),
  );
  const node = await store.nodes.takeOwn();
  const listener = sampleListener();
  const gone = sampleListener({ laddr: { ip: '127.0.0.1', port: 40_001 } });
  const open = sampleConnection({ listenerId: listener.id });
  const ended = sampleConnection({ listenerId: gone.id });
  await node.append(
    append(1, [
      listenerEvent('listener_listening', listener),
      listenerEvent('listener_listening', gone),
      opened(open),
      opened(ended),
      closed(ended),
      listenerEvent('listener_closed', { ...gone, state: 'closed' }),
    ]),
  );
  const client = new Client({ connectionString: url });
  await client.connect();
  resources.defer(() => client.end());
  await client.query(`INSERT INTO closed_connections SELECT r.* FROM closed_connections c,
    generate_series(1, ${oldConnections}) n, LATERAL jsonb_populate_record(c, jsonb_build_object(
      'id', '${ended.id.slice(0, 24)}' || lpad(n::text, 12, '0'), 'listener_id', '${listener.id}',
      'opened_seq', 5 + 2 * n, 'closed_seq', 6 + 2 * n)) r`);
  await client.query('UPDATE log_heads SET seq = seq + $1::bigint', [2 * oldConnections]);
  const all = resources.move();
  const parts = { url, store, node, client, listener, gone, open, ended };
  return { ...parts, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

export const purgeLogLimits = {
  commitEventsMax: 1000,
  commitBytesMax: 1_000_000,
  commitProjectsMax: 10,
  gatherMs: 0,
  gatherEventsMax: 500,
  ringEventsMax: 100,
  ringBytesMax: 1e9,
  logsMax: 10,
  pageEventsMax: 500,
  pageBytesMax: 1e9,
  commandsMax: 100,
  commandsBytesMax: 10_000_000,
  commandTimeoutMs: 30_000,
  retryMinMs: 10,
  retryMaxMs: 100,
};

/** `appendedMin` events at least are appended while the old ones are purged. */
export async function assertPurgeBesideAppends(
  oldConnections: number,
  appendedMin: number,
): Promise<void> {
  await using old = await makeOldLog(oldConnections);
  const { store, client, listener } = old;
  const onFatal = (error: unknown) => {
    throw error;
  };
  const eventLog = await EventLog.open({
    store,
    writer: await store.nodes.takeOwn(),
    log,
    limits: purgeLogLimits,
    onFatal,
  });
  const stop = new AbortController();
  const seen: number[] = [];
  const firstNew = eventLog.headSeq + 1;
  const following = (async () => {
    const request = { filter: everyEvent, endAtHead: false, heartbeatMs: 1000 };
    const start = { kind: 'after_seq', seq: firstNew - 1 } as const;
    const { signal } = stop;
    const world = { log: eventLog, store: ofDefault(store), pageEventsMax: 500 };
    for await (const item of follow({ ...request, ...world, start, signal })) {
      if (item.kind === 'events') seen.push(...item.events.map(({ seq }) => seq));
    }
  })();

  const take = { bodyHash: '', expiresBefore: 0, lostBefore: 0 };
  const limits = { keysMax: 10, answerBytesMax: 1000 };
  await ofDefault(store).idempotencyKeys.take({
    ...take,
    ...limits,
    key: 'old',
    seed: '01987c5e-3b1a-7c44-9f3e-5d1c2a7b8e90',
  });
  await using retention = new Retention({
    audit: { purge: async () => undefined },
    ...{ store, eventLog, clock: systemClock(), logger: log, idempotencyTtlMs: 1 },
    projects: { termsOf: () => noTerms },
    confirmedTime: null,
    ...{ ageMs: 3_650 * 86_400_000, eventsMax: 1000, bytesMax: Number.MAX_SAFE_INTEGER },
    ...{ intervalMs: 3_600_000, purgeEventsMax: 5000 },
  });
  let appended = 0;
  const isPurged = () => eventLog.oldestSeq >= firstNew - 1000;
  while (!isPurged() || appended === 0) {
    const connection = sampleConnection({ listenerId: listener.id });
    await eventLog.append([opened(connection), closed(connection)]);
    appended += 2;
  }
  await retention.purge();
  // Nobody had to take another key for it.
  const keys = await client.query('TABLE idempotency_keys');
  expect(keys.rows).toEqual([]);
  expect(appended).toBeGreaterThan(appendedMin);
  await waitFor('the follower', () => seen.length === appended);
  expect(seen).toEqual(Array.from({ length: appended }, (_, index) => firstNew + index));

  const bounds = { headSeq: firstNew - 1 + appended, oldestSeq: firstNew + appended - 1000 };
  expect(await ofDefault(store).log.readBounds()).toEqual(bounds);
  await expect(eventLog.read(1, 10)).rejects.toMatchObject({
    code: 'cursor_expired',
    details: { oldestSeq: bounds.oldestSeq },
  });
  // The purge that runs by itself may have moved the bound, and not be done with what lies below it.
  await waitFor('the connections below it to be gone', async () => {
    const { rows } =
      await client.query(`SELECT count(*)::int AS kept, min(closed_seq)::int AS oldest
      FROM closed_connections`);
    return rows[0].kept === 500 && rows[0].oldest === bounds.oldestSeq + 1;
  });
  expect(await ofDefault(store).listeners.find(old.gone.id)).toBeNull();
  expect(await ofDefault(store).connections.find(old.ended.id)).toBeNull();
  expect(await ofDefault(store).connections.find(old.open.id)).toEqual(old.open);
  expect(await ofDefault(store).listeners.find(listener.id)).toMatchObject({ state: 'listening' });
  stop.abort();
  await following;
  await eventLog.drain(AbortSignal.timeout(10_000));
}
