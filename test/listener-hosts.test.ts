/** Where a listener on all addresses is reached that is on another node than that of the kodama which answers. */
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Kodama } from '../clients/typescript/src/index.ts';
import { runProgram } from './support/command.ts';
import { long } from './support/long.ts';
import { addNode, FakeAgent, type Replica, startReplica, unswept } from './support/replica.ts';
import { want } from './support/rest-client.ts';
import { sharedApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const token = 'the-operators-own-token';
const app = sharedApp({ KODAMA_API_TOKEN: token }, undefined, unswept);
const headers = { authorization: `Bearer ${token}` };
const resources = new AsyncDisposableStack();
let client: Client;
let replica: Replica;
let narrow: string;
beforeAll(async () => {
  client = new Client({ connectionString: app.databaseUrl });
  await client.connect();
  resources.defer(() => client.end());
  replica = resources.use(await startReplica(app.databaseUrl, 'gateway'));
  const scopes = ['listeners:read', 'listeners:write', 'events:read'];
  const key = { name: 'narrow', scopes };
  narrow = (await want(201, app, 'POST', '/v1/keys', key, headers)).secret;
  await nodeAt('edge', ['fe80::1', '192.0.2.7', '2001:db8::7']);
  await nodeAt('mute', []);
});
// Before the database goes with the app.
afterAll(() => resources.disposeAsync());

async function nodeAt(name: string, addresses: readonly string[]): Promise<void> {
  const agent = new FakeAgent(await addNode(replica, (...asked) => client.query(...asked), name));
  await agent.connect(replica, { addresses });
}

/** What a program beside a listener on such a node has as KODAMA_HOST, and what is said of it. */
async function toldBeside(key: string, ...flags: readonly string[]) {
  const script = 'console.log(process.env.KODAMA_HOST ?? "not set")';
  const words = ['listen', '--name', 'far', ...flags, '--', process.execPath, '-e', script];
  // What this program was told itself, as one beside a listener, is not handed on.
  const environment = { KODAMA_API_TOKEN: key, KODAMA_HOST: '192.0.2.9' };
  const { code, stdout, stderr } = await runProgram(app, words, { environment });
  const said = stderr.split('\n').filter((line) => line.startsWith('KODAMA_HOST'));
  return { code, host: stdout.trim(), said };
}

const fits = (host: string) => ({
  ...{ code: 0, host },
  said: [`KODAMA_HOST is ${host}, the first address that fits of the node edge`],
});
const unset = (node: string) => ({
  ...{ code: 0, host: 'not set' },
  said: [`KODAMA_HOST is not set: no address of the node ${node} is known here`],
});
const any = ['--host', '0.0.0.0', '--node'];

test('a program beside it finds an address of that node, or none', async () => {
  expect(await toldBeside(token, ...any, 'edge')).toEqual(fits('192.0.2.7'));
  expect(await toldBeside(token, ...any, 'mute')).toEqual(unset('mute'));
});

test('so it does whatever it listens on, and whatever its key may read', long, async () => {
  const six = await toldBeside(token, '--host', '::', '--node', 'edge', '--udp');
  expect(six).toEqual(fits('2001:db8::7'));
  expect(await toldBeside(narrow, ...any, 'edge')).toEqual(unset('edge'));
  expect(await toldBeside(token, '--host', '192.0.2.7', '--node', 'edge')).toEqual({
    ...{ code: 0, host: '192.0.2.7', said: [] },
  });
  expect(await toldBeside(narrow, '--host', '0.0.0.0')).toMatchObject({
    ...{ code: 0, host: '127.0.0.1', said: [] },
  });
});

test('the client gives an address of that node, or says that it knows none', async () => {
  const hostOf = async (key: string, host: string, node?: string) => {
    const kodama = new Kodama({ url: app.url, token: key });
    const placement = node === undefined ? null : { node };
    await using listener = await kodama.listen({ host, placement });
    return listener.host;
  };
  expect(await hostOf(token, '0.0.0.0', 'edge')).toBe('192.0.2.7');
  expect(await hostOf(token, '::', 'edge')).toBe('2001:db8::7');
  expect(await hostOf(token, '192.0.2.7', 'edge')).toBe('192.0.2.7');
  expect(await hostOf(narrow, '0.0.0.0')).toBe('127.0.0.1');
  for (const [key, node] of [
    [token, 'mute'],
    [narrow, 'edge'],
  ] as const) {
    const words = `no address is known of the node ${node}, which has the listener`;
    await expect(hostOf(key, '0.0.0.0', node)).rejects.toThrow(words);
  }
  // Of what they asked for nothing was refused: what is on record is what is refused after it.
  const withKey = { authorization: `Bearer ${narrow}` };
  await want(403, app, 'GET', '/v1/keys', undefined, withKey);
  const entries = await waitFor('the refusal', async () => {
    const path = '/v1/audit?outcome=permission_denied';
    const audit = await want(200, app, 'GET', path, undefined, headers);
    return audit.entries.length > 0 && audit.entries;
  });
  expect(entries).toMatchObject([{ operation: 'listKeys' }]);
});
