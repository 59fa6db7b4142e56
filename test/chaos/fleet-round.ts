/**
 * One round of chaos for a fleet: two replicas without echo sockets on one PostgreSQL, three agents behind networks of
 * their own, and in each of two projects clients, listeners that are made, changed and deleted through either replica,
 * and streams from both. What is attacked comes in pairs, and in some rounds one node is away for longer than it may be.
 */
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { want } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
import { waitFor } from '../support/wait-for.ts';
import { AgentProcess } from './agent-process.ts';
import { type Fleet, lostAfterMs } from './fleet.ts';
import { attackInPairs, type Loss, loseNode } from './fleet-attacks.ts';
import { healFleet, isNode } from './fleet-heal.ts';
import { FleetProject, fleetProjectNames } from './fleet-project.ts';
import { type FleetVerdict, judgeFleet } from './fleet-verdict.ts';
import { KodamaProcess } from './kodama-process.ts';
import { processesOf } from './processes.ts';
import { Random } from './random.ts';
import { makeRoundStore, type RoundStore } from './round-store.ts';

export interface FleetRoundOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly clientsAtOnce: number;
  /** How one node is lost; null: none is. */
  readonly loss: Loss | null;
  /** All, unless some are named. */
  readonly attackNames?: readonly string[];
}

export interface FleetRoundResult extends FleetVerdict {
  readonly seed: number;
  readonly attacks: readonly string[];
  readonly healMs: number;
  readonly log: readonly string[];
}

const agentNames = ['north', 'south', 'west'] as const;
const listenersMax = 5;
const stayersOfLost = 4;
const lostTimeoutMs = 180_000;
const startTimeoutMs = 60_000;
const linesShown = 100;
const aboutConnections = /"msg":"(dis)?connected"/;

export async function runFleetRound(options: FleetRoundOptions): Promise<FleetRoundResult> {
  const { seed } = options;
  await using store = await makeRoundStore('external');
  const gatewayPorts = [await freePort(), await freePort()];
  const replicas = await Promise.all(gatewayPorts.map((port, at) => makeReplica(store, at, port)));
  const agents: AgentProcess[] = [];
  try {
    // One after the other: the first one makes the tables.
    for (const replica of replicas) await replica.begin();
    agents.push(...(await startAgents(replicas, store, gatewayPorts)));
    await using resources = new AsyncDisposableStack();
    const projects: FleetProject[] = [];
    for (const name of fleetProjectNames) {
      projects.push(resources.use(await FleetProject.begin({ name, seed, replicas })));
      for (const node of agentNames) await projects.at(-1)?.listeners.make(node);
    }
    const lost = options.loss === null ? null : (agents[seed % agents.length] ?? null);
    const fleet = { replicas, agents, projects, lost };
    const attacks = await rage(fleet, store, options);
    const healedAt = performance.now();
    await healFleet(fleet);
    const healMs = Math.round(performance.now() - healedAt);
    const verdict = await judgeFleet(fleet);
    const breaches = [...verdict.breaches, ...(await probePorts(fleet))];
    for (const process of [...agents, ...replicas]) await process.end();
    for (const { faults } of [...agents, ...replicas]) breaches.push(...faults);
    breaches.push(...processesOf(store.dataDir).map((process) => `left behind: ${process}`));
    const log = [...agents, ...replicas].flatMap((process) =>
      process.log.filter((line) => !aboutConnections.test(line)).slice(-linesShown),
    );
    return { ...verdict, breaches, seed, attacks, healMs, log };
  } catch (error) {
    const tails = [...replicas, ...agents].map((process) => process.tail());
    throw new Error(`seed ${seed}:\n${tails.join('\n\n')}`, { cause: error });
  } finally {
    for (const process of [...agents, ...replicas]) await process.kill();
  }
}

async function makeReplica(store: RoundStore, at: number, port: number): Promise<KodamaProcess> {
  const environment = {
    ...store.environment,
    KODAMA_WORKERS: '0',
    KODAMA_GATEWAY_HOST: '127.0.0.1',
    KODAMA_GATEWAY_PORT: String(port),
  };
  const ports = { http: await freePort(), grpc: await freePort() };
  const dataDir = join(store.dataDir, `replica-${at}`);
  return new KodamaProcess({
    ...{ dataDir, cluster: store.cluster, ports, environment, isEmbedded: false },
  });
}

/** By one token, which serves every project; resolves when all are there. */
async function startAgents(
  [replica]: readonly KodamaProcess[],
  store: RoundStore,
  gatewayPorts: readonly number[],
): Promise<AgentProcess[]> {
  if (replica === undefined) throw new TypeError('a fleet has a replica');
  const token = await want(201, replica, 'POST', '/v1/join-tokens', {
    ...{ uses: agentNames.length, shared: true },
  });
  const { secret: joinToken } = token;
  const agents = await Promise.all(
    agentNames.map((name) => {
      const dataDir = join(store.dataDir, name);
      return AgentProcess.begin({ name, dataDir, joinToken, gatewayPorts });
    }),
  );
  for (const { name } of agents) {
    await waitFor(`${name} to join`, () => isNode(replica, name, 'ready'), startTimeoutMs);
    await want(200, replica, 'PATCH', `/v1/nodes/${name}`, { lostAfterMs });
  }
  // What a node may be away it hears when it comes.
  for (const { network } of agents) {
    network.cut();
    network.restore();
  }
  return agents;
}

/** Resolves with the attacks that there were. */
async function rage(
  fleet: Fleet,
  store: RoundStore,
  { seed, durationMs, loss, attackNames, clientsAtOnce }: FleetRoundOptions,
): Promise<readonly string[]> {
  const { replicas, agents, projects, lost } = fleet;
  const until = performance.now() + durationMs;
  const isOver = () => performance.now() >= until;
  const ports = new Random(seed + 3);
  const visitor = async ({ listeners, clients }: FleetProject) => {
    while (!isOver()) {
      const listener = listeners.any(ports);
      if (listener === null) await pause(20);
      else if ((await clients.visit(listener)).error !== null) await pause(20);
    }
  };
  const attacked = agents.filter((agent) => agent !== lost);
  const all = { replicas, agents: attacked, store, random: new Random(seed) };
  const names = agents.map(({ name }) => name);
  const [done] = await Promise.all([
    attackInPairs(isOver, all, attackNames),
    lost === null || loss === null ? null : lose(fleet, lost, loss),
    ...projects.map(({ listeners }) => listeners.churnUntil(isOver, names, listenersMax)),
    ...Array.from({ length: clientsAtOnce }, (_, index) => {
      const project = projects[index % projects.length];
      return project === undefined ? null : visitor(project);
    }),
  ]);
  for (const { clients } of projects) clients.leaveAll();
  return loss === null ? done : [`lose_node_by_${loss}`, ...done];
}

/** With clients on it that stay, and are ended by the loss. */
async function lose({ replicas, projects }: Fleet, lost: AgentProcess, loss: Loss): Promise<void> {
  const [project] = projects;
  const [listener] = project?.listeners.onNode(lost.name) ?? [];
  if (project === undefined || listener === undefined) throw new TypeError('nobody to lose');
  // Nobody deletes it meanwhile.
  project.listeners.spare(listener.id);
  for (let count = 0; count < stayersOfLost; count += 1) {
    void project.clients.visit(listener, 'stay');
  }
  const stayers = project.clients.visits.filter(({ behaviour }) => behaviour === 'stay');
  await waitFor('those that stay', () => stayers.every(({ echoed }) => echoed === 1));
  const isLost = async () => {
    const states = await Promise.all(replicas.map((one) => isNode(one, lost.name, 'lost')));
    return states.includes(true);
  };
  await loseNode(lost, loss, () => waitFor('the node to be lost', isLost, lostTimeoutMs));
}

/** What listens echoes; what was deleted is refused, unless the kernel has given its port to another. */
async function probePorts({ projects }: Fleet): Promise<string[]> {
  const breaches: string[] = [];
  const listening = projects.flatMap(({ listeners }) => [...listeners.confirmed.values()]);
  const deleted = projects.flatMap(({ listeners }) => [...listeners.deleted.values()]);
  const ports = new Set(listening.map(({ port }) => port));
  for (const { port } of listening) {
    const echo = await talk(port, 'hello').catch(String);
    if (echo !== 'hello') breaches.push(`port ${port} should echo: ${echo}`);
  }
  const unanswered = projects.reduce((sum, { listeners }) => sum + listeners.unanswered, 0);
  for (const { port } of unanswered > 0 ? [] : deleted) {
    if (ports.has(port)) continue;
    const echo = await talk(port, 'hello').catch(String);
    if (echo === 'hello') breaches.push(`port ${port} was deleted and echoes`);
  }
  return breaches;
}

function pause(ms: number): Promise<void> {
  return new Promise((next) => setTimeout(next, ms));
}
