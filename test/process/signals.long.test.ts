/** Every signal that a terminal, a supervisor or npm sends, to real processes: docs/reliability.md has the table. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { all, want } from '../support/rest-client.ts';
import { openClient } from '../support/tcp-client.ts';
import { makeHome, nodeMain, startApp, startProcess, type TestApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

/** A listener, and a client that is on record with it. */
async function openConnection(app: TestApp) {
  const { laddr, sockets } = await want(201, app, 'POST', '/v1/listeners', {});
  const client = await openClient(laddr.port);
  await client.echo('x');
  await waitFor('the record', async () => (await states(app)).length === 1);
  return { ...client, workerPid: sockets[0].pid as number };
}

async function states(app: TestApp): Promise<unknown[]> {
  const connections = await all(app, '/v1/connections', 'connections');
  return connections.map(({ state, closeReason }) => closeReason ?? state);
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}/exe`);

function childrenOf(pid: number): readonly number[] {
  const words = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return words.map(Number).filter((child) => child > 0);
}

/** The pid and all that descends from it, PostgreSQL too. */
function treeOf(pid: number): readonly number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

/** Of the embedded PostgreSQL, which is known by where it stands. */
function postgresPids(dataDir: string): readonly number[] {
  const cluster = join(dataDir, 'postgres');
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && workingDirectory(pid) === cluster);
}

function workingDirectory(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    // Gone meanwhile, or another user's.
    return null;
  }
}

test.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)(
  '%s stops in order, and what follows at once is its echo',
  async (signal) => {
    await using home = await makeHome();
    await using app = await startProcess(home);
    await using _client = await openConnection(app);
    app.child.kill(signal);
    app.child.kill('SIGINT');
    expect(await app.exited).toBe(0);
    await using after = await startApp({}, home);
    expect(await states(after)).toEqual(['shutdown']);
  },
);

test.each([
  ['as a supervisor starts it', nodeMain],
  ['under nohup', ['nohup', ...nodeMain]],
])('without a terminal SIGHUP is without effect, %s, and so is SIGUSR2', async (_, command) => {
  await using home = await makeHome();
  await using app = await startProcess(home, {}, { command });
  await using client = await openConnection(app);
  for (const signal of ['SIGHUP', 'SIGUSR2', 'SIGPIPE'] as const) {
    process.kill(app.pid, signal);
    process.kill(client.workerPid, signal);
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const) {
    process.kill(client.workerPid, signal);
  }
  await client.echo('y');
  expect(await states(app)).toEqual(['open']);
  process.kill(app.pid, 'SIGTERM');
  expect(await app.exited).toBe(0);
});

test('Ctrl-Z stops it for a while, and SIGCONT lets it go on', async () => {
  await using home = await makeHome();
  await using app = await startProcess(home, {}, { command: nodeMain });
  await using client = await openConnection(app);
  // A process group that no shell looks after is not stopped by SIGTSTP; SIGSTOP does the same.
  process.kill(-app.pid, 'SIGSTOP');
  await client.echo('y');
  process.kill(-app.pid, 'SIGCONT');
  expect(await states(app)).toEqual(['open']);
});

test('Ctrl-C, to the whole group, leaves the stop to kodama', async () => {
  await using home = await makeHome();
  await using app = await startProcess(home, {}, { command: nodeMain });
  await using client = await openConnection(app);
  process.kill(-app.pid, 'SIGINT');
  expect(await app.exited).toBe(0);
  await client.ended;
  await using after = await startApp({}, home);
  expect(await states(after)).toEqual(['shutdown']);
});

test('a terminal that is closed stops it in order', async () => {
  await using home = await makeHome();
  const command = ['script', '-qfc', nodeMain.join(' '), '/dev/null'];
  await using app = await startProcess(home, { KODAMA_LOG_FORMAT: 'json' }, { command });
  await using client = await openConnection(app);
  const tree = treeOf(app.pid);
  // With it the terminal that it made goes.
  app.child.kill('SIGKILL');
  await client.ended;
  await waitFor('the end', () => !tree.some(isAlive));
  await using after = await startApp({}, home);
  expect(await states(after)).toEqual(['shutdown']);
});

test.each(['/bin/sh', '/bin/bash'])(
  'npm start by %s passes SIGTERM and SIGINT on',
  async (shell) => {
    await using home = await makeHome();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const environment = { npm_config_script_shell: shell };
      await using app = await startProcess(home, environment, { command: ['npm', 'start'] });
      const tree = treeOf(app.pid);
      app.child.kill(signal);
      await waitFor('the end', () => !tree.some(isAlive));
      await app.exited;
      expect(app.lines.join('\n')).toContain('"msg":"stopped"');
    }
  },
);

test('with an embedded PostgreSQL: nothing is left of an orderly stop, or of a forced one', async () => {
  await using home = await makeHome({ DATABASE_URL: '' });
  const dataDir = home.environment.KODAMA_DATA_DIR ?? '';
  const first = await startProcess(home);
  await using _client = await openConnection(first);
  // As systemd does it, to every process of the service.
  for (const pid of treeOf(first.pid)) process.kill(pid, 'SIGTERM');
  expect(await first.exited).toBe(0);
  expect(postgresPids(dataDir)).toEqual([]);

  const second = await startProcess(home);
  expect(await states(second)).toEqual(['shutdown']);
  const tree = treeOf(second.pid);
  const { workers } = await want(200, second, 'GET', '/v1/status');
  process.kill(workers[0].pid, 'SIGSTOP');
  const again = setInterval(() => second.child.kill('SIGTERM'), 50);
  onTestFinished(() => clearInterval(again));
  expect(await second.exited).toBe(130);
  await waitFor('the end of all', () => !tree.some(isAlive));
});

test('a log that nobody reads any more ends nothing, and a stop is in order', async () => {
  await using home = await makeHome();
  await using app = await startProcess(home);
  app.child.stdout?.destroy();
  app.child.stderr?.destroy();
  await using client = await openConnection(app);
  await client.echo('y');
  app.child.kill('SIGTERM');
  expect(await app.exited).toBe(0);
});
