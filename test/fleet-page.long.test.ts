/** What docs/fleet.md shows, by real processes: its tour, what a caller sees of a node that is away, and the compose file. */
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bash, blocks, runBlock } from './support/clients-page.ts';
import { fleetCompose } from './support/fleet-compose.ts';
import { freePort } from './support/free-port.ts';
import { call as callGrpc, grpcClient, type Message } from './support/grpc-client.ts';
import { call, want } from './support/rest-client.ts';
import { openClient } from './support/tcp-client.ts';
import { startTcpProxy } from './support/tcp-proxy.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { makeHome, type RunningApp, sharedApp, startProcess } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const command = join(import.meta.dirname, '../bin/kodama.js');
const patientMs = 90_000;

function beginAgent(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): AsyncDisposable {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
  const child = spawn(process.execPath, [command, 'agent', ...words], {
    env: { PATH, NODE_COMPILE_CACHE, ...environment },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function nodeState(app: RunningApp, name: string, headers = {}): Promise<string | null> {
  const { status, body } = await call(app, 'GET', `/v1/nodes/${name}`, undefined, headers);
  return status === 200 ? body.state : null;
}

describe('one kodama with a gateway', () => {
  const app = sharedApp({ KODAMA_GATEWAY_PORT: '0' }, undefined, (config) => ({
    ...config,
    // Ten seconds: on a busy machine a node that is there is silent for a while, too.
    fleet: { ...config.fleet, sweepEveryMs: 1000, missedSweeps: 10 },
    gateway: { ...config.gateway, limits: { ...config.gateway.limits, heartbeatMs: 200 } },
  }));

  test('the tour of the page is as it says', async (context) => {
    const [tour = '', ...others] = blocks('bash', 'docs/fleet.md');
    expect(others).toEqual([]);
    const { joinUrl } = await want(201, app, 'POST', '/v1/join-tokens', {});
    await using folder = await temporaryFolder();
    const placed = tour
      .replace('http://127.0.0.1:7443', joinUrl)
      .replace('.kodama-dmz', folder.path)
      .replaceAll('node bin/kodama.js', `'${process.execPath}' bin/kodama.js`);
    const { stdout } = await runBlock(context, bash, placed, { http: app.httpPort });
    expect(stdout).toMatch(/^dmz-1 +ready +own .*site=dmz$/m);
    expect(stdout).toMatch(/^hello$/m);
    expect(stdout).toContain('"nodeName":"dmz-1"');
    expect(stdout).toContain('ready, cordoned');
    expect(stdout.match(/listener_closed/g)).toHaveLength(2);
    const all = await want(200, app, 'GET', '/v1/nodes?state=removed');
    expect(all.nodes).toMatchObject([{ name: 'dmz-1' }]);
  });

  test('while a node is away, lost and back callers see what the table says', async () => {
    const { joinUrl, secret } = await want(201, app, 'POST', '/v1/join-tokens', {});
    await using folder = await temporaryFolder();
    const environment = { KODAMA_DATA_DIR: folder.path };
    const words = ['--join', joinUrl, '--name', 'away'];
    await using agent = beginAgent(words, { ...environment, KODAMA_JOIN_TOKEN: secret });
    const is = (state: string) =>
      waitFor(state, async () => (await nodeState(app, 'away')) === state, patientMs);
    await is('ready');
    const placement = { node: 'away' };
    const create = (name: string) => call(app, 'POST', '/v1/listeners', { name, placement });
    for (const name of ['kept', 'ended']) expect((await create(name)).status).toBe(201);
    using grpc = grpcClient(app.grpcAddress);
    const over = await callGrpc<Message>((done) =>
      grpc.listeners.CreateListener({ name: 'by-grpc', placement }, grpc.metadata, done),
    );
    expect(over.listener).toMatchObject({ nodeName: 'away' });

    await agent[Symbol.asyncDispose]();
    await is('disconnected');
    const refused = await create('refused');
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(refused.body.errors).toMatchObject([{ path: 'placement' }]);
    const patch = { labels: { a: 'b' } };
    const changed = await want(200, app, 'PATCH', '/v1/listeners/kept', patch);
    expect(changed).toMatchObject({ generation: 2, observedGeneration: 1 });
    await want(202, app, 'DELETE', '/v1/listeners/ended');
    const ending = await want(200, app, 'GET', '/v1/listeners/ended');
    expect(ending.state).toBe('draining');

    await want(200, app, 'PATCH', '/v1/nodes/away', { lostAfterMs: 30_000 });
    await is('lost');
    expect((await call(app, 'GET', '/v1/listeners/ended')).status).toBe(404);
    const lost = await want(200, app, 'GET', '/v1/listeners/kept');
    expect(lost).toMatchObject({ state: 'failed', reason: { code: 'node_lost' } });

    await using _again = beginAgent([], environment);
    await is('ready');
    const back = await waitFor(
      'its listener',
      async () => {
        const listener = await want(200, app, 'GET', '/v1/listeners/kept');
        return listener.state === 'listening' ? listener : null;
      },
      patientMs,
    );
    expect(back).toMatchObject({ generation: 2, observedGeneration: 2, laddr: changed.laddr });
    await using client = await openClient(back.laddr.port);
    await client.echo('hello');
  });
});

const token = 'the-operators-own-token';
const headers = { authorization: `Bearer ${token}` };

/** In a folder, with a `kodama` as the image has it. */
async function shellIn(folder: string) {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'kodama'), `#!/bin/sh\nexec '${process.execPath}' '${command}' "$@"\n`);
  await chmod(join(bin, 'kodama'), 0o755);
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  const place = (text: string) =>
    text
      .replaceAll('/gateway/', `${folder}/gateway/`)
      .replaceAll('/var/lib/kodama/', `${folder}/join/`)
      .replaceAll('/join/token ', `${folder}/join/token `)
      .replaceAll('1000:1000', `${uid}:${gid}`);
  for (const name of ['gateway', 'join']) await mkdir(join(folder, name));
  return {
    place,
    async run(words: unknown, environment: Readonly<Record<string, string>> = {}) {
      const [program = '', ...rest] = (words as string[]).map(place);
      const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, ...environment };
      await promisify(execFile)(program, rest, { env });
    },
  };
}

test('the compose file, without containers: what it says is run as it stands', async () => {
  const { services } = fleetCompose;
  await using home = await makeHome();
  await using folder = await temporaryFolder();
  const shell = await shellIn(folder.path);
  await shell.run(services.certificate.command);
  // As often as compose is told `up`.
  await shell.run(services.certificate.command);

  const living: { httpPort: number; gatewayPort: number }[] = [];
  let turn = 0;
  const balanced = (port: 'httpPort' | 'gatewayPort') =>
    startTcpProxy(() => {
      turn += 1;
      return connect(living[turn % living.length]?.[port] ?? 0, '127.0.0.1');
    });
  await using rest = await balanced('httpPort');
  await using gateway = await balanced('gatewayPort');
  const url = `https://127.0.0.1:${gateway.port}`;
  const replica = async (name: 'replica-a' | 'replica-b') => {
    const gatewayPort = await freePort();
    const given = Object.entries(services[name].environment).map(([key, text]) => [
      key,
      shell.place(text),
    ]);
    const app = await startProcess(home, {
      ...Object.fromEntries(given),
      ...{ KODAMA_API_TOKEN: token, KODAMA_NODE_ID: `${name}-${randomUUID()}` },
      KODAMA_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
      DATABASE_URL: home.environment.DATABASE_URL ?? '',
      ...{ KODAMA_GATEWAY_HOST: '127.0.0.1', KODAMA_GATEWAY_PORT: `${gatewayPort}` },
      KODAMA_GATEWAY_URL: url,
    });
    living.push({ httpPort: app.httpPort, gatewayPort });
    return app;
  };
  await using a = await replica('replica-a');
  await using b = await replica('replica-b');
  expect((await call(b, 'GET', '/readyz')).status).toBe(200);
  await shell.run(services.join.command, {
    KODAMA_URL: `http://127.0.0.1:${rest.port}`,
    KODAMA_API_TOKEN: token,
  });

  await using agents = new AsyncDisposableStack();
  for (const name of ['agent-a', 'agent-b'] as const) {
    const { command: line, environment } = services[name];
    const words = shell.place(`${line} `).replace('https://balancer:7443', url).trim().split(' ');
    const dataDir = join(folder.path, name);
    agents.use(beginAgent(words.slice(2), { ...environment, KODAMA_DATA_DIR: dataDir }));
  }
  const ready = async () => {
    const { nodes } = await want(200, b, 'GET', '/v1/nodes?state=ready', undefined, headers);
    return nodes.length === 2 ? nodes : null;
  };
  const nodes = await waitFor('both nodes', ready, patientMs);
  expect(nodes).toMatchObject([
    { shared: true, labels: { site: 'compose' } },
    { shared: true, labels: { site: 'compose' } },
  ]);
  // What their health checks look for.
  const kept = await readFile(join(folder.path, 'agent-a', 'agent.json'), 'utf8');
  expect(kept).toContain('"nodeId"');

  // Whichever replica is called finds the one that has the session.
  const made = [];
  for (const [app, node] of [
    ...[a, b].map((app) => [app, 'agent-a'] as const),
    ...[a, b].map((app) => [app, 'agent-b'] as const),
  ]) {
    const placement = { node };
    made.push(await want(201, app, 'POST', '/v1/listeners', { placement }, headers));
  }
  const talkers = [];
  for (const { laddr } of made) {
    const talker = await openClient(laddr.port);
    onTestFinished(() => talker[Symbol.asyncDispose]());
    await talker.echo('hello');
    talkers.push(talker);
  }

  // One replica dies: what the nodes serve goes on, and all of it is on record at the end.
  living.shift();
  a.child.kill('SIGKILL');
  await a.exited;
  for (const talker of talkers) await talker.echo('still here');
  await waitFor(
    'a listener by the other one',
    async () => {
      const answers = ['agent-a', 'agent-b'].map(
        async (node) =>
          (await call(b, 'POST', '/v1/listeners', { placement: { node } }, headers)).status,
      );
      return (await Promise.all(answers)).every((status) => status === 201);
    },
    patientMs,
  );
  for (const talker of talkers) await talker[Symbol.asyncDispose]();
  const closed = await waitFor('the record', async () => {
    const answer = await want(200, b, 'GET', '/v1/connections?state=closed', undefined, headers);
    return answer.connections.length === 4 ? answer.connections : null;
  });
  for (const one of closed) expect(one).toMatchObject({ bytesIn: 15, bytesOut: 15 });
});
