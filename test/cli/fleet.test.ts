/** The command on nodes and join tokens. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import {
  beginProgram,
  type CommandEnd,
  command,
  jsonLines,
  runProgram,
} from '../support/command.ts';
import { joinedNode } from '../support/joined-node.ts';
import { long } from '../support/long.ts';
import { want } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const token = 'the-operators-own-token';
const app = sharedApp({ KODAMA_API_TOKEN: token });
const headers = { authorization: `Bearer ${token}` };

async function kodama(words: string, key = token): Promise<CommandEnd> {
  return await command(app, words.split(' '), { environment: { KODAMA_API_TOKEN: key } });
}

test('a join token is made, listed and revoked, and its secret is shown once', long, async () => {
  const made = await kodama('join-token create --ttl 2h --uses 2 -l site=dmz');
  expect(made.code).toBe(0);
  const [, secret] = /^export KODAMA_JOIN_TOKEN=(kodamajoin_\w{33})\n/.exec(made.stdout) ?? [];
  expect(made.stdout).toBe(`export KODAMA_JOIN_TOKEN=${secret}\nkodama agent --join URL\n`);
  expect(made.stderr).toContain('2 nodes, within 2h');
  expect(made.stderr).toContain('KODAMA_GATEWAY_PORT');
  await joinedNode(app.databaseUrl, secret ?? '', 'cli-1');
  const [shown] = jsonLines((await kodama('join-tokens -o json')).stdout);
  expect(shown).toMatchObject({ uses: 2, used: 1, labels: { site: 'dmz' }, shared: false });
  const table = await kodama('join-tokens');
  expect(table.stdout).toContain(`${shown.id}  ${shown.hint}  good    1/2`);
  expect(table.stdout).not.toContain(secret);
  expect(await kodama(`join-tokens delete ${shown.id}`)).toMatchObject({ code: 0, stdout: '' });
  expect((await kodama('join-tokens')).stdout).toMatch(/ revoked +1\/2 /);
  const quiet = await kodama('join-tokens create --shared -q');
  expect(quiet).toMatchObject({ code: 0, stderr: '' });
  expect(quiet.stdout).toMatch(/^kodamajoin_\w{33}\n$/);
  const wrong = await kodama('join-tokens create --uses 101');
  expect(wrong).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('uses') });
});

test('a node is shown, cordoned, changed and removed', async () => {
  const { secret } = await want(201, app, 'POST', '/v1/join-tokens', {}, headers);
  const { nodeId } = await joinedNode(app.databaseUrl, secret, 'cli-2');
  const listed = await kodama('nodes');
  expect(listed.stdout).toMatch(/^NAME +STATE +KIND +LISTENERS +OPEN +LAST SEEN +LABELS\n/);
  expect(listed.stdout).toMatch(/^\S+ +ready +built in +0 +0 /m);
  expect(listed.stdout).toMatch(/^cli-2 +pending +own +0 +0 /m);
  const node = await want(200, app, 'GET', '/v1/nodes/cli-2', undefined, headers);
  expect(jsonLines((await kodama('nodes get cli-2 -o json')).stdout)).toEqual([node]);
  expect((await kodama('nodes get cli-2')).stdout).toContain(nodeId);
  expect((await kodama('nodes cordon cli-2')).stdout).toContain('pending, cordoned');
  expect((await kodama('nodes uncordon cli-2')).stdout).not.toContain('cordoned');
  const set = await kodama('nodes set cli-2 -l site=dmz -l rack=7 --lost-after 10m -o json');
  const labels = { site: 'dmz', rack: '7' };
  expect(jsonLines(set.stdout)).toMatchObject([{ labels, lostAfterMs: 600_000 }]);
  const found = await kodama('nodes -l rack=7 -o json');
  expect(jsonLines(found.stdout).map(({ name }) => name)).toEqual(['cli-2']);
  const changed = await kodama('nodes set cli-2 -l site- -l rack=8 -l row=2 -o json');
  expect(jsonLines(changed.stdout)).toMatchObject([{ labels: { rack: '8', row: '2' } }]);
  const replaced = await kodama('nodes set cli-2 --no-labels -l rack=9 -o json');
  expect(jsonLines(replaced.stdout)[0].labels).toEqual({ rack: '9' });
  expect(await kodama('nodes -l rack-')).toMatchObject({ code: 2, stdout: '' });
  const bare = await kodama('nodes set cli-2 --no-labels -o json');
  expect(jsonLines(bare.stdout)).toMatchObject([{ labels: {}, lostAfterMs: 600_000 }]);
  expect(await kodama('nodes set cli-2')).toMatchObject({ code: 2, stdout: '' });
  const renamed = await kodama('nodes set cli-2 --name other');
  expect(renamed).toMatchObject({ code: 2, stderr: expect.stringContaining('after creation') });
  // Nobody can be asked here.
  expect(await kodama('nodes delete cli-2')).toMatchObject({ code: 2, stdout: '' });
  expect(await kodama('nodes delete cli-2 --yes')).toMatchObject({ code: 0, stdout: '' });
  expect(await kodama('nodes get cli-2')).toMatchObject({ code: 1, stdout: '' });
  expect((await kodama('nodes --state removed')).stdout).toMatch(/^cli-2 +removed /m);
  const joins = await kodama('audit --actor cli-2 -o json');
  expect(jsonLines(joins.stdout)).toMatchObject([{ operation: 'join', actor: { kind: 'node' } }]);
});

test('a listener is made on a node that is named, or selected', async () => {
  const [{ name }] = jsonLines((await kodama('nodes --state ready -o json')).stdout);
  const made = await kodama(`create --name placed --node ${name} -o json`);
  const placement = { node: name, onNodeLost: 'stay' };
  expect(jsonLines(made.stdout)).toMatchObject([{ nodeName: name, placement }]);
  expect((await kodama('get placed')).stdout).toMatch(new RegExp(`^node +${name}$`, 'm'));
  const both = await kodama(`create --node ${name} --node-selector site=dmz`);
  expect(both).toMatchObject({ code: 2, stdout: '' });
  const exported = await kodama('export');
  expect(exported.stdout).toMatch(new RegExp(`placement:\\s+node: ${name}`));
});

test('a file makes listeners of several placements, each made again with --recreate too', async () => {
  const [{ name }] = jsonLines((await kodama('nodes --state ready -o json')).stdout);
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'listeners.yaml');
  const apply = async (mode: string, ...flags: readonly string[]) => {
    const there = (listener: string, node: object | null) => ({ name: listener, mode, ...node });
    const here = { placement: { node: name } };
    const listeners = [there('any-1', null), there('here-1', here), there('any-2', null)];
    await writeFile(path, JSON.stringify({ listeners: [...listeners, there('here-2', here)] }));
    return await kodama(['apply', '-f', path, '-o', 'json', ...flags].join(' '));
  };
  const placement = { node: name };
  for (const made of [await apply('echo'), await apply('discard', '--recreate')]) {
    expect(made.code, made.stderr).toBe(0);
    expect(jsonLines(made.stdout)).toMatchObject([
      { name: 'any-1', placement: null, state: 'listening' },
      { name: 'here-1', placement, state: 'listening' },
      { name: 'any-2', placement: null, state: 'listening' },
      { name: 'here-2', placement, state: 'listening' },
    ]);
  }
});

test('an agent is refused a name that no node may have, before it asks anybody', long, async () => {
  for (const name of ['a'.repeat(64), '_dmz', '-dmz', '01987c5e-3b1a-7c44-9f3e-5d1c2a7b8e90']) {
    const words = ['agent', '--join', 'http://127.0.0.1:9', `--name=${name}`];
    const { code, stderr } = await runProgram(app, words);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(
        /^kodama: --name must start with a letter or digit and hold at most 63 /,
      ),
    });
  }
});

async function connected() {
  const client = new Client({ connectionString: app.databaseUrl });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

/** A built-in node is called by its id: for as long as this lasts it has a name of its own, as agents have. */
async function nodeNamed(nodeId: string, name: string): Promise<AsyncDisposable> {
  const client = await connected();
  const rename = (to: string) =>
    client.query('UPDATE nodes SET name = $2 WHERE id = $1', [nodeId, to]);
  await rename(name);
  return {
    async [Symbol.asyncDispose]() {
      await rename(nodeId);
      await client.end();
    },
  };
}

test('a connection tells the name of its node, to who may list no nodes its id', async () => {
  const input = { name: 'on-node' };
  const { laddr, nodeId } = await want(201, app, 'POST', '/v1/listeners', input, headers);
  await using _ = await nodeNamed(nodeId, 'dmz');
  await talk(laddr.port, 'hello');
  const wait = 'wait on-node --close-reason peer_fin';
  const { id } = jsonLines((await kodama(`${wait} -o json`)).stdout)[0].connections[0];
  const scopes = ['connections:read', 'events:read'];
  const narrow = await want(201, app, 'POST', '/v1/keys', { name: 'narrow', scopes }, headers);
  for (const [key, shown] of [
    [token, 'dmz'],
    [narrow.secret, nodeId],
  ]) {
    const cell = new RegExp(` ${shown} +- +${id}\\n$`);
    expect((await kodama('connections --listener on-node -o wide', key)).stdout).toMatch(cell);
    expect((await kodama(`${wait} -o wide`, key)).stdout).toMatch(cell);
    const one = await kodama(`connection ${id}`, key);
    expect(one.stdout).toMatch(new RegExp(`^node +${shown}$`, 'm'));
  }
  // Of what they asked for nothing was refused.
  expect(await kodama('keys', narrow.secret)).toMatchObject({ code: 1, stdout: '' });
  const refusals = await waitFor('the refusal', async () => {
    const { stdout } = await kodama(`audit --actor ${narrow.id} -o json`);
    return stdout !== '' && jsonLines(stdout);
  });
  expect(refusals).toMatchObject([{ operation: 'listKeys' }]);
});

test('a connection tells the name of a node that was removed', long, async () => {
  const { laddr, id: listener } = await want(201, app, 'POST', '/v1/listeners', {}, headers);
  await talk(laddr.port, 'hello');
  const wait = `wait ${listener} --close-reason peer_fin`;
  const { id } = jsonLines((await kodama(`${wait} -o json`)).stdout)[0].connections[0];
  const { secret } = await want(201, app, 'POST', '/v1/join-tokens', {}, headers);
  const { nodeId } = await joinedNode(app.databaseUrl, secret, 'cli-gone');
  // As if it had been accepted there.
  await using client = await connected();
  const moved =
    'UPDATE closed_connections SET node = (SELECT ref FROM nodes WHERE id = $1) WHERE id = $2';
  expect(await client.query(moved, [nodeId, id])).toMatchObject({ rowCount: 1 });
  await kodama('nodes delete cli-gone --yes');
  const cell = new RegExp(` cli-gone +- +${id}\\n$`);
  const words = `connections --listener ${listener} -o wide`;
  expect((await kodama(words)).stdout).toMatch(cell);
  expect((await kodama(`connection ${id}`)).stdout).toMatch(/^node +cli-gone$/m);
  const environment = { KODAMA_API_TOKEN: token };
  const watched = beginProgram(app, `${words} -w`.split(' '), { environment });
  await waitFor('the row', () => watched.output.stdout.includes(id));
  expect(watched.output.stdout).toMatch(cell);
});
