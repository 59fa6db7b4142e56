/** docs/fleet.md and docker-compose.fleet.yml, held to what can be read of them; they are run by fleet-page.long.test.ts. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, matchesGlob } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { readAgentConfig, settings } from '../src/config.ts';
import { blocks } from './support/clients-page.ts';
import { fleetCompose } from './support/fleet-compose.ts';

const root = join(import.meta.dirname, '..');
const page = 'docs/fleet.md';
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const { services, configs, volumes } = fleetCompose;
const { 'replica-a': first, 'replica-b': second } = services;
const agents = [services['agent-a'], services['agent-b']];
const agentFile = '/var/lib/kodama/agent.json';

test('each variable that the page names is one that kodama reads', () => {
  const named = new Set(read(page).match(/\b(KODAMA_[A-Z_]+|DATABASE_URL)\b/g));
  named.delete('KODAMA_JOIN_TOKEN');
  expect(named.size).toBeGreaterThan(10);
  for (const name of named) expect(settings.shape, name).toHaveProperty(name);
});

test('what an agent on the page keeps in the clone is none of the tree', () => {
  const ignored = read('.gitignore').split('\n');
  const [, dataDir = ''] = /^KODAMA_DATA_DIR=(\S+) node/m.exec(read(page)) ?? [];
  expect(ignored.some((line) => matchesGlob(`${dataDir}/`, line))).toBe(true);
});

test('systemd takes the unit of an agent', async ({ skip }) => {
  const [unit = ''] = blocks('ini', page);
  expect(unit).toContain('bin/kodama.js agent --join https://');
  const folder = await mkdtemp(join(tmpdir(), 'kodama-unit-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'kodama-agent.service');
  await writeFile(file, unit.replaceAll('/opt/kodama', root));
  const verified = await promisify(execFile)('systemd-analyze', ['verify', file]).catch(
    (error: NodeJS.ErrnoException & { stderr: string }) => {
      if (error.code === 'ENOENT') skip('systemd-analyze is not installed');
      return error;
    },
  );
  const ours = verified.stderr.split('\n').filter((line) => line.includes('kodama-agent.service'));
  expect(ours).toEqual([]);
});

test('the replicas are equal but for their names, and the one that migrates comes first', () => {
  const { KODAMA_NODE_ID: firstName, ...shared } = first.environment;
  const { KODAMA_NODE_ID: secondName, ...same } = second.environment;
  expect(same).toEqual(shared);
  expect(secondName).not.toBe(firstName);
  expect(shared).toMatchObject({ KODAMA_WORKERS: '0' });
  for (const secret of ['KODAMA_API_TOKEN', 'KODAMA_SECRET_KEY']) {
    expect(shared[secret]).toMatch(new RegExp(`^\\$\\{${secret}:\\?.+\\}$`));
  }
  for (const name of Object.keys(first.environment)) expect(settings.shape).toHaveProperty(name);
  expect(second.depends_on).toMatchObject({ 'replica-a': { condition: 'service_healthy' } });
  expect(first.volumes).toEqual(['gateway:/gateway:ro']);
});

test('nobody but the balancer and listeners is published', () => {
  const published = Object.entries(services).filter(([, { ports }]) => ports !== undefined);
  expect(published.map(([name]) => name)).toEqual(['balancer', 'agent-a', 'agent-b']);
  expect(services.balancer.ports).toEqual(['8080:8080', '50051:50051', '7443:7443']);
  for (const { environment, ports } of agents) {
    const { KODAMA_LISTEN_PORTS: range } = environment;
    expect(ports).toEqual([`${range}:${range}/tcp`, `${range}:${range}/udp`]);
    expect(readAgentConfig(environment).listenPorts).not.toBeNull();
  }
});

test('agents have no secret but a token, and dial where the replicas say', () => {
  const { KODAMA_GATEWAY_URL: url } = first.environment;
  for (const { environment, command, volumes: mounted, healthcheck } of agents) {
    expect(Object.keys(environment)).toEqual(['KODAMA_LISTEN_PORTS']);
    expect(command).toContain('kodama agent ');
    expect(url).toContain(/--join (\S+)/.exec(String(command))?.[1]);
    expect(mounted).toContain('join:/join:ro');
    expect(healthcheck?.test).toEqual(['CMD', 'grep', '--quiet', '"nodeId"', agentFile]);
  }
  expect(read('Dockerfile')).toContain('ln -s /app/bin/kodama.js /usr/local/bin/kodama');
});

test('the token is made once the balancer reaches a replica', () => {
  expect(services.join.depends_on).toEqual({ balancer: { condition: 'service_healthy' } });
  expect(String(services.balancer.healthcheck?.test)).toContain('/readyz');
});

test('the fleet is a project of its own beside docker-compose.yml', () => {
  expect(fleetCompose.name).toBe('kodama-fleet');
});

test('compose waits for a stop longer than replicas and agents take for it', () => {
  const { shutdownTimeoutMs } = readAgentConfig(services['agent-a'].environment);
  for (const { stop_grace_period: grace = '' } of [first, second, ...agents]) {
    expect(Number.parseInt(grace, 10) * 1000).toBeGreaterThan(shutdownTimeoutMs);
  }
});

test('what the file names is in it', () => {
  for (const [name, { depends_on: needs = {}, volumes: mounted = [] }] of Object.entries(
    services,
  )) {
    for (const need of Object.keys(needs)) expect(services, name).toHaveProperty(need);
    for (const volume of mounted) expect(volumes, name).toHaveProperty(volume.split(':')[0] ?? '');
  }
  const { content } = configs.balancer;
  const pattern = /server (\S+):(\d+) resolve( max_fails=0)?;/g;
  const targets = [...content.matchAll(pattern)].map(([, ...at]) => at);
  const expected = ['8080', '50051', '7443'].flatMap((port) => [
    ['replica-a', port, ' max_fails=0'],
    ['replica-b', port, ' max_fails=0'],
  ]);
  // Else one that restarted is left out for 10 s more, also while the other one restarts.
  expect(targets).toEqual(expected);
});
