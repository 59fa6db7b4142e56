/** KODAMA_APPLY: a kodama that starts from a file of listeners. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { beforeAll, expect, test } from 'vitest';
import { App } from '../src/app.ts';
import { readConfig } from '../src/config.ts';
import { long } from './support/long.ts';
import { all, want } from './support/rest-client.ts';
import { talk } from './support/tcp-client.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { makeHome, type RunningApp, startApp } from './support/test-app.ts';

let path: string;
beforeAll(async () => {
  const folder = await temporaryFolder();
  path = join(folder.path, 'listeners.yaml');
  return () => folder[Symbol.asyncDispose]();
});

async function given(text: string) {
  await writeFile(path, text);
  return { KODAMA_APPLY: path };
}

/** In the order in which they were made. */
const listening = async (app: RunningApp) =>
  (await all(app, '/v1/listeners', 'listeners')).toReversed();
const file = `
set: start
listeners:
  - name: kept
    host: localhost
    labels: {env: test}
    faults: [{type: limit, bytes: 5, seed: 42}]
    limits: {idleTimeoutMs: 60000}
  - {name: changed, faults: [{type: latency, delayMs: 1}]}
  - {name: remade, protocol: udp, mode: discard}
`;

/** Keeps all but what a start says of the server of the tests, which syncs nothing. */
function keepWarning(lines: object[], line: string): void {
  const told = JSON.parse(line);
  if (told.level > 30 && told.fsync === undefined) lines.push(told);
}

test(
  'it starts with what the file says, and changes no more than what differs then',
  long,
  async () => {
    await using home = await makeHome();
    const own = await given('listeners: [{name: a}, {name: b, port: 28080}]');
    const refused = startApp({ ...own, KODAMA_HTTP_PORT: '28080' }, home);
    await expect(refused).rejects.toThrow(/^KODAMA_APPLY \(.*listeners\.yaml\): .*28080/);

    let before: Awaited<ReturnType<typeof listening>>;
    {
      await using app = await startApp(await given(file), home);
      before = await listening(app);
      // Of what was refused nothing is left.
      expect(before).toMatchObject([
        {
          name: 'kept',
          state: 'listening',
          labels: { env: 'test', set: 'start' },
          faults: [{ type: 'limit', bytes: 5, seed: 42 }],
          limits: { idleTimeoutMs: 60_000, maxConnections: 10_000 },
        },
        { name: 'changed', state: 'listening', faults: [{ type: 'latency', delayMs: 1 }] },
        { name: 'remade', state: 'listening', protocol: 'udp', mode: 'discard' },
      ]);
      const { laddr } = await want(200, app, 'GET', '/v1/listeners/kept');
      expect(await talk(laddr.port, 'hello world')).toBe('hello');
      await want(201, app, 'POST', '/v1/listeners', { name: 'other' });
    }
    const [kept, changed, remade] = before;
    const other = file
      .replace('delayMs: 1', 'delayMs: 2')
      .replace('protocol: udp', 'protocol: tls');
    await using app = await startApp(await given(other), home);
    const after = await listening(app);
    expect(after).toMatchObject([
      { id: kept?.id },
      { id: changed?.id, faults: [{ type: 'latency', delayMs: 2 }] },
      { name: 'other' },
      { name: 'remade', protocol: 'tls', state: 'listening' },
    ]);
    expect(after.map(({ id }) => id)).not.toContain(remade?.id);
    const updates = await all(app, '/v1/events?type=listener_updated', 'events');
    expect(updates.map(({ listenerId }) => listenerId)).toEqual([changed?.id]);
  },
);

test('a start that can not make a listener again leaves it as it was', long, async () => {
  await using home = await makeHome();
  await using taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  let before: Awaited<ReturnType<typeof listening>>[number];
  {
    await using app = await startApp({}, home);
    before = await want(201, app, 'POST', '/v1/listeners', {
      ...{ name: 'a', mode: 'info', labels: { by: 'api' } },
    });
  }
  const lines: object[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => keepWarning(lines, line) });
  const refused = startApp(
    await given(`listeners: [{name: a, port: ${port}}]`),
    home,
    undefined,
    log,
  );
  await expect(refused).rejects.toThrow(/a: 127\.0\.0\.1 port \d+ is in use/);
  expect(lines).toMatchObject([{ restored: ['a'], lost: [], reasons: [] }]);
  await using app = await startApp({}, home);
  const [after] = await listening(app);
  expect(after).toMatchObject({ name: 'a', mode: 'info', labels: { by: 'api' } });
  expect(after?.id).not.toBe(before?.id);
});

test(
  'a start that is ended while it makes a listener again leaves it as it was',
  long,
  async () => {
    await using home = await makeHome();
    {
      await using app = await startApp({}, home);
      await want(201, app, 'POST', '/v1/listeners', { name: 'a', labels: { by: 'api' } });
    }
    const stop = new AbortController();
    const warned: object[] = [];
    const write = (line: string) => {
      keepWarning(warned, line);
      if (/closed/.test(JSON.parse(line).msg)) stop.abort();
    };
    const environment = {
      ...home.environment,
      ...(await given('listeners: [{name: a, mode: info}]')),
    };
    const ended = App.start({
      config: readConfig(environment),
      logger: pino({ level: 'info' }, { write }),
      onFatal: () => undefined,
      signal: stop.signal,
    });
    await expect(ended).rejects.toThrow();
    expect(stop.signal.aborted).toBe(true);
    expect(warned).toMatchObject([{ restored: ['a'], lost: [], reasons: [] }]);
    await using app = await startApp({}, home);
    expect(await listening(app)).toMatchObject([
      { name: 'a', mode: 'echo', labels: { by: 'api' } },
    ]);
  },
);

test('it starts with listeners of several placements', long, async () => {
  const listeners = '[{name: any}, {name: here, placement: {node: this-node}}]';
  const own = await given(`listeners: ${listeners}`);
  await using app = await startApp({ ...own, KODAMA_NODE_ID: 'this-node' });
  expect(await listening(app)).toMatchObject([
    { name: 'any', nodeId: 'this-node', placement: null },
    { name: 'here', nodeId: 'this-node', placement: { node: 'this-node' } },
  ]);
});

test(
  'what takes another node holds up no start: it is left, and told of by name',
  long,
  async () => {
    await using home = await makeHome();
    const text =
      'listeners: [{name: here}, {name: moved}, {name: there, placement: {node: dmz-1}}]';
    const lines: object[] = [];
    const log = pino({ level: 'warn' }, { write: (line) => keepWarning(lines, line) });
    const start = async (own: object) => await startApp({ ...own }, home, undefined, log);
    const left = { listeners: ['there'], reason: 'placement: there is no node dmz-1' };

    const first = { ...(await given(text)), KODAMA_NODE_ID: 'first' };
    let moved: { readonly id: string };
    {
      await using app = await start(first);
      const names = (await listening(app)).map(({ name }) => name);
      expect(names).toEqual(['here', 'moved']);
      moved = await want(200, app, 'GET', '/v1/listeners/moved');
      expect(lines).toMatchObject([left]);
    }
    // Another replica is given the next version of it: no start may end what listens on the first.
    const next = text.replace('name: moved', 'name: moved, protocol: udp');
    await using app = await start({ ...(await given(next)), KODAMA_NODE_ID: 'second' });
    expect(await want(200, app, 'GET', '/v1/listeners/moved')).toMatchObject({
      id: moved.id,
      protocol: 'tcp',
    });
    expect(lines.slice(1)).toMatchObject([
      { listeners: ['moved'], reason: 'what differs can only be made again' },
      left,
    ]);
  },
);

test('a start on a cordoned node closes nothing: what it has stays', long, async () => {
  await using home = await makeHome();
  const lines: object[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => keepWarning(lines, line) });
  const start = async (text: string) => {
    const own = { ...(await given(text)), KODAMA_NODE_ID: 'cordoned' };
    return await startApp(own, home, undefined, log);
  };
  let before: { readonly id: string };
  {
    await using app = await start('listeners: [{name: stays}, {name: changes}]');
    before = await want(200, app, 'GET', '/v1/listeners/stays');
    await want(200, app, 'PATCH', '/v1/nodes/cordoned', { cordoned: true });
  }
  const moved = '{name: stays, placement: {node: dmz-1}}';
  const texts = ['{name: stays, protocol: udp}', moved];
  for (const text of texts) {
    await using app = await start(`listeners: [${text}, {name: changes, labels: {by: file}}]`);
    expect(await listening(app)).toMatchObject([
      { id: before.id, protocol: 'tcp', state: 'listening' },
      { name: 'changes', labels: { by: 'file' } },
    ]);
  }
  const msg = 'KODAMA_APPLY: left as they are, since no node takes them for now';
  const again = 'what differs can only be made again';
  expect(lines).toMatchObject([
    { listeners: ['stays'], reason: `${again}, and node cordoned is cordoned`, msg },
    { listeners: ['stays'], reason: `${again}, and no node dmz-1`, msg },
  ]);
});

test('a file that is wrong is refused by each field that is, before anything is started', async () => {
  const nowhere = { DATABASE_URL: 'postgresql://kodama@127.0.0.1:9/none' };
  const wrong: [string, RegExp][] = [
    ['listeners: [', /listeners\.yaml\): /],
    ['listener: []', /listener is none of set and listeners$/],
    ['listeners: [{name: a}, {port: 1}]', /listeners\[1\]\.name is required$/],
    [
      'listeners: [{name: a, port: 99999}, {name: b, faults: [{type: latency}]}]',
      /a\.port: must be a whole number .*\n.*b\.faults\[0\]\.delayMs: is required$/,
    ],
    [
      'listeners: [{name: a, prot: udp}]',
      /a\.prot: is not a field of this request; did you mean protocol\?$/,
    ],
    // An alias that grows without end is no bug of kodama's.
    [`a: &a [x, x]\nlisteners: [${'*a, '.repeat(2000)}]`, /: Excessive alias count/],
  ];
  await using home = await makeHome();
  for (const [text, message] of wrong) {
    const failure = await startApp({ ...nowhere, ...(await given(text)) }, home).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ name: 'StartError', message: expect.stringMatching(message) });
  }
  const none = join(path, 'none');
  await expect(startApp({ KODAMA_APPLY: none }, home)).rejects.toMatchObject({
    message: `KODAMA_APPLY (${none}): ENOTDIR: not a directory`,
  });
});
