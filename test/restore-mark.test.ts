/** After a restore from a backup: seqs are given again, and no cursor of before may show other events under them. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Kodama } from '../clients/typescript/src/index.ts';
import { PostgresStore } from '../src/postgres/postgres-store.ts';
import { renewLogIds } from '../src/postgres/restored-logs.ts';
import { command, runProgram } from './support/command.ts';
import { call as grpcCall, grpcClient, streamEvents } from './support/grpc-client.ts';
import { long } from './support/long.ts';
import { run } from './support/printed-run.ts';
import { quietLog as log } from './support/quiet-log.ts';
import { call, want } from './support/rest-client.ts';
import { collect, ndjson, serverSent } from './support/rest-stream.ts';
import { append, ofDefault, opened, sampleConnection } from './support/store-samples.ts';
import { makeHome, type RunningApp, startApp } from './support/test-app.ts';
import { copyDatabase, makeDatabase, makeEmptyDatabase } from './support/test-database.ts';

const { signal } = new AbortController();

/** Each is three events. */
async function comeAndGo(app: RunningApp, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await want(201, app, 'POST', '/v1/listeners', { name });
    await want(204, app, 'DELETE', `/v1/listeners/${name}`);
  }
}

/** What readers of every kind keep to go on from. */
async function cursorsOf(app: RunningApp) {
  const end = 'afterSeq=0&endAtHead=true';
  const messages = await collect(serverSent(`${app.url}/v1/events?${end}`));
  const [first, ...rows] = await collect(ndjson(`${app.url}/v1/events?${end}`));
  const page = await want(200, app, 'GET', '/v1/events?pageSize=5');
  const waited = await want(200, app, 'GET', '/v1/events:wait?min=1');
  using stream = streamEvents(app.grpcAddress, {}, { afterSeq: 0, endAtHead: true });
  await stream.ended;
  const logs = [first.log, page.log, waited.log, stream.messages[0].log];
  expect(new Set(logs).size).toBe(1);
  return {
    log: String(first.log),
    seq: Number(rows.at(-1).seq),
    lastEventId: String(messages.at(-1)?.id),
    pageToken: String(page.nextPageToken),
  };
}

/** The answers of both edges to a reader that goes on from there. */
async function answersTo(app: RunningApp, cursor: Awaited<ReturnType<typeof cursorsOf>>) {
  const { seq, lastEventId, pageToken } = cursor;
  const query = `afterSeq=${seq}&log=${cursor.log}`;
  const rest = [
    [`/v1/events?${query}`, 'application/json'],
    [`/v1/events?${query}&endAtHead=true`, 'application/x-ndjson'],
    [`/v1/events?endAtHead=true`, 'text/event-stream'],
    [`/v1/events?pageSize=5&pageToken=${pageToken}`, 'application/json'],
    [`/v1/events:wait?min=0&${query}`, 'application/json'],
    [`/v1/connections:wait?min=0&${query}`, 'application/json'],
  ];
  const answers: { status: unknown; why: unknown; log: unknown }[] = [];
  for (const [path = '', accept = ''] of rest) {
    const given = accept.endsWith('stream') ? { 'last-event-id': lastEventId } : {};
    const response = await fetch(app.url + path, { headers: { accept, ...given } });
    const text = await response.text();
    const { why, log: told } = response.ok ? { why: null, log: null } : JSON.parse(text);
    answers.push({ status: response.status, why, log: told });
  }
  using client = grpcClient(app.grpcAddress);
  const asked = { afterSeq: seq, log: cursor.log };
  for (const ask of [
    () => grpcCall((done) => client.events.ListEvents(asked, done)),
    () => grpcCall((done) => client.events.WaitEvents({ ...asked, min: 0 }, done)),
    () => grpcCall((done) => client.connections.WaitConnections({ ...asked, min: 0 }, done)),
    async () => {
      using stream = streamEvents(app.grpcAddress, {}, { ...asked, endAtHead: true });
      const ended = await stream.ended;
      if (ended !== null && ended.code !== 0) throw ended;
    },
  ]) {
    answers.push(
      await ask().then(
        () => ({ status: 200, why: null, log: null }),
        ({ metadata }) => ({
          status: metadata.get('kodama-code')[0] === 'cursor_expired' ? 410 : metadata,
          why: metadata.get('kodama-why')[0],
          log: metadata.get('kodama-log')[0],
        }),
      ),
    );
  }
  return answers;
}

test(
  'after a restore and the mark old cursors are refused on both edges, and new ones are good',
  long,
  async () => {
    await using home = await makeHome();
    const { DATABASE_URL: url = '' } = home.environment;
    {
      await using app = await startApp({}, home);
      await comeAndGo(app, ['a', 'b', 'c']);
    }
    await using backup = await copyDatabase(url);
    let before: Awaited<ReturnType<typeof cursorsOf>>;
    {
      await using app = await startApp({}, home);
      await comeAndGo(app, ['lost-1', 'lost-2']);
      before = await cursorsOf(app);
      expect(before.seq).toBe(15);
      expect((await answersTo(app, before)).map(({ status }) => status)).toEqual(
        Array(10).fill(200),
      );
    }
    await using restored = await copyDatabase(backup.url);
    const environment = { DATABASE_URL: restored.url };
    const marked = await run({ ...home.environment, ...environment }, ['restore-mark']);
    expect(marked).toMatchObject({ code: 0, stdout: '' });
    await using app = await startApp(environment, home);
    const { log: now } = await want(200, app, 'GET', '/v1/status');
    expect(marked.stderr).toContain(`default: ${now}, whose newest event is 9\n`);
    expect(now).not.toBe(before.log);
    // Above the head there is nothing to be taken for something else yet; then there is.
    const changed = { status: 410, why: 'log_changed', log: now };
    expect(await answersTo(app, before)).toEqual(Array(10).fill(changed));
    await comeAndGo(app, ['other-1', 'other-2', 'other-3']);
    expect(await answersTo(app, before)).toEqual(Array(10).fill(changed));
    // What such a reader would see without it: another's events, and no gap.
    const bare = await want(200, app, 'GET', `/v1/events?afterSeq=${before.seq}`);
    expect(bare.events[0].seq).toBe(before.seq + 1);
    const after = await cursorsOf(app);
    expect(after.log).toBe(now);
    expect((await answersTo(app, after)).map(({ status }) => status)).toEqual(Array(10).fill(200));
    const words = ['events', '--after-seq', String(before.seq), '--log', before.log, '-o', 'json'];
    const refused = await command(app, words);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain(now);
    const kodama = new Kodama({ url: app.url });
    const query = { afterSeq: before.seq, log: before.log };
    await expect(Array.fromAsync(kodama.events(query))).rejects.toMatchObject({
      code: 'cursor_expired',
      problem: { why: 'log_changed', log: now },
    });
    // Once means once: a restart is no restore.
    const { log: same } = await want(200, app, 'GET', '/v1/status');
    expect(same).toBe(now);
  },
);

test('while a kodama uses the database nothing is marked, and it says so', long, async () => {
  await using home = await makeHome();
  await using app = await startApp({ KODAMA_NODE_ID: 'one' }, home);
  await using other = await startApp({ KODAMA_NODE_ID: 'two' }, home);
  const { log: before } = await want(200, app, 'GET', '/v1/status');
  const refused = await run(home.environment, ['restore-mark']);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toBe(
    'kodama: the database of DATABASE_URL cannot be marked: 2 nodes of kodama use it: ' +
      'stop it first, and start it again afterwards\n',
  );
  for (const one of [app, other]) {
    expect((await want(200, one, 'GET', '/v1/status')).log).toBe(before);
    expect((await call(one, 'GET', `/v1/events?log=${before}`)).status).toBe(200);
  }
});

test('what holds no kodama is left as it is', long, async () => {
  await using empty = await makeEmptyDatabase();
  const options = { connectionString: empty.url, log, signal, keysShownMax: 1 };
  await expect(renewLogIds(options)).rejects.toMatchObject({
    code: 'failed_precondition',
    message: 'it holds no tables of kodama: restore it first',
  });
  await using home = await makeHome();
  const nobody = await run({ ...home.environment, DATABASE_URL: '' }, ['restore-mark']);
  expect(nobody).toMatchObject({ code: 1 });
  expect(nobody.stderr).toMatch(/KODAMA_DATA_DIR \(.*\) holds no database/);
});

test('the data directory may be named with the command and with npm alike', long, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kodama-restored-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const words = (name: string) => ['restore-mark', '--data-dir', join(folder, name)];
  const environment = { KODAMA_DATA_DIR: join(folder, 'other') };
  const answers = [
    ['npm', await run(environment, words('npm'))],
    ['command', await runProgram({ url: '' }, words('command'), { environment })],
  ] as const;
  for (const [name, { code, stdout, stderr }] of answers) {
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`(${join(folder, name)}) holds no database`);
  }
  expect(await readdir(folder)).toEqual([]);
  expect(await run({}, ['restore-mark', '--data-folder', folder])).toMatchObject({ code: 2 });
});

test(
  'what was ended after the backup is good again, and is named without its secret',
  long,
  async () => {
    const token = 'the-operators-own-token';
    const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
    await using home = await makeHome({ KODAMA_API_TOKEN: token });
    const { DATABASE_URL: url = '' } = home.environment;
    const ask = async (app: RunningApp, path: string, body: object) =>
      await want(201, app, 'POST', path, body, bearer(token));
    const scopes = ['listeners:read'];
    let made: readonly { readonly id: string; readonly secret: string; readonly token: string }[];
    {
      await using app = await startApp({}, home);
      made = [
        await ask(app, '/v1/keys', { name: 'leaked', scopes }),
        await ask(app, '/v1/keys', { name: 'scraper', project: null, scopes: ['metrics:read'] }),
        await ask(app, '/v1/keys', { name: 'ended-before', scopes }),
        await ask(app, '/v1/join-tokens', { uses: 3 }),
      ];
      await want(204, app, 'DELETE', `/v1/keys/${made[2]?.id}`, undefined, bearer(token));
    }
    await using backup = await copyDatabase(url);
    const [leaked, scraper, before, join] = made;
    {
      await using app = await startApp({}, home);
      for (const path of [`/v1/keys/${leaked?.id}`, `/v1/join-tokens/${join?.id}`]) {
        await want(204, app, 'DELETE', path, undefined, bearer(token));
      }
      await want(401, app, 'GET', '/v1/listeners', undefined, bearer(leaked?.secret ?? ''));
    }
    const environment = { DATABASE_URL: backup.url };
    const { code, stderr } = await run({ ...home.environment, ...environment }, ['restore-mark']);
    expect(code).toBe(0);
    expect(stderr).toContain(
      `API keys, 2:\n  ${scraper?.id} scraper, of no project\n  ${leaked?.id} leaked, of project default\n` +
        `Join tokens, 1:\n  ${join?.id}, of project default, uses left: 3\n`,
    );
    expect(stderr).not.toContain(before?.id);
    const options = { connectionString: backup.url, log, signal, keysShownMax: 1 };
    const { keys } = await renewLogIds(options);
    expect(keys).toMatchObject({ count: 2, first: [{ name: 'scraper' }] });
    expect(keys.first).toHaveLength(1);
    for (const { secret, token: joining } of made) {
      expect(stderr).not.toContain(secret ?? joining);
    }
    await using app = await startApp(environment, home);
    await want(200, app, 'GET', '/v1/listeners', undefined, bearer(leaked?.secret ?? ''));
    await want(204, app, 'DELETE', `/v1/keys/${leaked?.id}`, undefined, bearer(token));
  },
);

test('each log gets an id of its own, and a process that was cut off has lost its place', async () => {
  await using database = await makeDatabase();
  const connectionString = database.url;
  const options = { connectionString, log, signal, keysShownMax: 1 };
  await using store = await PostgresStore.open({ connectionString, nodeId: 'node-a', log });
  const node = await store.nodes.takeOwn();
  const one = append(1, [opened(sampleConnection())]);
  await node.append(one);
  const before = await ofDefault(store).log.readId();
  const refused = renewLogIds(options);
  await expect(refused).rejects.toMatchObject({
    message: expect.stringContaining('a kodama uses'),
  });
  // As one that can not reach the database: it is not seen, and goes on when it can.
  await store.nodes[Symbol.asyncDispose]();
  const { logs: first } = await renewLogIds(options);
  const { logs: second } = await renewLogIds(options);
  const ids = [before, ...first.map((it) => it.log), ...second.map((it) => it.log)];
  expect(new Set(ids).size).toBe(3);
  expect(second).toMatchObject([{ project: 'default', headSeq: 1 }]);
  await expect(node.append(append(2, [opened(sampleConnection())]))).rejects.toMatchObject({
    message: 'another process has taken the place of node node-a',
  });
});
