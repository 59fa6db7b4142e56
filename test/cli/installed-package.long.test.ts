/**
 * Both packages as somebody has them who installed them: packed, unpacked below the node_modules of an empty folder, and
 * run from there. npm is not asked for their dependencies, which would take a network: those that a manifest names, and
 * no others, are links to the ones of this checkout.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { version } from '../../src/command-line.ts';
import { jsonLines } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const owned = new AsyncDisposableStack();
let folder = '';
let modules = '';
afterAll(() => owned.disposeAsync());

beforeAll(async () => {
  folder = owned.use(await temporaryFolder()).path;
  modules = join(folder, 'node_modules');
  const packed = join(folder, 'packed');
  await run(process.execPath, [join(root, 'scripts/package.ts'), '--out', packed]);
  for (const name of ['kodama', 'kodama-client']) await install(name, packed);
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
});

async function install(name: string, packed: string): Promise<void> {
  const to = join(modules, name);
  await mkdir(to, { recursive: true });
  const [tarball = ''] = globSync(`${name}-[0-9]*.tgz`, { cwd: packed });
  await run('tar', ['-xzf', join(packed, tarball), '-C', to, '--strip-components=1']);
  const { dependencies = {}, optionalDependencies = {} } = manifest(name);
  for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const there = join(root, 'node_modules', needed);
    // What is optional is there for this machine only.
    if (!existsSync(there) && needed in optionalDependencies) continue;
    await mkdir(dirname(join(modules, needed)), { recursive: true });
    await symlink(there, join(modules, needed));
  }
}

function manifest(name: string) {
  return JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8'));
}

const filesOf = (name: string): readonly string[] =>
  globSync('**', { cwd: join(modules, name), withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(modules, name).length + 1));

/** Nothing of this checkout but where Node keeps what it has compiled. */
function environment(more: Readonly<Record<string, string>> = {}) {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
  // Who exits without a word leaves a data directory behind.
  return { PATH, NODE_COMPILE_CACHE, TMPDIR: folder, ...more };
}

const kodama = (words: readonly string[], more = {}) =>
  run(process.execPath, [join(modules, 'kodama/bin/kodama.js'), ...words], {
    cwd: folder,
    env: environment(more),
  });

const client = `require('node:net').connect(process.env.KODAMA_PORT, process.env.KODAMA_HOST, function () {
  this.end('hello');
}).on('data', (data) => console.log(String(data)));`;

test('a package holds what runs, and nothing that only its makers need', () => {
  const kinds = (name: string) => {
    const names = filesOf(name).map((path) => path.replace(/^.*?((\.d)?\.\w+)?$/, '$1'));
    return new Set(names);
  };
  const assets = ['.md', '.json', '.proto', '.sql', '.toml', '.binpb', '.html', '.css'];
  expect([...kinds('kodama')].toSorted()).toEqual(['', '.js', ...assets].toSorted());
  expect([...kinds('kodama-client')].toSorted()).toEqual(['', '.d.ts', '.js', '.json', '.md']);
  for (const name of ['kodama', 'kodama-client']) {
    expect(filesOf(name).filter((path) => /test|example/.test(path))).toEqual([]);
    for (const field of ['private', 'scripts', 'devDependencies', 'workspaces']) {
      expect(manifest(name)).not.toHaveProperty(field);
    }
  }
});

test('from outside only its manifest and its protos have names', () => {
  const { resolve } = createRequire(join(folder, 'outside.js'));
  const proto = 'kodama/v1/event_service.proto';
  expect(resolve(`kodama/proto/${proto}`)).toBe(join(modules, 'kodama/proto', proto));
  expect(resolve('kodama/package.json')).toBe(join(modules, 'kodama/package.json'));
  for (const inside of ['kodama', 'kodama/src/main.js']) {
    expect(() => resolve(inside)).toThrow(/exports/);
  }
});

test('kodama version', async () => {
  expect((await kodama(['version'])).stdout).toContain(`kodama ${version}, `);
});

test('up, listen and wait: a server of the package, with its PostgreSQL and its workers', async () => {
  const words = ['up', '--port', '0', '--grpc-port', '0', '--data-dir', join(folder, 'data')];
  const program = join(modules, 'kodama/bin/kodama.js');
  await using server = running(
    spawn(process.execPath, [program, ...words], {
      cwd: folder,
      env: environment({ KODAMA_LOG_FORMAT: 'json' }),
    }),
  );
  const { httpPort } = await server.ready();
  const url = { KODAMA_URL: `http://127.0.0.1:${httpPort}` };
  for (const path of ['/', '/console.js', '/console.css'])
    expect((await fetch(url.KODAMA_URL + path)).status, path).toBe(200);
  const listened = await kodama(
    ['listen', '--name', 'sdk', '--', process.execPath, '-e', client],
    url,
  );
  expect(listened.stdout).toBe('hello\n');
  const waited = await kodama(
    ['wait', 'sdk', '--count', '1', '--close-reason', 'peer_fin', '-o', 'json'],
    url,
  );
  expect(jsonLines(waited.stdout)).toMatchObject([{ met: true, connections: [{ bytesIn: 5 }] }]);
  expect(await server.end('SIGTERM')).toBe(0);
});

test('an agent of the package is a node of its server', async () => {
  const program = join(modules, 'kodama/bin/kodama.js');
  const start = (words: readonly string[], more: Readonly<Record<string, string>>) =>
    running(spawn(process.execPath, [program, ...words], { cwd: folder, env: environment(more) }));
  await using server = start(['up', '--port', '0', '--grpc-port', '0'], {
    KODAMA_DATA_DIR: join(folder, 'hub'),
    ...{ KODAMA_GATEWAY_PORT: '0', KODAMA_LOG_FORMAT: 'json' },
  });
  const { httpPort, gateway } = await server.ready();
  const url = { KODAMA_URL: `http://127.0.0.1:${httpPort}` };
  const { stdout: token } = await kodama(['join-tokens', 'create', '-q'], url);
  await using agent = start(['agent', '--join', gateway, '--name', 'away'], {
    KODAMA_DATA_DIR: join(folder, 'away'),
    KODAMA_JOIN_TOKEN: token.trim(),
  });
  const isReady = async () => {
    const { stdout } = await kodama(['nodes', '--state', 'ready'], url);
    return stdout.includes('away ');
  };
  await waitFor('the node', isReady, 60_000);
  const words = ['listen', '--node', 'away', '--', process.execPath, '-e', client];
  expect((await kodama(words, url)).stdout).toBe('hello\n');
  expect(await agent.end('SIGTERM')).toBe(0);
  expect(await server.end('SIGTERM')).toBe(0);
});

const startAndUse = `
import { connect } from 'node:net';
import { startKodama } from 'kodama-client';
const kodama = await startKodama(JSON.parse(process.argv[2]));
const listener = await kodama.listen();
connect(listener.port, listener.host, function () { this.end('hello'); }).resume();
const { count } = await listener.wait({ closeReason: 'peer_fin' });
const { version } = await kodama.status();
console.log(JSON.stringify({ url: kodama.url, version, count }));
if (process.argv[3] === 'exit') process.exit(0);
await kodama[Symbol.asyncDispose]();
`;

test('startKodama() starts the package that is installed beside it, and leaves nothing', async () => {
  await writeFile(join(folder, 'use.js'), startAndUse);
  const { stdout } = await run(process.execPath, ['use.js', '{}'], {
    cwd: folder,
    env: environment(),
  });
  const { url, ...told } = JSON.parse(stdout);
  expect(told).toEqual({ version, count: 1 });
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});

test('who exits without a word takes its kodama along, though another process stands between', async () => {
  // As bin/kodama.js does it below Node 24.
  await writeFile(
    join(folder, 'between.js'),
    `import { spawn } from 'node:child_process';
const child = spawn(process.execPath, ['node_modules/kodama/bin/kodama.js', 'up'], { stdio: 'inherit' });
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', () => process.exit());`,
  );
  const options = JSON.stringify({ command: [process.execPath, 'between.js'] });
  const { stdout } = await run(process.execPath, ['use.js', options, 'exit'], {
    cwd: folder,
    env: environment(),
  });
  const { url } = JSON.parse(stdout);
  const isGone = () =>
    fetch(url).then(
      () => false,
      () => true,
    );
  await waitFor('its end', isGone, 60_000);
});

test('the types of the client are found', async () => {
  await writeFile(
    join(folder, 'typed.ts'),
    `import { type Listener, startKodama } from 'kodama-client';
const { port }: Listener = await (await startKodama()).createListener({ name: 'typed' });
// @ts-expect-error: a listener has a number as its port.
const text: string = port;`,
  );
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'esnext'];
  const { stdout } = await run(process.execPath, [tsc, ...flags, 'typed.ts'], { cwd: folder });
  expect(stdout).toBe('');
});

/** A server, and what it said. */
function running(child: ChildProcess) {
  let printed = '';
  for (const output of [child.stdout, child.stderr]) {
    output?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  const ended = once(child, 'exit');
  return {
    async ready() {
      const line = () => printed.split('\n').find((one) => one.includes('"msg":"ready"'));
      return JSON.parse(await waitFor('ready', line, 60_000));
    },
    async end(signal: NodeJS.Signals) {
      child.kill(signal);
      const [code] = await ended;
      return code;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
