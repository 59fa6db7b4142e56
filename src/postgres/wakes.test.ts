/** Who tells whom that a log has grown, and how often: on a real database. */
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { long } from '../../test/support/long.ts';
import { quietLog as log } from '../../test/support/quiet-log.ts';
import {
  append,
  firstSeq,
  ofDefault,
  opened,
  sampleConnection,
} from '../../test/support/store-samples.ts';
import { makeDatabase } from '../../test/support/test-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { defaultProject, projectRef } from '../core/project.ts';
import { Database } from './database.ts';
import { PostgresStore } from './postgres-store.ts';
import { Wakes } from './wakes.ts';

const never = 1e8;

/** A database, and what is told on its channel. */
async function makeGround() {
  await using resources = new AsyncDisposableStack();
  const { url } = resources.use(await makeDatabase());
  const heard: string[] = [];
  const client = new Client({ connectionString: url });
  await client.connect();
  resources.defer(() => client.end());
  client.on('notification', ({ payload = '' }) => heard.push(payload));
  await client.query('LISTEN kodama_wake');
  const database = resources.use(
    new Database({
      ...{ connectionString: url, log },
      limits: {
        connectTimeoutMs: 5000,
        statementTimeoutMs: 10_000,
        readConnectionsMax: 2,
        keptPlansMax: 1,
        prismaConnectionsMax: 1,
      },
    }),
  );
  const open = async (nodeId: string, pollMs = never) => {
    const options = { connectionString: url, nodeId, log, limits: { pollMs } };
    const store = owned.use(await PostgresStore.open(options));
    return { store, node: await store.nodes.takeOwn() };
  };
  const isListening = async () => {
    const { rows } = await client.query(`SELECT FROM pg_stat_activity
      WHERE application_name = 'kodama listen' AND query LIKE 'LISTEN%' AND state = 'idle'`);
    return rows.length > 0;
  };
  const owned = resources.move();
  const dispose = { [Symbol.asyncDispose]: () => owned.disposeAsync() };
  return { client, database, heard, open, isListening, ...dispose };
}

test('many that grow in a moment are told at once, and very many as all', async () => {
  await using ground = await makeGround();
  const { database, heard } = ground;
  await using wakes = new Wakes({ database, log, pollMs: never, wakeMs: 5 });
  const looks: number[] = [];
  const end = wakes.on(defaultProject, (headSeq) => looks.push(headSeq));
  // It looks once it knows that it listens, which the server knows a moment before.
  await waitFor('its look at the start', () => looks.length > 0);
  for (const ref of [1, 2, 1, 3]) wakes.tell([projectRef(ref)]);
  await waitFor('the wake', () => heard.length > 0);
  expect(heard).toEqual(['log:1,2,3']);
  wakes.tell(Array.from({ length: 3000 }, (_, index) => projectRef(1000 + index)));
  await waitFor('the wake of all', () => heard.length > 1);
  expect(heard[1]).toBe('log:*');
  end();
});

test('who is alone tells nobody, and nobody hears what it told itself', long, async () => {
  await using ground = await makeGround();
  const a = await ground.open('node-a');
  const own: number[] = [];
  a.store.foreignAppends.on(defaultProject, (headSeq) => own.push(headSeq));
  await waitFor('its look at the start', () => own.length > 0);
  await a.node.append(append(1, [opened(sampleConnection())]));
  const b = await ground.open('node-b');
  // It is told after all that came before.
  await a.node.append(append(2, [opened(sampleConnection())]));
  await waitFor('the wake', () => ground.heard.length > 0);
  expect(ground.heard).toEqual(['log:1']);
  const theirs: number[] = [];
  b.store.foreignAppends.on(defaultProject, (headSeq) => theirs.push(headSeq));
  await waitFor('its look at the start', () => theirs.length > 0);
  expect(await b.node.append(append(1, [opened(sampleConnection())]))).toEqual(firstSeq(3));
  await waitFor('the wake by the other', () => own.includes(3));
  expect(own).not.toContain(2);
});

test('a wake that is lost costs the time until the next look', long, async () => {
  await using ground = await makeGround();
  const a = await ground.open('node-a');
  const b = await ground.open('node-b', 50);
  const heard: number[] = [];
  b.store.foreignAppends.on(defaultProject, (headSeq) => heard.push(headSeq));
  await waitFor('it to listen', ground.isListening);
  await ground.client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'kodama listen'`);
  await a.node.append(append(1, [opened(sampleConnection())]));
  await waitFor('the look', () => heard.includes(1));
  expect((await ofDefault(b.store).log.readBounds()).headSeq).toBe(1);
});
