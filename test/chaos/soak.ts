/**
 * A long time of steady churn, with retention at work: connections and listeners come and go, some connections stay,
 * streams follow, lists are read. Memory, files, the size of the database and latency are sampled, and what the last
 * quarter of the time shows is held against the second: what leaks or slows down grows between them.
 *
 * The memory of a process goes up in steps, as V8 sees fit, and seldom down. What the heap of the worker holds alive,
 * after a full collection, tells of a leak: it is counted at a quarter of the time and at the end.
 */
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from '../support/free-port.ts';
import { heapFlags, liveHeapBytes } from '../support/live-heap.ts';
import { call, want } from '../support/rest-client.ts';
import { waitFor } from '../support/wait-for.ts';
import { KodamaProcess } from './kodama-process.ts';
import { GrpcReader, NdjsonReader } from './log-reader.ts';
import { childrenOf, fdCount, memoryOf } from './processes.ts';

export interface SoakOptions {
  readonly minutes: number;
  /** Connections a second. */
  readonly rate: number;
}

/** One look at everything. Sizes in MB, latencies in ms. */
const measures = {
  controlMb: { word: 'control plane, memory (MB)', growth: 1.1, slack: 32 },
  workerMb: { word: 'worker, memory (MB)', growth: 1.1, slack: 32 },
  postgresMb: { word: 'PostgreSQL, memory (MB)', growth: 1.15, slack: 16 },
  controlFds: { word: 'control plane, open files', growth: 1, slack: 8 },
  workerFds: { word: 'worker, open files', growth: 1, slack: 16 },
  databaseMb: { word: 'database (MB)', growth: 1.25, slack: 8 },
  walMb: { word: 'write-ahead log (MB)', growth: 1.5, slack: 64 },
  echoP50: { word: 'connect and echo, p50 (ms)', growth: 1.5, slack: 2 },
  echoP99: { word: 'connect and echo, p99 (ms)', growth: 2, slack: 25 },
  listP50: { word: 'page of the history, p50 (ms)', growth: 1.5, slack: 5 },
} as const;
type Measure = keyof typeof measures;
type Sample = Readonly<Record<Measure, number>>;

const retentionEvents = 50_000;
const listenersKept = 4;
const connectionsKept = 50;
const sampleMs = 10_000;
const tickMs = 20;
const mebi = 1 << 20;

export async function soak({ minutes, rate }: SoakOptions): Promise<boolean> {
  const dataDir = await mkdtemp(join(tmpdir(), 'kodama-soak-'));
  const cluster = join(dataDir, 'postgres');
  const ports = { http: await freePort(), grpc: await freePort() };
  const environment = {
    KODAMA_RETENTION_EVENTS_MAX: String(retentionEvents),
    KODAMA_LOG_LEVEL: 'warn',
  };
  const nodeOptions = heapFlags(dataDir);
  const options = { dataDir, cluster, ports, environment, nodeOptions, isEmbedded: true };
  const target = new KodamaProcess(options);
  try {
    await target.begin();
    await using ndjson = new NdjsonReader(target.url, { keepsEvents: false }).begin();
    await using grpc = new GrpcReader(target.grpcAddress, { keepsEvents: false }).begin();
    const load = await SteadyLoad.start(target, rate);
    const place = { dataDir, cluster };
    const durationMs = minutes * 60_000;
    const samples = await observe(target, load, place, durationMs / 4);
    const heapBefore = await liveHeap(target, load, dataDir);
    samples.push(...(await observe(target, load, place, (durationMs / 4) * 3, samples.length)));
    const heapAfter = await liveHeap(target, load, dataDir);
    const faults = [...(await load.stop()), ...ndjson.faults, ...grpc.faults, ...target.faults];
    await target.end();
    faults.push(...growths(samples), ...heapGrowths(heapBefore, heapAfter));
    return report(samples, faults, load.visits);
  } catch (error) {
    throw new Error(target.tail(), { cause: error });
  } finally {
    await target.kill();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

class SteadyLoad {
  readonly #target: KodamaProcess;
  readonly #ports: readonly number[];
  readonly #kept: Socket[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>[] = [];
  readonly #open = new Set<Socket>();
  readonly faults: string[] = [];
  /** While a process stands still for its snapshot, calls would only tell of that. */
  isApiLeftAlone = false;
  echoMs: number[] = [];
  listMs: number[] = [];
  visits = 0;

  private constructor(target: KodamaProcess, ports: readonly number[]) {
    this.#target = target;
    this.#ports = ports;
  }

  static async start(target: KodamaProcess, rate: number): Promise<SteadyLoad> {
    const ports: number[] = [];
    for (let n = 0; n < listenersKept; n++) {
      const { laddr } = await want(201, target, 'POST', '/v1/listeners', { name: `kept-${n}` });
      ports.push(laddr.port);
    }
    const load = new SteadyLoad(target, ports);
    load.#running.push(load.#churn(rate), load.#callTheApi(), load.#chat());
    return load;
  }

  async #pause(ms: number): Promise<boolean> {
    await new Promise((next) => setTimeout(next, ms));
    return !this.#stop.signal.aborted;
  }

  #fault(text: string): void {
    if (this.faults.length < 100) this.faults.push(text);
  }

  async #churn(rate: number): Promise<void> {
    const begun = performance.now();
    while (await this.#pause(tickMs)) {
      const due = ((performance.now() - begun) / 1000) * rate;
      while (this.visits < due) this.#visit(this.visits++);
    }
    await waitFor('the last clients to end', () => this.#open.size === 0);
  }

  #visit(number: number): void {
    const begun = performance.now();
    // Many sources, so that ports in TIME_WAIT never run out.
    const localAddress = `127.${1 + (number % 50)}.0.1`;
    const port = this.#ports[number % this.#ports.length] ?? 0;
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    this.#open.add(socket);
    const sent = Buffer.alloc(64, number % 251);
    let received = 0;
    socket.setNoDelay(true);
    socket.setTimeout(20_000, () => socket.destroy(new Error('timed out')));
    socket.on('connect', () => socket.write(sent));
    socket.on('data', (data: Buffer) => {
      received += data.length;
      if (received < sent.length) return;
      this.echoMs.push(performance.now() - begun);
      socket.end();
    });
    socket.on('error', (error) => this.#fault(`client ${number}: ${error.message}`));
    socket.on('close', () => {
      this.#open.delete(socket);
      if (received !== sent.length) this.#fault(`client ${number} got ${received} bytes`);
    });
  }

  /** A listener comes and goes, and pages are read, all the time. */
  async #callTheApi(): Promise<void> {
    while (await this.#pause(250)) {
      if (this.isApiLeftAlone) continue;
      try {
        const { id } = await want(201, this.#target, 'POST', '/v1/listeners', {});
        const begun = performance.now();
        await want(200, this.#target, 'GET', '/v1/connections?pageSize=50&closeReason=peer_fin');
        this.listMs.push(performance.now() - begun);
        await want(204, this.#target, 'DELETE', `/v1/listeners/${id}`);
      } catch (error) {
        this.#fault(String(error));
      }
    }
  }

  /** Connections that stay, and say something once a second. */
  async #chat(): Promise<void> {
    for (let n = 0; n < connectionsKept; n++) {
      const socket = connect({ port: this.#ports[n % this.#ports.length] ?? 0, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (!this.#stop.signal.aborted) this.#fault('a connection that should stay has ended');
      });
      await once(socket, 'connect');
      socket.resume();
      this.#kept.push(socket);
    }
    while (await this.#pause(1000)) for (const socket of this.#kept) socket.write('still here');
  }

  /** Resolves with what went wrong. */
  async stop(): Promise<readonly string[]> {
    this.#stop.abort();
    for (const socket of this.#kept) socket.end();
    await Promise.all(this.#running);
    const wanted = this.visits + connectionsKept;
    await waitFor('every connection to be counted', async () => {
      const { body } = await call(this.#target, 'GET', '/v1/listeners?pageSize=1000');
      const totals = body.listeners.map(
        ({ totalConnections }: { totalConnections: number }) => totalConnections,
      );
      const total = totals.reduce((sum: number, one: number) => sum + one, 0);
      if (total > wanted) this.#fault(`${total} connections on record, there were ${wanted}`);
      return total >= wanted;
    }).catch((error) => this.#fault(String(error)));
    return this.faults;
  }
}

async function observe(
  target: KodamaProcess,
  load: SteadyLoad,
  place: { readonly dataDir: string; readonly cluster: string },
  durationMs: number,
  taken = 0,
): Promise<Sample[]> {
  const host = join(place.dataDir, 'postgres.run');
  await using database = await connectTo(host);
  const samples: Sample[] = [];
  const until = performance.now() + durationMs;
  while (performance.now() < until) {
    await new Promise((next) => setTimeout(next, sampleMs));
    const { rows } = await database.client.query(
      'SELECT pg_database_size(current_database()) AS size',
    );
    const sample = take(target, load, place.cluster, Number(rows[0].size));
    samples.push(sample);
    console.log(
      JSON.stringify({ minute: ((taken + samples.length) * sampleMs) / 60_000, ...sample }),
    );
  }
  return samples;
}

async function connectTo(host: string) {
  const client = new Client({ host, port: 5432, user: 'kodama', database: 'postgres' });
  await client.connect();
  return { client, [Symbol.asyncDispose]: () => client.end() };
}

function take(
  target: KodamaProcess,
  load: SteadyLoad,
  cluster: string,
  databaseBytes: number,
): Sample {
  const control = target.pid ?? 0;
  const [worker = 0] = target.workers();
  const postmaster = target.postmaster() ?? 0;
  const postgres = [postmaster, ...childrenOf(postmaster)];
  const { echoMs, listMs } = load;
  load.echoMs = [];
  load.listMs = [];
  const wal = join(cluster, 'pg_wal');
  const walBytes = readdirSync(wal).reduce((sum, name) => sum + sizeOf(join(wal, name)), 0);
  return {
    controlMb: round(memoryOf(control) / mebi),
    workerMb: round(memoryOf(worker) / mebi),
    postgresMb: round(postgres.reduce((sum, pid) => sum + memoryOf(pid), 0) / mebi),
    controlFds: fdCount(control),
    workerFds: fdCount(worker),
    databaseMb: round(databaseBytes / mebi),
    walMb: round(walBytes / mebi),
    echoP50: round(quantile(echoMs, 0.5)),
    echoP99: round(quantile(echoMs, 0.99)),
    listP50: round(quantile(listMs, 0.5)),
  };
}

/** What the worker's heap holds alive after a full collection: a heap snapshot begins with one. */
async function liveHeap(
  target: KodamaProcess,
  load: SteadyLoad,
  directory: string,
): Promise<number> {
  const [worker = 0] = target.workers();
  load.isApiLeftAlone = true;
  const workerHeapMb = round((await liveHeapBytes(worker, directory)) / mebi);
  load.isApiLeftAlone = false;
  load.echoMs = [];
  console.log(JSON.stringify({ workerHeapMb }));
  return workerHeapMb;
}

function heapGrowths(before: number, after: number): readonly string[] {
  if (after <= before * 1.1 + 2) return [];
  return [`the worker's live heap grew from ${before} to ${after} MB`];
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

function medianOf(samples: readonly Sample[], measure: Measure, from: number, to: number): number {
  const part = samples.slice(samples.length * from, samples.length * to);
  return quantile(
    part.map((sample) => sample[measure]),
    0.5,
  );
}

const names = Object.keys(measures) as Measure[];

/** What grew from the second quarter to the last by more than noise does. */
function growths(samples: readonly Sample[]): readonly string[] {
  return names.flatMap((measure) => {
    const { word, growth, slack } = measures[measure];
    const before = medianOf(samples, measure, 0.25, 0.5);
    const after = medianOf(samples, measure, 0.75, 1);
    return after <= before * growth + slack ? [] : [`${word} grew from ${before} to ${after}`];
  });
}

function report(samples: readonly Sample[], faults: readonly string[], visits: number): boolean {
  console.log(`${visits} connections\n\n| | 2nd quarter | 4th quarter | most |\n|---|---|---|---|`);
  for (const measure of names) {
    const second = medianOf(samples, measure, 0.25, 0.5);
    const fourth = medianOf(samples, measure, 0.75, 1);
    const most = Math.max(...samples.map((sample) => sample[measure]));
    console.log(`| ${measures[measure].word} | ${second} | ${fourth} | ${most} |`);
  }
  for (const fault of faults.slice(0, 50)) console.error(fault);
  return faults.length === 0;
}
