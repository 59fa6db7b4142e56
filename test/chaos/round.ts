/**
 * One round of chaos: a kodama, clients that come and go, listeners that are made and deleted, streams that are
 * resumed throughout, and attacks at random. Then everything is let heal, what the record says is held against
 * what the clients saw, and nothing may be left of it after its stop.
 */
import { existsSync, readdirSync } from 'node:fs';
import { all, call } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
import { waitFor } from '../support/wait-for.ts';
import { type Attacked, attacksOn } from './attacks.ts';
import { Clients } from './clients.ts';
import { ConsoleWatch } from './console-watch.ts';
import { freePort } from './free-port.ts';
import { KodamaProcess } from './kodama-process.ts';
import { type ConfirmedListener, ListenerChurn } from './listener-churn.ts';
import { GrpcReader, NdjsonReader } from './log-reader.ts';
import { fdCount, processesOf, sharedMemoryLeft, tcpSocketsOf } from './processes.ts';
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
const listenersMaxDefault = 6;
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
    const fdsAtFirst = fdCount(target.pid ?? 0);
    await using ndjson = new NdjsonReader(target.url).begin();
    // Any node shows all of the log.
    await using grpc = new GrpcReader((other ?? target).grpcAddress).begin();
    const readers = [ndjson, grpc];
    const clients = new Clients(new Random(seed + 1));
    const churn = { recording, listenersMax };
    const listeners = new ListenerChurn(target, new Random(seed + 2), churn);
    await listeners.make();
    await using watch = await openConsole(options.chromium ?? null, target, listeners);
    const judged = { target, clients, listeners, readers, recording };
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
    const { slowestMs, refused } = listeners;
    return { ...verdict, breaches, seed, attacks, healMs, slowestMs, refused, log: target.log };
  } catch (error) {
    const tails = [target.tail(), other?.tail() ?? ''];
    throw new Error(`seed ${seed}:\n${tails.join('\n\n')}`, { cause: error });
  } finally {
    await other?.kill();
    await target.kill();
  }
}

async function openConsole(
  chromium: string | null,
  { url }: KodamaProcess,
  { confirmed }: ListenerChurn,
): Promise<ConsoleWatch | null> {
  const [listener] = confirmed.values();
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
  { clients, listeners }: Judged,
  attacked: Attacked,
  { durationMs, attackNames, seed, clientsAtOnce = clientsAtOnceDefault }: RoundOptions,
): Promise<readonly string[]> {
  const until = performance.now() + durationMs;
  const isOver = () => performance.now() >= until;
  const ports = new Random(seed + 3);
  const visitor = async () => {
    while (!isOver()) {
      const listener = listeners.any(ports);
      if (listener === null) await pause(20);
      else if ((await clients.visit(listener)).error !== null) await pause(20);
    }
  };
  const [done] = await Promise.all([
    attackUntil(isOver, attacked, attackNames),
    listeners.churnUntil(isOver),
    ...Array.from({ length: clientsAtOnce }, visitor),
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
async function heal({ target, listeners, readers }: Judged): Promise<void> {
  await target.ready();
  for (const listener of listeners.confirmed.values()) {
    await waitFor(`listener ${listener.id} to listen`, () => isListening(target, listener));
  }
  for (const listener of listeners.doubtful.values()) {
    await waitFor(
      `listener ${listener.id} to be either there or gone`,
      async () => (await isListening(target, listener)) || (await isGone(target, listener)),
    );
  }
  for (const listener of listeners.deleted.values()) {
    if (!(await isGone(target, listener))) throw new Error(`${listener.id} is not gone`);
  }
  await waitFor('every connection to be closed', async () => {
    const open = await call(target, 'GET', '/v1/connections?state=open');
    const half = await call(target, 'GET', '/v1/connections?state=half_closed');
    if (open.status !== 200 || half.status !== 200) return false;
    return open.body.connections.length + half.body.connections.length === 0;
  });
  await waitFor('the streams to be at the head', async () => {
    const status = await call(target, 'GET', '/v1/status');
    return status.status === 200 && readers.every(({ seq }) => seq === status.body.headSeq);
  });
}

/**
 * On all workers that the system shows: one that was killed a moment ago may not have been missed yet, and one that
 * starts has no sockets.
 */
async function isListening(target: KodamaProcess, { id }: ConfirmedListener): Promise<boolean> {
  const { status, body } = await call(target, 'GET', `/v1/listeners/${id}`);
  if (status !== 200 || body.state !== 'listening' || body.sockets.length === 0) return false;
  const pids = new Set(body.sockets.map(({ pid }: { pid: number }) => pid));
  const killed = target.kills.flatMap(({ workerPids }) => workerPids);
  const workers = target.workers();
  return (
    workers.length === pids.size && workers.every((pid) => pids.has(pid) && !killed.includes(pid))
  );
}

async function isGone(target: KodamaProcess, { id }: ConfirmedListener): Promise<boolean> {
  const { status, body } = await call(target, 'GET', `/v1/listeners/${id}`);
  return status === 200 && body.state === 'closed';
}

/** What listens echoes; what was deleted is refused, unless the kernel has given its port to another. */
async function probePorts({ target, listeners }: Judged): Promise<string[]> {
  const breaches: string[] = [];
  const rows = await all(target, '/v1/listeners', 'listeners');
  const ports = new Set<number>(rows.map(({ laddr }) => laddr.port));
  for (const { port } of listeners.confirmed.values()) {
    const echo = await talk(port, 'hello').catch(String);
    if (echo !== 'hello') breaches.push(`port ${port} should echo: ${echo}`);
  }
  for (const { port } of listeners.deleted.values()) {
    if (ports.has(port)) continue;
    const echo = await talk(port, 'hello').catch(String);
    if (echo === 'hello') breaches.push(`port ${port} was deleted and echoes`);
  }
  for (const pid of target.workers()) {
    const { listening } = tcpSocketsOf(pid);
    if (listening === rows.length) continue;
    breaches.push(
      `worker ${pid} listens on ${listening} ports, there are ${rows.length} listeners`,
    );
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
