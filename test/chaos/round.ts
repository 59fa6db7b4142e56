/**
 * One round of chaos: a kodama, and in each of three projects clients that come and go, listeners that are made and
 * deleted and streams that are resumed throughout, with a key of its own; and attacks at random. Then everything is let
 * heal, what the record of each says is held against what its clients saw, and nothing may be left after the stop.
 */
import { existsSync, readdirSync } from 'node:fs';
import { freePort } from '../support/free-port.ts';
import { all, call } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
import { waitFor } from '../support/wait-for.ts';
import { type Attacked, attacksOn } from './attacks.ts';
import { ConsoleWatch } from './console-watch.ts';
import { KodamaProcess } from './kodama-process.ts';
import type { ConfirmedListener } from './listener-churn.ts';
import { fdCount, processesOf, sharedMemoryLeft, tcpSocketsOf } from './processes.ts';
import { ChaosProject, type ProjectApi, projectNames } from './project.ts';
import { Random } from './random.ts';
import { makeRoundStore, type RoundStore, type StoreKind } from './round-store.ts';
import { type Judged, judge, type Verdict } from './verdict.ts';

export interface RoundOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly store?: StoreKind;
  readonly recording?: 'batched' | 'durable';
  readonly workers?: number;
  /** All that fit the store, unless some are named. */
  readonly attackNames?: readonly string[];
  readonly clientsAtOnce?: number;
  readonly listenersMax?: number;
  /** The browser that has the console open throughout; null is none. */
  readonly chromium?: string | null;
}

export interface RoundResult extends Verdict {
  readonly seed: number;
  readonly attacks: readonly string[];
  /** From the last attack until all was as it should be. */
  readonly healMs: number;
  /** The slowest answer of the API to a create or a delete. */
  readonly slowestMs: number;
  readonly refused: number;
  readonly log: readonly string[];
}

const clientsAtOnceDefault = 20;
/** Of each project. */
const listenersMaxDefault = 3;
/** Pool connections, keep-alives and the like come and go; what leaks comes to more. */
const fdSlack = 48;

export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const { seed, recording = 'batched', listenersMax = listenersMaxDefault } = options;
  await using store = await makeRoundStore(options.store ?? 'embedded');
  const target = await makeTarget(store, store.dataDir, options.workers ?? 1);
  const { otherDataDir } = store;
  const other = otherDataDir === null ? null : await makeTarget(store, otherDataDir, 1);
  try {
    await target.begin();
    await other?.begin();
    await using resources = new AsyncDisposableStack();
    const { grpcAddress } = other ?? target;
    const projects: ChaosProject[] = [];
    for (const name of projectNames) {
      const own = { target, grpcAddress, seed, name, recording, listenersMax };
      projects.push(resources.use(await ChaosProject.begin(own)));
    }
    // With the streams of each, and what the first change of a project opens.
    const fdsAtFirst = fdCount(target.pid ?? 0);
    await using watch = await openConsole(options.chromium ?? null, target, projects);
    const judged = { target, projects, recording };
    const attacked = { target, other, store, random: new Random(seed) };
    const attacks = await rage(judged, attacked, options);
    const healedAt = performance.now();
    await other?.ready();
    await heal(judged);
    const healMs = Math.round(performance.now() - healedAt);
    const verdict = await judge(judged);
    const breaches = [
      ...verdict.breaches,
      ...((await watch?.judge(target)) ?? []),
      ...(await probePorts(judged)),
      ...leaks(judged, fdsAtFirst),
    ];
    await target.end();
    await other?.end();
    breaches.push(...(other?.faults ?? []), ...leftovers(store, target));
    const slowestMs = Math.max(...projects.map(({ listeners }) => listeners.slowestMs));
    const refused = projects.reduce((sum, { listeners }) => sum + listeners.refused, 0);
    return { ...verdict, breaches, seed, attacks, healMs, slowestMs, refused, log: target.log };
  } catch (error) {
    const tails = [target.tail(), other?.tail() ?? ''];
    throw new Error(`seed ${seed}:\n${tails.join('\n\n')}`, { cause: error });
  } finally {
    await other?.kill();
    await target.kill();
  }
}

/** Without a key it shows the project `default`. */
async function openConsole(
  chromium: string | null,
  { url }: KodamaProcess,
  [project]: readonly ChaosProject[],
): Promise<ConsoleWatch | null> {
  const [listener] = project?.listeners.confirmed.values() ?? [];
  if (chromium === null || listener === undefined) return null;
  return await ConsoleWatch.open(chromium, url, listener.id);
}

async function makeTarget(
  store: RoundStore,
  dataDir: string,
  workers: number,
): Promise<KodamaProcess> {
  const { cluster } = store;
  const environment = { ...store.environment, KODAMA_WORKERS: String(workers) };
  const ports = { http: await freePort(), grpc: await freePort() };
  const isEmbedded = store.kind !== 'external';
  return new KodamaProcess({ dataDir, cluster, ports, environment, isEmbedded });
}

/** Resolves with the attacks that there were. */
async function rage(
  { projects }: Judged,
  attacked: Attacked,
  { durationMs, attackNames, seed, clientsAtOnce = clientsAtOnceDefault }: RoundOptions,
): Promise<readonly string[]> {
  const until = performance.now() + durationMs;
  const isOver = () => performance.now() >= until;
  const ports = new Random(seed + 3);
  const visitor = async ({ listeners, clients }: ChaosProject) => {
    while (!isOver()) {
      const listener = listeners.any(ports);
      if (listener === null) await pause(20);
      else if ((await clients.visit(listener)).error !== null) await pause(20);
    }
  };
  const [done] = await Promise.all([
    attackUntil(isOver, attacked, attackNames),
    ...projects.map(({ listeners }) => listeners.churnUntil(isOver)),
    // Each has its share of the clients.
    ...Array.from({ length: clientsAtOnce }, (_, index) => {
      const project = projects[index % projects.length];
      return project === undefined ? null : visitor(project);
    }),
  ]);
  return done;
}

async function attackUntil(
  isOver: () => boolean,
  attacked: Attacked,
  names: readonly string[] | undefined,
): Promise<readonly string[]> {
  const attacks = attacksOn(attacked);
  const { random } = attacked;
  const done: string[] = [];
  while (!isOver()) {
    await pause(random.between(100, 1200));
    const name = random.pick(names ?? Object.keys(attacks));
    done.push(name);
    await attacks[name]?.(attacked);
  }
  return done;
}

/** Everything that should be up is up, and nothing is open any more. */
async function heal({ target, projects }: Judged): Promise<void> {
  await target.ready();
  for (const project of projects) await healProject(target, project);
}

async function healProject(
  target: KodamaProcess,
  { name, api, listeners, readers }: ChaosProject,
): Promise<void> {
  for (const listener of listeners.confirmed.values()) {
    await waitFor(`listener ${listener.id} to listen`, () => isListening(target, api, listener));
  }
  for (const listener of listeners.doubtful.values()) {
    await waitFor(
      `listener ${listener.id} to be either there or gone`,
      async () => (await isListening(target, api, listener)) || (await isGone(api, listener)),
    );
  }
  for (const listener of listeners.deleted.values()) {
    if (!(await isGone(api, listener))) throw new Error(`${listener.id} is not gone`);
  }
  await waitFor(`every connection of ${name} to be closed`, async () => {
    const open = await call(api, 'GET', '/v1/connections?state=open');
    const half = await call(api, 'GET', '/v1/connections?state=half_closed');
    if (open.status !== 200 || half.status !== 200) return false;
    return open.body.connections.length + half.body.connections.length === 0;
  });
  await waitFor(`the streams of ${name} to be at the head`, async () => {
    const status = await call(api, 'GET', '/v1/status');
    return status.status === 200 && readers.every(({ seq }) => seq === status.body.headSeq);
  });
}

/**
 * On all workers that the system shows: one that was killed a moment ago may not have been missed yet, and one that
 * starts has no sockets.
 */
async function isListening(
  target: KodamaProcess,
  api: ProjectApi,
  { id }: ConfirmedListener,
): Promise<boolean> {
  const { status, body } = await call(api, 'GET', `/v1/listeners/${id}`);
  if (status !== 200 || body.state !== 'listening' || body.sockets.length === 0) return false;
  const pids = new Set(body.sockets.map(({ pid }: { pid: number }) => pid));
  const killed = target.kills.flatMap(({ workerPids }) => workerPids);
  const workers = target.workers();
  return (
    workers.length === pids.size && workers.every((pid) => pids.has(pid) && !killed.includes(pid))
  );
}

async function isGone(api: ProjectApi, { id }: ConfirmedListener): Promise<boolean> {
  const { status, body } = await call(api, 'GET', `/v1/listeners/${id}`);
  return status === 200 && body.state === 'closed';
}

/** What listens echoes; what was deleted is refused, unless the kernel has given its port to another. */
async function probePorts({ target, projects }: Judged): Promise<string[]> {
  const breaches: string[] = [];
  const rows = (
    await Promise.all(projects.map(({ api }) => all(api, '/v1/listeners', 'listeners')))
  ).flat();
  const ports = new Set<number>(rows.map(({ laddr }) => laddr.port));
  const listening = projects.flatMap(({ listeners }) => [...listeners.confirmed.values()]);
  const deleted = projects.flatMap(({ listeners }) => [...listeners.deleted.values()]);
  for (const { port } of listening) {
    const echo = await talk(port, 'hello').catch(String);
    if (echo !== 'hello') breaches.push(`port ${port} should echo: ${echo}`);
  }
  for (const { port } of deleted) {
    if (ports.has(port)) continue;
    const echo = await talk(port, 'hello').catch(String);
    if (echo === 'hello') breaches.push(`port ${port} was deleted and echoes`);
  }
  for (const pid of target.workers()) {
    const { listening: bound } = tcpSocketsOf(pid);
    if (bound === rows.length) continue;
    breaches.push(`worker ${pid} listens on ${bound} ports, there are ${rows.length} listeners`);
  }
  return breaches;
}

/** Sockets and files that stay open though nothing needs them. */
function leaks({ target }: Judged, fdsAtFirst: number): string[] {
  const breaches: string[] = [];
  const fds = fdCount(target.pid ?? 0);
  if (fds > fdsAtFirst + fdSlack) {
    breaches.push(`the control plane has ${fds} files open, ${fdsAtFirst} at first`);
  }
  return breaches;
}

/** What a stop must not leave behind. */
function leftovers(
  { dataDir, otherDataDir, kind, cluster }: RoundStore,
  target: KodamaProcess,
): string[] {
  const processes = [dataDir, otherDataDir].flatMap((one) => (one ? processesOf(one) : []));
  const breaches = processes.map((process) => `left behind: ${process}`);
  const files = readdirSync(dataDir).filter((name) => /^kodama\.lock|^postgres\.run/.test(name));
  breaches.push(...files.map((name) => `left behind: ${name}`));
  if (kind === 'external') return breaches;
  if (existsSync(`${cluster}/postmaster.pid`)) breaches.push('left behind: postmaster.pid');
  const memory = sharedMemoryLeft().filter((name) => target.sharedMemory.has(name));
  return [...breaches, ...memory.map((name) => `left behind: shared memory ${name}`)];
}

function pause(ms: number): Promise<void> {
  return new Promise((next) => setTimeout(next, ms));
}
