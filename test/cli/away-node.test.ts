/** The command on listeners of a node that goes away: what drains is not told as closed, nor taken for it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { beginProgram, command } from '../support/command.ts';
import { addNode, FakeAgent, type Replica, startReplica, unswept } from '../support/replica.ts';
import { want } from '../support/rest-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { sharedApp, startApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const app = sharedApp({}, undefined, unswept);
const resources = new AsyncDisposableStack();
let client: Client;
let replica: Replica;
let path: string;
beforeAll(async () => {
  client = new Client({ connectionString: app.databaseUrl });
  await client.connect();
  resources.defer(() => client.end());
  replica = resources.use(await startReplica(app.databaseUrl, 'gateway'));
  path = join(resources.use(await temporaryFolder()).path, 'listeners.yaml');
});
// Before the database goes with the app.
afterAll(() => resources.disposeAsync());

/** A node of this name, and how it goes away. */
async function connectedNode(name: string) {
  const agent = new FakeAgent(await addNode(replica, (...asked) => client.query(...asked), name));
  await agent.connect(replica);
  return async () => {
    agent.cut();
    await client.query(`UPDATE nodes SET state = 'disconnected' WHERE id = $1`, [agent.nodeId]);
  };
}

const toBeClosed = 'is to be closed once its node is back: its name and port are taken until then';
const unready =
  'can not be made again yet: the node is away, or slow, and name and port are taken until it has closed them';

test('apply makes nothing where what is to be made again drains', async () => {
  const goAway = await connectedNode('apply-1');
  const placement = { node: 'apply-1' };
  const labels = { set: 'away' };
  for (const name of ['far', 'far-stale'])
    await want(201, app, 'POST', '/v1/listeners', { name, labels, placement });
  await want(201, app, 'POST', '/v1/listeners', { name: 'near', labels });
  await goAway();
  const wanted = ['far', 'near', 'fresh'].map((name) => ({ name, mode: 'info' }));
  await writeFile(path, JSON.stringify({ set: 'away', listeners: wanted }));
  const words = ['apply', '-f', path, '--recreate', '--prune', '--yes'];
  const { code, stderr } = await command(app, words);
  expect(code).toBe(1);
  expect(stderr.trim().split('\n').slice(4).toSorted()).toEqual([
    'closed, and made again as it was: near',
    `far ${toBeClosed}`,
    `far-stale ${toBeClosed}`,
    `kodama: unavailable: far: ${unready}`,
    expect.stringMatching(
      /^near is fixed to port \d+ and node \S+ from now on; it had asked for any$/,
    ),
  ]);
  await want(404, app, 'GET', '/v1/listeners/fresh');
  // A start with such a file leaves what is of another node, and makes what is new.
  await using _started = await startApp(
    { DATABASE_URL: app.databaseUrl, KODAMA_APPLY: path },
    undefined,
    unswept,
  );
  expect(await want(200, app, 'GET', '/v1/listeners/far')).toMatchObject({ state: 'draining' });
  for (const [name, mode] of Object.entries({ near: 'echo', fresh: 'info' })) {
    expect(await want(200, app, 'GET', `/v1/listeners/${name}`)).toMatchObject({ mode });
  }
});

test('apply closes nothing on a cordoned node, and what it makes again stays where it was', async () => {
  const goAway = await connectedNode('cordon-1');
  const { nodeId: builtIn } = await want(201, app, 'POST', '/v1/listeners', { name: 'at-home' });
  const cordon = async (node: string, cordoned: boolean) =>
    await want(200, app, 'PATCH', `/v1/nodes/${node}`, { cordoned });
  await cordon(builtIn, true);
  const made = await want(201, app, 'POST', '/v1/listeners', { name: 'afar' });
  expect(made).toMatchObject({ nodeName: 'cordon-1', placement: null });
  await writeFile(
    path,
    JSON.stringify({ listeners: ['at-home', 'afar'].map((name) => ({ name, mode: 'info' })) }),
  );
  const apply = async () => await command(app, ['apply', '-f', path, '--recreate']);
  const refused = await apply();
  expect(refused.code).toBe(1);
  expect(refused.stderr.trim().split('\n').slice(2)).toEqual([
    expect.stringMatching(
      /^kodama: failed_precondition: nothing was done: at-home can not be made again: node \S+ is cordoned$/,
    ),
  ]);
  for (const name of ['at-home', 'afar']) {
    expect(await want(200, app, 'GET', `/v1/listeners/${name}`)).toMatchObject({
      ...{ mode: 'echo', state: 'listening' },
    });
  }
  await cordon(builtIn, false);
  expect(await apply()).toMatchObject({ code: 0 });
  for (const [name, nodeId] of [
    ['at-home', builtIn],
    ['afar', made.nodeId],
  ]) {
    const is = await want(200, app, 'GET', `/v1/listeners/${name}`);
    expect(is).toMatchObject({ mode: 'info', nodeId, state: 'listening' });
  }
  await goAway();
});

test('listen does not claim to have closed what drains', async () => {
  const goAway = await connectedNode('listen-1');
  const words = ['listen', '--name', 'far-held', '--node', 'listen-1'];
  const { child, output, ended } = beginProgram(app, words);
  await waitFor('where it listens', () => output.stderr.includes('listening on'));
  await goAway();
  child.kill('SIGTERM');
  const { code, stderr } = await ended;
  const end = `far-held ${toBeClosed}; so far 0 connections, 0 bytes in, 0 out`;
  expect({ code, last: stderr.trim().split('\n').at(-1) }).toEqual({ code: 0, last: end });
});
