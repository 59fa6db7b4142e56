/** What callers see while the database hangs, is slow, or is held up by others. */
import { readdirSync, readFileSync } from 'node:fs';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { isAway, log, makeGround, unavailable } from '../../test/support/maltreated-server.ts';
import { keepingLogger, rejection, sampleLogLimits } from '../../test/support/samples.ts';
import {
  append,
  closed,
  firstSeq,
  listenerEvent,
  ofDefault,
  opened,
  sampleConnection,
  sampleListener,
} from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { everyEvent } from '../core/event-filter.ts';
import { EventLog } from '../core/event-log.ts';
import { defaultProject } from '../core/project.ts';
import { PostgresStore } from './postgres-store.ts';

/** The postmaster and all its children. */
function serverPids(postmaster: number | null): readonly number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: parentOf(name) }));
  return parents
    .filter(({ pid, parent }) => pid === postmaster || parent === postmaster)
    .map(({ pid }) => pid);
}

function parentOf(pid: string): number | null {
  const [, parent] = statOf(pid);
  return parent === undefined ? null : Number(parent);
}

/** Its state and what follows, by proc_pid_stat(5); empty where there is no such process. */
function statOf(pid: string): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

/** The postmaster first: once it has stopped it makes no more that would be missed. Resolves with all of them. */
async function hang(postmaster: number | null): Promise<readonly number[]> {
  if (postmaster !== null) {
    process.kill(postmaster, 'SIGSTOP');
    await waitFor('the postmaster to stop', () => statOf(`${postmaster}`)[0] === 'T');
  }
  const pids = serverPids(postmaster);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return pids;
}

test('a server that hangs is unavailable within a bound; what it did meanwhile is not done twice', async () => {
  const limits = { statementTimeoutMs: 300, connectTimeoutMs: 1500, pollMs: 20 };
  await using ground = await makeGround(limits);
  const { store, node, server } = ground;
  const end = store.foreignAppends.on(defaultProject, () => undefined);
  await node.append(append(1, [opened(sampleConnection())]));
  const pids = await hang(server.pid);
  try {
    const second = append(2, [opened(sampleConnection())]);
    await expect(node.append(second)).rejects.toMatchObject(unavailable);
    // By now on new connections, which get no answer either.
    const calls = [
      () => node.append(second),
      () => ofDefault(store).log.readBounds(),
      () => ofDefault(store).listeners.find('some'),
      () => ofDefault(store).listeners.list(allListeners, page),
    ];
    await Promise.all(calls.map((call) => expect(call()).rejects.toMatchObject(unavailable)));
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
  const second = append(2, [opened(sampleConnection())]);
  const done = await waitFor('the append', () => node.append(second).catch(isAway));
  expect(done).toEqual(firstSeq(2));
  expect((await ofDefault(store).log.readBounds()).headSeq).toBe(2);
  end();
});

test('an append that waits for a lock gives up within a bound, and has had no effect', async () => {
  await using database = await makeDatabase();
  const limits = { statementTimeoutMs: 200 };
  const options = { connectionString: database.url, nodeId: 'node-a', log, limits };
  await using store = await PostgresStore.open(options);
  const node = await store.nodes.takeOwn();
  const rival = new Client({ connectionString: database.url });
  await rival.connect();
  try {
    await rival.query('BEGIN; SELECT FROM log_heads FOR UPDATE');
    const first = append(1, [opened(sampleConnection())]);
    await expect(node.append(first)).rejects.toMatchObject(unavailable);
    await rival.query('COMMIT');
    expect((await ofDefault(store).log.readBounds()).headSeq).toBe(0);
    expect(await node.append(first)).toEqual(firstSeq(1));
  } finally {
    await rival.end();
  }
});

test('an append that is still on its way when it is settled is not done any more', async () => {
  await using database = await makeDatabase();
  const limits = { statementTimeoutMs: 60_000 };
  const options = { connectionString: database.url, nodeId: 'node-a', log };
  await using slow = await PostgresStore.open({ ...options, limits });
  const slowNode = await slow.nodes.takeOwn();
  const client = new Client({ connectionString: database.url });
  const rival = new Client({ connectionString: database.url });
  await Promise.all([client.connect(), rival.connect()]);
  try {
    await rival.query('BEGIN; SELECT FROM writers FOR UPDATE');
    const late = slowNode.append(append(1, [opened(sampleConnection())]));
    const refused = expect(late).rejects.toThrow('settled as not done');
    await waitFor('the append to wait', () => hasWaiters(database.url, 1));
    // As settle does it, by a connection that is not queued behind the append.
    await rival.query('UPDATE writers SET append_number = 1, first_seqs = NULL');
    await rival.query('COMMIT');
    await refused;
    expect((await ofDefault(slow).log.readBounds()).headSeq).toBe(0);
    expect(await slowNode.settle(1)).toBeNull();
  } finally {
    await Promise.all([client.end(), rival.end()]);
  }
});

test('what can not be written in time is told, is not done, and holds up nothing else', async () => {
  await using database = await makeDatabase();
  const limits = { statementTimeoutMs: 300 };
  const options = { connectionString: database.url, nodeId: 'node-a', log, limits };
  await using store = await PostgresStore.open(options);
  await slowDown(database.url, `NEW.name = 'slow'`);
  const lines = keepingLogger();
  const eventLog = await EventLog.open({
    store,
    writer: await store.nodes.takeOwn(),
    log: lines,
    limits: { ...sampleLogLimits, commandTimeoutMs: 100 },
    onFatal: (error) => expect.unreachable(String(error)),
  });
  const named = (name: string) =>
    listenerEvent(
      'listener_listening',
      sampleListener({ id: sampleConnection().id, revision: 0, name }),
    );
  const onLate = () => expect.unreachable('it was never done');
  const slow = rejection(eventLog.appendCommand([named('slow')], { onLate }));
  const records = [1, 2, 3].map(() => {
    const connection = sampleConnection();
    return eventLog.append([opened(connection), closed(connection)], { isDivisible: true });
  });
  expect(await slow).toMatchObject(unavailable);
  const seqs = (await Promise.all(records)).flat().map(({ seq }) => seq);
  expect(seqs).toEqual([1, 2, 3, 4, 5, 6]);
  await eventLog.appendCommand([named('quick')]);
  expect(await ofDefault(store).listeners.find('slow')).toBeNull();
  expect(await ofDefault(store).listeners.find('quick')).not.toBeNull();
  await eventLog.drain(AbortSignal.timeout(10_000));
});

test('a batch that takes too long together is done in parts', async () => {
  await using database = await makeDatabase();
  const limits = { statementTimeoutMs: 500 };
  const options = { connectionString: database.url, nodeId: 'node-a', log, limits };
  await using store = await PostgresStore.open(options);
  const client = new Client({ connectionString: database.url });
  await client.connect();
  // Each row takes its time: twenty of them take too much.
  await client.query(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END $$;
    CREATE TRIGGER slow BEFORE INSERT ON closed_connections FOR EACH ROW EXECUTE FUNCTION slow()`);
  await client.end();
  const onFatal = (error: unknown) => expect.unreachable(String(error));
  const eventLog = await EventLog.open({
    store,
    writer: await store.nodes.takeOwn(),
    log,
    limits: sampleLogLimits,
    onFatal,
  });
  const connections = Array.from({ length: 20 }, () => sampleConnection());
  const events = connections.flatMap((one) => [opened(one), closed(one)]);
  await eventLog.append(events, { isDivisible: true });
  const page = await ofDefault(store).log.read({
    afterSeq: 0,
    limit: 99,
    bytesMax: 1e9,
    filter: everyEvent,
  });
  expect(page.events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(page.events.map((event) => ({ ...event, seq: 0 }))).toEqual(
    events.map((event) => ({ ...event, seq: 0 })),
  );
  await eventLog.drain(AbortSignal.timeout(10_000));
}, 60_000);

test('while its rights are taken away the log waits, and then goes on with all that it has', async () => {
  await using database = await makeDatabase();
  const options = { connectionString: database.url, nodeId: 'node-a', log };
  await using store = await PostgresStore.open(options);
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(`CREATE FUNCTION deny() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE insufficient_privilege; END $$;
    CREATE TRIGGER deny BEFORE INSERT ON open_connections EXECUTE FUNCTION deny()`);
  const onFatal = (error: unknown) => expect.unreachable(String(error));
  const eventLog = await EventLog.open({
    store,
    writer: await store.nodes.takeOwn(),
    log,
    limits: sampleLogLimits,
    onFatal,
  });
  const commit = eventLog.append([opened(sampleConnection())], { isDivisible: true });
  await waitFor('the failure to show', () => eventLog.writers.failure !== null);
  await client.query('DROP TRIGGER deny ON open_connections');
  await client.end();
  expect(await commit).toMatchObject([{ seq: 1 }]);
  await eventLog.drain(AbortSignal.timeout(10_000));
});

/** Whoever inserts a listener of which the condition holds waits longer than any statement may. */
async function slowDown(connectionString: string, condition: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  await client.query(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
    CREATE TRIGGER slow BEFORE INSERT ON listeners FOR EACH ROW WHEN (${condition})
    EXECUTE FUNCTION slow()`);
  await client.end();
}

test('a process that was thought dead, and comes back in the middle of an append, has no effect', async () => {
  await using database = await makeDatabase();
  const options = { connectionString: database.url, nodeId: 'node-a', log };
  await using zombie = await PostgresStore.open(options);
  await using store = await PostgresStore.open(options);
  const zombieNode = await zombie.nodes.takeOwn();
  const rival = new Client({ connectionString: database.url });
  await rival.connect();
  try {
    await rival.query('BEGIN; SELECT FROM writers FOR UPDATE');
    const late = zombieNode.append(append(1, [opened(sampleConnection())]));
    const refused = expect(late).rejects.toMatchObject({ code: 'failed_precondition' });
    await waitFor('the append to wait', () => hasWaiters(database.url, 1));
    const taking = store.nodes.takeOwn();
    await waitFor('the other to wait', () => hasWaiters(database.url, 2));
    // Whichever of the two comes first: once the place is taken, the old process is out.
    await rival.query('UPDATE writers SET epoch = epoch + 1');
    await rival.query('COMMIT');
    const node = await taking;
    await refused;
    expect((await ofDefault(store).log.readBounds()).headSeq).toBe(0);
    expect(await node.append(append(1, [opened(sampleConnection())]))).toEqual(firstSeq(1));
  } finally {
    await rival.end();
  }
});

async function hasWaiters(connectionString: string, count: number): Promise<boolean> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query(`SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND datname = current_database()`);
    return rows[0].n >= count;
  } finally {
    await client.end();
  }
}

const page = { pageSize: 9, after: null, bytesMax: 1e9 };
const allListeners = { state: null, protocol: null, port: null, name: null, labels: {} };
