/** The fleet of the scene: two replicas without echo sockets on one PostgreSQL, and an agent at each site. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetProject, fleetProjectNames } from '../chaos/fleet-project.ts';
import { KodamaProcess } from '../chaos/kodama-process.ts';
import { LastingProcess } from '../chaos/lasting-process.ts';
import { freePort } from '../support/free-port.ts';
import { call, want } from '../support/rest-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { makeDatabase } from '../support/test-database.ts';
import { makeOwnCertificate } from '../support/tls-certificates.ts';
import { waitFor } from '../support/wait-for.ts';
import { type Ground, type GroundPorts, type Site, type SiteName, siteNames } from './ground.ts';
import { makeLoopbackGround } from './loopback-ground.ts';
import { makeNamespaceGround } from './namespace-ground.ts';
import type { SceneListener } from './scene-clients.ts';

const agentFile = join(import.meta.dirname, '../../src/agent/main.ts');
export const patientMs = 120_000;
/** A node behind the NAT serves `durable` ones, whose echoes are on record whatever is killed. */
const recordings = { north: 'durable', south: 'batched', west: 'batched' } as const;

class SceneAgent extends LastingProcess {
  constructor(name: SiteName, { node, gatewayUrls }: Site, dataDir: string, joinToken: string) {
    const joins = gatewayUrls.flatMap((url) => ['--join', url]);
    super({
      what: 'agent',
      words: [agentFile, ...joins, '--name', name],
      enter: node.enter,
      expectedErrors: new Set(),
      environment: {
        KODAMA_DATA_DIR: dataDir,
        KODAMA_JOIN_TOKEN: joinToken,
        KODAMA_LISTEN_HOST: node.ip,
        KODAMA_WORKERS: '1',
      },
    });
  }

  begin(): void {
    this.live();
  }
}

export interface Scene extends AsyncDisposable {
  readonly ground: Ground;
  readonly replicas: readonly [KodamaProcess, KodamaProcess];
  readonly agents: Readonly<Record<SiteName, SceneAgent>>;
  readonly projects: readonly FleetProject[];
  /** One of each project at each site. */
  readonly listeners: readonly SceneListener[];
  /** What each node was seen to be. */
  readonly states: Readonly<Record<SiteName, readonly string[]>>;
}

export async function startScene(lostAfterMs: Readonly<Record<SiteName, number>>): Promise<Scene> {
  await using resources = new AsyncDisposableStack();
  const gateways = [await freePort(), await freePort()] as const;
  const edges = [await freePort(), await freePort(), await freePort(), await freePort()] as const;
  const ground = resources.use(await makeGround({ gateways, edges }));
  const folder = resources.use(await temporaryFolder());
  const database = resources.use(await makeDatabase());
  const certificate = await makeOwnCertificate();
  for (const part of ['cert', 'key'] as const) {
    await writeFile(join(folder.path, part), certificate[part], { mode: 0o600 });
  }
  const replica = (at: 0 | 1) => {
    const { ip, enter } = ground.control;
    const dataDir = join(folder.path, `replica-${at}`);
    const made = new KodamaProcess({
      ...{ dataDir, enter, cluster: dataDir, isEmbedded: false },
      ports: { http: edges[at], grpc: edges[at + 2] ?? 0 },
      environment: {
        DATABASE_URL: database.url,
        KODAMA_WORKERS: '0',
        KODAMA_GATEWAY_HOST: ip,
        KODAMA_GATEWAY_PORT: String(gateways[at]),
        KODAMA_GATEWAY_TLS_CERT: join(folder.path, 'cert'),
        KODAMA_GATEWAY_TLS_KEY: join(folder.path, 'key'),
      },
    });
    resources.defer(() => made.kill());
    return made;
  };
  const replicas = [replica(0), replica(1)] as const;
  await Promise.all(replicas.map((one) => one.begin()));
  const agents = await startAgents(ground, replicas, folder.path, resources);
  const states = watchStates(replicas, resources);
  for (const name of siteNames) {
    await setLostAfter(replicas[0], name, lostAfterMs[name]);
  }
  const projects: FleetProject[] = [];
  for (const name of fleetProjectNames) {
    projects.push(resources.use(await FleetProject.begin({ name, seed: 1, replicas })));
  }
  const listeners = await makeListeners(projects);
  const made = resources.move();
  return {
    ...{ ground, replicas, agents, projects, listeners, states },
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

/** Of namespaces, or, where this user may make none, of loopback addresses. */
async function makeGround(ports: GroundPorts): Promise<Ground> {
  try {
    return await makeNamespaceGround(ports);
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim().replaceAll('\n', ' ') : '';
    return await makeLoopbackGround(ports, reason);
  }
}

async function startAgents(
  ground: Ground,
  [replica]: Scene['replicas'],
  folder: string,
  resources: AsyncDisposableStack,
): Promise<Scene['agents']> {
  const asked = { uses: siteNames.length, shared: true };
  const { secret } = await want(201, replica, 'POST', '/v1/join-tokens', asked);
  const start = (name: SiteName) => {
    const agent = new SceneAgent(name, ground.sites[name], join(folder, name), secret);
    resources.defer(() => agent.kill());
    agent.begin();
    return agent;
  };
  const agents = { north: start('north'), south: start('south'), west: start('west') };
  for (const name of siteNames) await untilNode(replica, name, 'ready');
  return agents;
}

/** Resolves when the node has been answered since, which is when it hears of it. */
async function setLostAfter(
  replica: KodamaProcess,
  name: SiteName,
  lostAfterMs: number,
): Promise<void> {
  const path = `/v1/nodes/${name}`;
  await want(200, replica, 'PATCH', path, { lostAfterMs });
  const setAt = Date.now();
  const isSeen = async () => Date.parse((await want(200, replica, 'GET', path)).lastSeenAt) > setAt;
  await waitFor(`${name} to hear of it`, isSeen, patientMs);
}

async function makeListeners(projects: readonly FleetProject[]): Promise<SceneListener[]> {
  const listeners: SceneListener[] = [];
  for (const [at, { name: project, apis }] of projects.entries()) {
    for (const site of siteNames) {
      const api = apis[at % apis.length];
      if (api === undefined) throw new TypeError('a fleet has replicas');
      const asked = { name: site, placement: { node: site }, recording: recordings[site] };
      const { id, laddr } = await want(201, api, 'POST', '/v1/listeners', asked);
      listeners.push({ id, project, site, laddr });
    }
  }
  return listeners;
}

export async function untilNode(
  replica: KodamaProcess,
  name: SiteName,
  state: string,
): Promise<void> {
  await waitFor(`${name} to be ${state}`, () => isNode(replica, name, state), patientMs);
}

/** False while the replica is started again, too. */
async function isNode(replica: KodamaProcess, name: SiteName, state: string): Promise<boolean> {
  const reply = await call(replica, 'GET', `/v1/nodes/${name}`).catch(() => null);
  return reply?.status === 200 && reply.body.state === state;
}

const lookEveryMs = 1000;

/** By the second replica, which lives as long as the scene. */
function watchStates(
  [, replica]: Scene['replicas'],
  resources: AsyncDisposableStack,
): Scene['states'] {
  const states: Record<SiteName, string[]> = { north: [], south: [], west: [] };
  const look = async () => {
    const reply = await call(replica, 'GET', '/v1/nodes').catch(() => null);
    for (const { name, state } of reply?.status === 200 ? reply.body.nodes : []) {
      const seen = states[name as SiteName];
      if (seen !== undefined && seen.at(-1) !== state) seen.push(state);
    }
  };
  const timer = setInterval(() => void look(), lookEveryMs);
  resources.defer(() => clearInterval(timer));
  return states;
}
