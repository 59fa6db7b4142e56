/** A purge of much beside appends and a follower, on a real database. */
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { keepingLogger } from '../../test/support/samples.ts';
import {
  append,
  closed,
  listenerEvent,
  opened,
  sampleConnection,
  sampleListener,
} from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { systemClock } from '../core/clock.ts';
import { everyEvent } from '../core/event-filter.ts';
import { EventLog } from '../core/event-log.ts';
import { follow } from '../core/follow.ts';
import { Retention } from '../core/retention.ts';
import { PostgresStore } from './postgres-store.ts';

const nothing = () => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** A log of an old listener that is closed, and one open connection of another, before so many others. */
const oldConnections = 100_000;

async function makeOldLog() {
  await using resources = new AsyncDisposableStack();
  const { url } = resources.use(await makeDatabase());
  const store = resources.use(
    await PostgresStore.open({ connectionString: url, nodeId: 'node-a', log }),
  );
  await store.takeNode();
  const listener = sampleListener();
  const gone = sampleListener({ laddr: { ip: '127.0.0.1', port: 40_001 } });
  const open = sampleConnection({ listenerId: listener.id });
  const ended = sampleConnection({ listenerId: gone.id });
  await store.append(
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
  await client.query('UPDATE log_head SET seq = seq + $1::bigint', [2 * oldConnections]);
  const all = resources.move();
  const parts = { store, client, listener, gone, open, ended };
  return { ...parts, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

const logLimits = {
  commitEventsMax: 1000,
  commitBytesMax: 1_000_000,
  ringEventsMax: 100,
  ringBytesMax: 1e9,
  pageEventsMax: 500,
  pageBytesMax: 1e9,
  commandsMax: 100,
  commandsBytesMax: 10_000_000,
  commandTimeoutMs: 30_000,
  retryMinMs: 10,
  retryMaxMs: 100,
};

test('200,000 events are purged while others are appended and followed, and what is open stays', async () => {
  await using old = await makeOldLog();
  const { store, client, listener } = old;
  const onFatal = (error: unknown) => {
    throw error;
  };
  const eventLog = await EventLog.open({ store, log, limits: logLimits, onFatal });
  const stop = new AbortController();
  const seen: number[] = [];
  const firstNew = eventLog.headSeq + 1;
  const following = (async () => {
    const request = { filter: everyEvent, endAtHead: false, heartbeatMs: 1000 };
    const start = { kind: 'after_seq', seq: firstNew - 1 } as const;
    const { signal } = stop;
    const world = { log: eventLog, store, pageEventsMax: 500 };
    for await (const item of follow({ ...request, ...world, start, signal })) {
      if (item.kind === 'events') seen.push(...item.events.map(({ seq }) => seq));
    }
  })();

  const take = { bodyHash: '', expiresBefore: 0, lostBefore: 0 };
  const limits = { keysMax: 10, answerBytesMax: 1000 };
  await store.takeIdempotencyKey({
    ...take,
    ...limits,
    key: 'old',
    seed: '01987c5e-3b1a-7c44-9f3e-5d1c2a7b8e90',
  });
  await using retention = new Retention({
    ...{ store, eventLog, clock: systemClock(), logger: log, idempotencyTtlMs: 1 },
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
  expect(appended).toBeGreaterThan(40);
  await waitFor('the follower', () => seen.length === appended);
  expect(seen).toEqual(Array.from({ length: appended }, (_, index) => firstNew + index));

  const bounds = { headSeq: firstNew - 1 + appended, oldestSeq: firstNew + appended - 1000 };
  expect(await store.readBounds()).toEqual(bounds);
  await expect(eventLog.read(1, 10)).rejects.toMatchObject({
    code: 'cursor_expired',
    details: { oldestSeq: bounds.oldestSeq },
  });
  const { rows } = await client.query(`SELECT count(*)::int AS kept, min(closed_seq)::int AS oldest
    FROM closed_connections`);
  expect(rows).toEqual([{ kept: 500, oldest: bounds.oldestSeq + 1 }]);
  expect(await store.findListener(old.gone.id)).toBeNull();
  expect(await store.findConnection(old.ended.id)).toBeNull();
  expect(await store.findConnection(old.open.id)).toEqual(old.open);
  expect(await store.findListener(listener.id)).toMatchObject({ state: 'listening' });
  stop.abort();
  await following;
  await eventLog.drain(AbortSignal.timeout(10_000));
}, 120_000);

test('a purge that is held up in the middle holds up neither appends nor readers', async () => {
  await using old = await makeOldLog();
  const { store, client, listener } = old;
  // What it is to delete is held by another transaction, and so is it.
  await client.query('BEGIN');
  await client.query('SELECT FROM closed_connections ORDER BY closed_seq LIMIT 1 FOR UPDATE');
  const purging = store.purge({
    before: 0,
    eventsMax: 1000,
    bytesMax: Number.MAX_SAFE_INTEGER,
    limit: 5000,
  });
  await waitFor('the purge to be held up', async () => {
    const { rows } = await client.query(`SELECT FROM pg_locks
      WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))`);
    return rows.length === 1;
  });

  const connection = sampleConnection({ listenerId: listener.id });
  const { firstSeq } = await store.append(append(2, [opened(connection)]));
  await store.append(append(3, [closed(connection)]));
  const read = { afterSeq: firstSeq - 1, limit: 10, bytesMax: 1e9, filter: everyEvent };
  const { events } = await store.readEvents(read);
  expect(events.map(({ seq }) => seq)).toEqual([firstSeq, firstSeq + 1]);
  expect(await store.findConnection(connection.id)).toMatchObject({ state: 'closed' });
  // Its bound holds already: what it is about to delete is read by nobody.
  expect((await store.readBounds()).oldestSeq).toBe(5001);

  await client.query('COMMIT');
  expect(await purging).toMatchObject({ oldestSeq: 5001, hasMore: true });
}, 60_000);

test.each(['listeners', 'log_marks'])(
  'a purge that is cut off at the %s is finished by the next, and leaves nothing behind',
  async (table) => {
    await using old = await makeOldLog();
    const { store, client } = old;
    const everything = Number.MAX_SAFE_INTEGER;
    const request = { before: 0, eventsMax: 2 * oldConnections, bytesMax: everything, limit: 5000 };
    // It is held up in the middle, and cut off there.
    await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    const purging = store.purge(request).catch((error: unknown) => error);
    await waitFor('the purge to be held up', async () => {
      const { rows } = await client.query(`SELECT pid FROM pg_locks
      WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))`);
      const [waiting] = rows;
      if (waiting === undefined) return false;
      await client.query('SELECT pg_terminate_backend($1)', [waiting.pid]);
      return true;
    });
    expect(await purging).toMatchObject({ code: 'unavailable' });
    await client.query('COMMIT');
    await store.purge({ ...request, eventsMax: 2 * oldConnections - 1 });
    expect(await store.findListener(old.gone.id)).toBeNull();
    const { rows } = await client.query(
      `SELECT
    (SELECT count(*)::int FROM listener_counts WHERE listener_id = $1) AS counts,
    (SELECT count(*)::int FROM events WHERE listener_id = $1) AS events`,
      [old.gone.id],
    );
    expect(rows).toEqual([{ counts: 0, events: 0 }]);
  },
  60_000,
);

test('a clock that is sixty days ahead erases nothing until a person says that it is right', async () => {
  await using ground = await makeDatabase();
  await using store = await PostgresStore.open({
    ...{ connectionString: ground.url, nodeId: 'node-a', log },
  });
  const logger = keepingLogger();
  const onFatal = (error: unknown) => expect.unreachable(String(error));
  const eventLog = await EventLog.open({ store, log: logger, limits: logLimits, onFatal });
  const look = async (confirmedTime: number | null) => {
    await using retention = new Retention({
      ...{ store, eventLog, logger, confirmedTime, ageMs: 30 * 86_400_000 },
      ...{ clock: systemClock(), idempotencyTtlMs: 86_400_000 },
      ...{ eventsMax: 1000, bytesMax: Number.MAX_SAFE_INTEGER },
      ...{ intervalMs: 3_600_000, purgeEventsMax: 5000 },
    });
    await retention.purge();
    return retention.state;
  };
  await eventLog.append([opened(sampleConnection())]);
  await look(null);
  const client = new Client({ connectionString: ground.url });
  await client.connect();
  const days = 60 * 86_400_000_000;
  await client.query(`UPDATE log_clock SET time = time - ${days}`);
  await client.query(`UPDATE log_ages SET time = time - ${days} WHERE seq > 0`);
  await client.end();
  expect((await look(null))?.clockAheadMs).toBeGreaterThan(59 * 86_400_000);
  expect(await store.readBounds()).toEqual({ headSeq: 1, oldestSeq: 1 });
  expect(logger.lines).toMatchObject([{ level: 'warn' }]);
  expect((await look(Number.MAX_SAFE_INTEGER))?.clockAheadMs).toBe(0);
  expect(await store.readBounds()).toEqual({ headSeq: 1, oldestSeq: 2 });
  await eventLog.drain(AbortSignal.timeout(10_000));
});
