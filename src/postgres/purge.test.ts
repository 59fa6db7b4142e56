/** A purge beside appends and a follower, cut off in the middle, and by a wrong clock: on a real database. */

import { Client } from 'pg';
import { expect, test } from 'vitest';
import { long } from '../../test/support/long.ts';
import {
  assertPurgeBesideAppends,
  makeOldLog,
  purgeLogLimits,
} from '../../test/support/old-log.ts';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import { keepingLogger } from '../../test/support/samples.ts';
import {
  append,
  closed,
  ofDefault,
  opened,
  sampleConnection,
} from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { systemClock } from '../core/clock.ts';
import { everyEvent } from '../core/event-filter.ts';
import { EventLog } from '../core/event-log.ts';
import { defaultProject } from '../core/project.ts';
import { noTerms } from '../core/quotas.ts';
import { Retention } from '../core/retention.ts';
import { PostgresStore } from './postgres-store.ts';

const oldConnections = 5000;

test(
  'events are purged while others are appended and followed, and what is open stays',
  long,
  async () => {
    await assertPurgeBesideAppends(oldConnections, 0);
  },
);

test(
  'a purge that is held up in the middle holds up neither appends nor readers',
  long,
  async () => {
    await using old = await makeOldLog(oldConnections);
    const { store, node, client, listener } = old;
    // What it is to delete is held by another transaction, and so is it.
    await client.query('BEGIN');
    await client.query('SELECT FROM closed_connections ORDER BY closed_seq LIMIT 1 FOR UPDATE');
    const purging = ofDefault(store).keeping.purge({
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
    const [seq = 0] = (await node.append(append(2, [opened(connection)]))).values();
    await node.append(append(3, [closed(connection)]));
    const read = { afterSeq: seq - 1, limit: 10, bytesMax: 1e9, filter: everyEvent };
    const { events } = await ofDefault(store).log.read(read);
    expect(events.map((event) => event.seq)).toEqual([seq, seq + 1]);
    expect(await ofDefault(store).connections.find(connection.id)).toMatchObject({
      state: 'closed',
    });
    // Its bound holds already: what it is about to delete is read by nobody.
    expect((await ofDefault(store).log.readBounds()).oldestSeq).toBe(5001);

    await client.query('COMMIT');
    expect(await purging).toMatchObject({ oldestSeq: 5001, hasMore: true });
  },
);

test.each([
  ['listeners', 'the same'],
  ['log_marks', 'the same'],
  ['listeners', 'another'],
  ['log_marks', 'another'],
])(
  'a purge that is cut off at the %s is finished by the next of %s process, though nothing is due, and leaves nothing',
  long,
  async (table, process) => {
    await using old = await makeOldLog(oldConnections);
    const { store, client } = old;
    const everything = Number.MAX_SAFE_INTEGER;
    const request = { before: 0, eventsMax: 2 * oldConnections, bytesMax: everything, limit: 5000 };
    // It is held up in the middle, and cut off there.
    await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    const purging = ofDefault(store)
      .keeping.purge(request)
      .catch((error: unknown) => error);
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
    const options = { connectionString: old.url, nodeId: 'node-b', log };
    await using other = await PostgresStore.open(options);
    const bounds = await ofDefault(store).log.readBounds();
    const next = ofDefault(process === 'another' ? other : store).keeping;
    const due = { ...request, eventsMax: bounds.headSeq - bounds.oldestSeq + 1 };
    expect(await next.purge(due)).toEqual({ ...bounds, hasMore: false });
    expect(await ofDefault(store).listeners.find(old.gone.id)).toBeNull();
    const { rows } = await client.query(
      `SELECT
    (SELECT count(*)::int FROM listener_counts WHERE listener_id = $1) AS counts,
    (SELECT count(*)::int FROM events WHERE listener_id = $1) AS events,
    (SELECT count(*)::int FROM closed_connections WHERE closed_seq < $2) AS connections`,
      [old.gone.id, bounds.oldestSeq],
    );
    expect(rows).toEqual([{ counts: 0, events: 0, connections: 0 }]);
  },
);

test(
  'a clock that is sixty days ahead erases nothing until a person says that it is right',
  long,
  async () => {
    await using ground = await makeDatabase();
    await using store = await PostgresStore.open({
      ...{ connectionString: ground.url, nodeId: 'node-a', log },
    });
    const logger = keepingLogger();
    const onFatal = (error: unknown) => expect.unreachable(String(error));
    const eventLog = await EventLog.open({
      store,
      writer: await store.nodes.takeOwn(),
      log: logger,
      limits: purgeLogLimits,
      onFatal,
    });
    const look = async (confirmedTime: number | null) => {
      await using retention = new Retention({
        projects: { termsOf: () => noTerms },
        audit: { purge: async () => undefined },
        ...{ store, eventLog, logger, confirmedTime, ageMs: 30 * 86_400_000 },
        ...{ clock: systemClock(), idempotencyTtlMs: 86_400_000 },
        ...{ eventsMax: 1000, bytesMax: Number.MAX_SAFE_INTEGER },
        ...{ intervalMs: 3_600_000, purgeEventsMax: 5000 },
      });
      await retention.purge();
      return retention.stateOf(defaultProject);
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
    expect(await ofDefault(store).log.readBounds()).toEqual({ headSeq: 1, oldestSeq: 1 });
    expect(logger.lines).toMatchObject([{ level: 'warn' }]);
    // Each looks twice at once: one of the two may see the other's time, a moment ahead of its own.
    await waitFor('the clock to be right', async () => {
      const state = await look(Number.MAX_SAFE_INTEGER);
      return state?.clockAheadMs === 0;
    });
    expect(await ofDefault(store).log.readBounds()).toEqual({ headSeq: 1, oldestSeq: 2 });
    await eventLog.drain(AbortSignal.timeout(10_000));
  },
);
