/** What a connection costs whose server lets it in, and says nothing more. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { long } from '../../test/support/long.ts';
import { unavailable } from '../../test/support/maltreated-server.ts';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import { startSilentServer } from '../../test/support/store-proxy.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { Database } from './database.ts';
import { Wakes } from './wakes.ts';

const statement = { text: 'SELECT 1' };
const answer = [[1]];

/** One connection for each use: whoever keeps it keeps it from all. */
async function makeGround(statementTimeoutMs = 10_000) {
  await using resources = new AsyncDisposableStack();
  const { url } = resources.use(await makeDatabase());
  const server = resources.use(await startSilentServer(url));
  const limits = {
    connectTimeoutMs: 200,
    statementTimeoutMs,
    readConnectionsMax: 1,
    keptPlansMax: 1,
    prismaConnectionsMax: 1,
  };
  const database = resources.use(new Database({ connectionString: server.url, log, limits }));
  const owned = resources.move();
  return { server, database, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

test('a connection that is let in and hears no more is given up, and its place is free at once', async () => {
  await using ground = await makeGround();
  const { server, database } = ground;
  const uses = [
    () => database.append(statement),
    () => database.queryAsWriter(statement),
    () => database.query(statement),
    () => database.query({ ...statement, isPlannedOnce: true }),
  ];
  server.state.isSilent = true;
  for (const use of uses) await expect(use()).rejects.toMatchObject(unavailable);
  await expect(database.prismaPool.query(statement)).rejects.toThrow('Query read timeout');
  await expect(database.patientWriter()).rejects.toThrow('Query read timeout');
  server.state.isSilent = false;
  for (const use of uses) expect(await use()).toEqual(answer);
  expect((await database.prismaPool.query(statement)).rowCount).toBe(1);
});

test('a server that falls silent ends neither the beginning nor the end of patient work without a bound', async () => {
  await using ground = await makeGround();
  const { server, database } = ground;
  expect(await database.append(statement)).toEqual(answer);
  server.state.isSilent = true;
  await expect(database.patientWriter()).rejects.toThrow('Query read timeout');
  server.state.isSilent = false;
  const work = await database.patientWriter();
  expect((await work.client.query(statement)).rowCount).toBe(1);
  server.state.isSilent = true;
  await work[Symbol.asyncDispose]();
  server.state.isSilent = false;
  expect(await database.append(statement)).toEqual(answer);
});

test('a host that is gone while it is waited for is asked for within seconds', async () => {
  await using ground = await makeGround();
  const { server, database } = ground;
  await using own = await database.ownClient('kodama test');
  await own.client.query(statement);
  const port = server.port.toString(16).toUpperCase().padStart(4, '0');
  // proc_net_tcp: of a connection that is up (01) the kind of its timer, 2 for keep-alive, and when in 1/100 s.
  const line = new RegExp(`:${port} 01 \\S+ 02:(\\w+)`);
  const due = () => line.exec(readFileSync('/proc/net/tcp', 'utf8'))?.[1];
  expect(Number.parseInt(await waitFor('its timer', due), 16)).toBeLessThanOrEqual(1000);
});

test(
  'who can not tell the others of a wake listens and tells on another connection',
  long,
  async () => {
    await using ground = await makeGround(100);
    const { server, database } = ground;
    await using wakes = new Wakes({ database, log, pollMs: 10, wakeMs: 5 });
    let changes = 0;
    wakes.onChange(() => {
      changes += 1;
    });
    // Each time that it begins to listen it looks for what was missed.
    await waitFor('it to listen', () => changes === 1);
    server.state.isSilent = true;
    wakes.tellChange();
    expect(changes).toBe(2);
    await waitFor('what it tells to be lost', () => server.state.unheard > 0);
    server.state.isSilent = false;
    await waitFor('it to listen again', () => changes === 3);
  },
);
