/** What a kodama says that cannot start, and that nothing of it is left: each reason, and each program of the repository. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { expectTakenPort, foreignPort } from '../support/foreign-port.ts';
import { begin, run } from '../support/printed-run.ts';
import { kernelSocket } from '../support/proc-sockets.ts';
import { want } from '../support/rest-client.ts';
import { startStoreProxy } from '../support/store-proxy.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { makeHome, startApp, startProcess } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

/** Of the processes, whatever else listens on this machine. */
async function listeningPorts(pids: readonly number[]): Promise<number[]> {
  const ports: number[] = [];
  for (const pid of pids) {
    for (const fd of await readdir(`/proc/${pid}/fd`)) {
      const socket = await kernelSocket({ pid, fd: Number(fd) }).catch(() => null);
      if (socket?.state === 'LISTEN') ports.push(Number(socket.local.split(':')[1]));
    }
  }
  return ports;
}

test('a taken port of gRPC is named with its variables', () =>
  expectTakenPort('gRPC', 'KODAMA_GRPC', 'text'));

// As root nearly everything can be written: what is no directory, and where nobody makes one.
test.each([
  ['REST', 'KODAMA_HTTP'],
  ['gRPC', 'KODAMA_GRPC'],
  ['the gateway', 'KODAMA_GATEWAY'],
])('a port of %s that an own listener has is told with that listener', async (edge, prefix) => {
  await using home = await makeHome();
  await using app = await startApp({}, home);
  const { id, laddr } = await want(201, app, 'POST', '/v1/listeners', { name: 'web' });
  await app[Symbol.asyncDispose]();
  const taken = { [`${prefix}_PORT`]: String(laddr.port) };
  const { code, stderr } = await run({ ...home.environment, ...taken });
  const message =
    `${edge} cannot listen on 127.0.0.1:${laddr.port}: the address is in use ` +
    `(${prefix}_HOST, ${prefix}_PORT): listener web (${id}) has it, and can be deleted once this port is another`;
  expect({ code, stderr }).toEqual({ code: 1, stderr: `kodama: ${message}\n` });
});

test('a data directory that cannot be used is named with its variable', async () => {
  await using home = await temporaryFolder();
  const file = join(home.path, 'file');
  await writeFile(file, '');
  for (const dataDir of [file, '/sys/kodama']) {
    const { code, stderr } = await run({ KODAMA_DATA_DIR: dataDir });
    expect(code, dataDir).toBe(1);
    expect(stderr).toMatch(/^kodama: KODAMA_DATA_DIR \(.+\) cannot be used: E[A-Z]+: [^\n]+\n$/);
    expect(stderr).toContain(`(${dataDir})`);
    // Once is enough.
    expect(stderr.split(dataDir)).toHaveLength(2);
  }
});

test('a data directory that others may write to is refused, and what lies there is not run', async () => {
  await using home = await temporaryFolder();
  await writeFile(join(home.path, 'node-id'), 'planted\n');
  await chmod(home.path, 0o777);
  const { code, stderr } = await run({ KODAMA_DATA_DIR: home.path });
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^kodama: KODAMA_DATA_DIR \(.+\) cannot be used: others may write to it [^\n]+\n$/,
  );
  expect(await readdir(home.path)).toEqual(['node-id']);
});

test('a node id that is none is refused by the name of its file', async () => {
  await using home = await temporaryFolder();
  await writeFile(join(home.path, 'node-id'), '');
  const { code, stderr } = await run({ KODAMA_DATA_DIR: home.path });
  expect(code).toBe(1);
  expect(stderr).toContain(`${join(home.path, 'node-id')} holds no node id: it must be 1 to 64`);
});

test('an address that this host does not have is told as such', async () => {
  await using home = await makeHome({ KODAMA_INSECURE: 'true' });
  const { code, stderr } = await run({ ...home.environment, KODAMA_HTTP_HOST: '192.0.2.1' });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^kodama: REST cannot listen on 192\.0\.2\.1:0: .* not one of this host/m);
});

test('a data directory may hold spaces, quotes and signs, and is for its user alone', async () => {
  await using home = await temporaryFolder();
  const dataDir = join(home.path, `it's "my" data, ünd 100 % $HOME`);
  await chmod(home.path, 0o700);
  await using app = await startApp(
    { KODAMA_DATA_DIR: dataDir },
    {
      environment: { KODAMA_HTTP_PORT: '0', KODAMA_GRPC_PORT: '0', KODAMA_LOG_LEVEL: 'silent' },
      [Symbol.asyncDispose]: async () => undefined,
    },
  );
  expect(await want(200, app, 'GET', '/v1/status')).toMatchObject({
    store: { state: 'reachable' },
  });
});

test('what is compiled is kept in the data directory, by all processes, and nowhere else', async () => {
  await using temporary = await temporaryFolder();
  await using home = await makeHome({ TMPDIR: temporary.path, NODE_COMPILE_CACHE: '' });
  await using app = await startProcess(home);
  await want(201, app, 'POST', '/v1/listeners', {});
  app.child.kill('SIGTERM');
  await app.exited;
  expect(await readdir(temporary.path)).toEqual([]);
  const cache = join(home.environment.KODAMA_DATA_DIR ?? '', 'compile-cache');
  expect((await stat(cache)).mode & 0o777).toBe(0o700);
  const kept = await readdir(cache, { recursive: true });
  expect(kept.length).toBeGreaterThan(100);
});

test.runIf(process.platform === 'linux')(
  'SIGUSR1 opens no inspector, neither in the control plane nor in a worker',
  async () => {
    await using home = await makeHome();
    await using app = await startProcess(home);
    const { workers } = await want(200, app, 'GET', '/v1/status');
    const pids = [app.pid, workers[0].pid];
    for (const pid of pids) process.kill(pid, 'SIGUSR1');
    await waitFor('the word', () => app.lines.some((line) => line.includes('open the inspector')));
    // The inspector would be up by the time that both have answered this.
    await want(201, app, 'POST', '/v1/listeners', {});
    const listening = await listeningPorts(pids);
    expect(listening).toContain(app.httpPort);
    expect(listening).not.toContain(9229);
    expect((await want(200, app, 'GET', '/v1/status')).workers[0].pid).toBe(pids[1]);
    expect(app.lines.join()).not.toContain('Debugger listening');
  },
);

test('a second kodama on the same data directory is refused, and the first goes on', async () => {
  await using home = await makeHome();
  await using first = await startProcess(home);
  const { code, stderr } = await run(home.environment);
  expect(code).toBe(1);
  expect(stderr).toContain(`is in use by process ${first.pid}: is kodama running already?`);
  await want(201, first, 'POST', '/v1/listeners', {});
  // A kill leaves the lock's file behind; it must not stand in the way.
  first.child.kill('SIGKILL');
  await first.exited;
  await using second = await startProcess(home);
  await want(200, second, 'GET', '/v1/status');
});

test('two nodes with names of their own may share a directory and a database', async () => {
  await using home = await makeHome();
  await using one = await startProcess(home, { KODAMA_NODE_ID: 'one' });
  await using two = await startProcess(home, { KODAMA_NODE_ID: 'two' });
  expect([one.nodeId, two.nodeId]).toEqual(['one', 'two']);
  await want(201, one, 'POST', '/v1/listeners', { name: 'of-one' });
  expect(await want(200, two, 'GET', '/v1/listeners/of-one')).toMatchObject({ nodeId: 'one' });
});

test('a start that waits for its database says so, not in a flood, and ends in order at a signal', async () => {
  await using home = await makeHome();
  await using foreign = await foreignPort();
  const { child, output, ended } = begin({
    ...home.environment,
    DATABASE_URL: `postgresql://nobody@127.0.0.1:${foreign.port}/none`,
    KODAMA_LOG_LEVEL: 'info',
  });
  await waitFor('the word', () => output.stdout.includes('waiting for the database'));
  await waitFor('three more tries', () => foreign.connections() > 3);
  child.kill('SIGTERM');
  const { code, stdout } = await ended;
  expect(code).toBe(0);
  expect(stdout.match(/waiting for the database/g)).toHaveLength(1);
  expect(stdout).toContain('"msg":"stopped"');
});

test('a database that refuses us is named with its reason', async () => {
  await using home = await makeHome();
  const url = new URL(home.environment.DATABASE_URL?.replace('@/', '@localhost/') ?? '');
  url.pathname = '/no_such_database';
  const DATABASE_URL = url.href.replace('@localhost/', '@/');
  const { code, stderr } = await run({ ...home.environment, DATABASE_URL });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'kodama: DATABASE_URL cannot be used: database "no_such_database" does not exist\n',
  });
});

test.each(['1', '0'])(
  'a database that goes away while what is on record is taken up is named with its reason, of %s workers',
  async (workers) => {
    await using home = await makeHome();
    const tap = () => (data: Buffer) => {
      if (data.includes('own listeners')) proxy.cut();
    };
    await using proxy = await startStoreProxy(home.environment.DATABASE_URL ?? '', { tap });
    const database = { DATABASE_URL: proxy.url, KODAMA_WORKERS: workers };
    const { code, stdout, stderr } = await run({ ...home.environment, ...database });
    expect(stderr).toMatch(/^kodama: DATABASE_URL cannot be used: [^\n]+\n$/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  },
);

test('a PGPORT that is none is named where DATABASE_URL leaves the port to it', async () => {
  await using home = await temporaryFolder();
  const { code, stderr } = await run({
    ...{ KODAMA_DATA_DIR: join(home.path, 'data'), PGPORT: '99999' },
    DATABASE_URL: 'postgresql://me:secret@127.0.0.1/k',
  });
  const words = 'PGPORT must be a whole number from 1 to 65535: DATABASE_URL names no port';
  expect({ code, stderr }).toEqual({ code: 2, stderr: `kodama: ${words}\n` });
});

test('work whose promise is lost ends as a bug does, in words', async () => {
  const program = pathToFileURL(join(import.meta.dirname, '../../src/program.ts'));
  const config = { logLevel: 'info', logFormat: 'text', warnings: [] };
  const times = { shutdownTimeoutMs: 1000, signalEchoMs: 500 };
  const script = `const { Program } = await import('${program}');
    const config = ${JSON.stringify({ ...config, ...times })};
    await new Program().run(() => config, () => new Promise(() => undefined));`;
  const child = execFile(process.execPath, ['--input-type=module', '-e', script]);
  const printed: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    output?.on('data', (text: string) => printed.push(text));
  }
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(printed.join('')).toMatch(/^\S+ FATAL a bug: kodama ends, since .* never comes\n$/);
});

test('a misspelt variable is named with the one that is meant', async () => {
  await using home = await makeHome();
  await using app = await startProcess(home, {
    KODAMA_HTP_PORT: '9000',
    KODAMA_PROJECT: 'mine',
    KODAMA_SCRIPT: 'x',
  });
  const lines = app.lines.join('\n').split('\n');
  expect(lines.filter((line) => line.startsWith('kodama: '))).toEqual([
    "kodama: KODAMA_HTP_PORT is not a variable of kodama's, so it has no effect: is it KODAMA_HTTP_PORT that is meant?",
    "kodama: KODAMA_SCRIPT is not a variable of kodama's, so it has no effect",
  ]);
});

test.each([
  'src/main.ts',
  'examples/stream-events.ts',
  'scripts/generate.ts',
  'bench/main.ts',
  'test/chaos/main.ts',
])('%s answers --help and --version, and refuses what it does not know', async (program) => {
  const file = join(import.meta.dirname, '../..', program);
  const call = async (...words: string[]) => {
    const { promise, resolve } = Promise.withResolvers<object>();
    execFile(process.execPath, [file, ...words], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
    return await promise;
  };
  const usage = expect.stringMatching(/^npm /m);
  expect(await call('--help')).toEqual({ code: 0, stdout: usage, stderr: '' });
  const version = expect.stringMatching(/^kodama \d+\.\d+\.\d+\n$/);
  expect(await call('--version')).toEqual({ code: 0, stdout: version, stderr: '' });
  expect(await call('--nonsense')).toEqual({ code: 2, stdout: '', stderr: usage });
});

test('a DATABASE_URL that is none is refused without showing its password', async () => {
  await using home = await temporaryFolder();
  const { code, stdout, stderr } = await run({
    KODAMA_DATA_DIR: join(home.path, 'data'),
    DATABASE_URL: 'postgresql://me:pa/ss@db.example/kodama',
  });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^kodama: DATABASE_URL is not a URL: percent-encode [^\n]+\n$/);
  expect(stderr).not.toMatch(/pa\/|ss@|db\.example/);
});

test('a word that no program asked for starts no server', async () => {
  await using home = await temporaryFolder();
  const { code, stderr } = await run({ KODAMA_DATA_DIR: join(home.path, 'data') }, ['serve']);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("'serve'") });
  expect(await readdir(home.path)).toEqual([]);
});

test.runIf(process.platform === 'linux')(
  'ports for listeners that the system gives to anybody are warned of, once',
  async () => {
    await using home = await makeHome();
    await using foreign = await foreignPort();
    const { code, stdout, stderr } = await run({
      ...home.environment,
      KODAMA_HTTP_PORT: foreign.port,
      KODAMA_LISTEN_PORTS: '1024-65535',
      KODAMA_LOG_FORMAT: 'json',
    });
    expect(code).toBe(1);
    expect(stdout).not.toContain('overlaps');
    expect(stderr).toContain('kodama: KODAMA_LISTEN_PORTS 1024-65535 overlaps');
  },
);
