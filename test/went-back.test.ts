/** A database that goes back while kodama runs, as at a failover to a standby that lacked commits. */
import { Client } from 'pg';
import { expect, inject, test } from 'vitest';
import { defaultProject } from '../src/core/project.ts';
import { PostgresStore } from '../src/postgres/postgres-store.ts';
import { long } from './support/long.ts';
import { quietLog as log } from './support/quiet-log.ts';
import { call, want } from './support/rest-client.ts';
import { append, ofDefault, opened, sampleConnection } from './support/store-samples.ts';
import { makeHome, startApp, startProcess } from './support/test-app.ts';
import { copyDatabase, makeDatabase, withDatabase } from './support/test-database.ts';
import { waitFor } from './support/wait-for.ts';

const nameOf = (url: string) => /\/([^/?]+)(?:\?|$)/.exec(url)?.[1] ?? '';

/** In the place of the one database, whoever is connected to it, there is the other from now on. */
async function putBack(url: string, backup: string): Promise<void> {
  const server = withDatabase(inject('postgresUrl'), 'postgres');
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(`DROP DATABASE ${nameOf(url)} WITH (FORCE)`);
    await client.query(`ALTER DATABASE ${nameOf(backup)} RENAME TO ${nameOf(url)}`);
  } finally {
    await client.end();
  }
}

test('what was committed and is not there any more ends every place, and gives the logs new ids', async () => {
  await using database = await makeDatabase();
  const { url: connectionString } = database;
  const displaced: unknown[] = [];
  const open = async (nodeId: string, stack: AsyncDisposableStack) => {
    const onDisplaced = (error: unknown) => displaced.push([nodeId, String(error)]);
    const options = { connectionString, nodeId, log, onDisplaced };
    const store = stack.use(await PostgresStore.open(options));
    const node = await store.nodes.takeOwn();
    // As a whole kodama does, which hears of the others from then on.
    stack.defer(store.foreignAppends.on(defaultProject, () => undefined));
    return { store, node };
  };
  {
    await using first = new AsyncDisposableStack();
    await open('node-a', first);
    await open('node-b', first);
  }
  const backup = await copyDatabase(connectionString);
  await using stack = new AsyncDisposableStack();
  const [a, b] = [await open('node-a', stack), await open('node-b', stack)];
  await b.node.append(append(1, [opened(sampleConnection())]));
  for (const number of [1, 2, 3]) await a.node.append(append(number, [opened(sampleConnection())]));
  const before = await ofDefault(a.store).log.readId();
  await putBack(connectionString, backup.url);
  await waitFor('the ends of both', () => displaced.length > 1);
  expect(displaced).toEqual(
    expect.arrayContaining([
      [expect.stringMatching(/^node-[ab]$/), expect.stringMatching(/lacks what was committed/)],
      [expect.stringMatching(/^node-[ab]$/), expect.stringMatching(/taken the place|lacks what/)],
    ]),
  );
  expect(await ofDefault(a.store).log.readId()).not.toBe(before);
  for (const { node } of [a, b]) {
    await expect(node.append(append(4, []))).rejects.toMatchObject({ code: 'failed_precondition' });
  }
});

test('an append whose number does not follow on what is there names the loss', async () => {
  await using database = await makeDatabase();
  const { url: connectionString } = database;
  await using store = await PostgresStore.open({ connectionString, nodeId: 'node-a', log });
  const node = await store.nodes.takeOwn();
  for (const number of [1, 2, 3]) await node.append(append(number, [opened(sampleConnection())]));
  const before = await ofDefault(store).log.readId();
  const client = new Client({ connectionString });
  await client.connect();
  await client.query('UPDATE writers SET append_number = 1');
  await client.query('UPDATE log_heads SET seq = 1');
  await client.end();
  await expect(node.append(append(4, [opened(sampleConnection())]))).rejects.toMatchObject({
    code: 'failed_precondition',
    message: expect.stringMatching(/lacks what was committed/),
  });
  expect(await ofDefault(store).log.readId()).not.toBe(before);
});

test(
  'a kodama whose database goes back ends, and its next start refuses the cursors of before',
  long,
  async () => {
    await using home = await makeHome();
    const { DATABASE_URL: url = '' } = home.environment;
    {
      await using app = await startApp({}, home);
      await want(201, app, 'POST', '/v1/listeners', { name: 'kept' });
    }
    const backup = await copyDatabase(url);
    await using kodama = await startProcess(home);
    for (const name of ['lost-1', 'lost-2'])
      await want(201, kodama, 'POST', '/v1/listeners', { name });
    const { log: before, headSeq } = await want(200, kodama, 'GET', '/v1/status');
    await putBack(url, backup.url);
    expect(await kodama.exited).toBe(1);
    expect(kodama.lines.join('\n')).toMatch(/lacks what was committed/);
    await using app = await startApp({}, home);
    const { log: now } = await want(200, app, 'GET', '/v1/status');
    expect(now).not.toBe(before);
    const refused = await call(app, 'GET', `/v1/events?afterSeq=${headSeq}&log=${before}`);
    expect(refused).toMatchObject({ status: 410, body: { why: 'log_changed', log: now } });
    const { state } = await want(200, app, 'GET', '/v1/listeners/kept');
    expect(state).toBe('listening');
  },
);

test('a place that another process took is told at once, and locks nobody else’s', async () => {
  await using database = await makeDatabase();
  const { url: connectionString } = database;
  await using stack = new AsyncDisposableStack();
  const open = async (nodeId: string) => {
    const store = stack.use(await PostgresStore.open({ connectionString, nodeId, log }));
    return await store.nodes.takeOwn();
  };
  const [, lost] = [await open('node-a'), await open('node-b')];
  const client = new Client({ connectionString });
  await client.connect();
  stack.defer(() => client.end());
  await client.query(`UPDATE writers SET epoch = epoch + 1 WHERE id = 'node-b'`);
  // As a slow append of that node does.
  await client.query(`BEGIN; SELECT FROM writers WHERE id = 'node-a' FOR UPDATE`);
  await expect(lost.append(append(1, [opened(sampleConnection())]))).rejects.toMatchObject({
    message: expect.stringContaining('taken the place of node node-b'),
  });
  await client.query('COMMIT');
});
