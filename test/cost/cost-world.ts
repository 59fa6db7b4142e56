/** A kodama in a process of its own, on a PostgreSQL of its own, so that all that it spends is spent for one caller. */
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client as PgClient } from 'pg';
import { EmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { isAlive, signal } from '../chaos/processes.ts';
import { heapFlags, liveHeapBytes } from '../support/live-heap.ts';
import { call, want } from '../support/rest-client.ts';
import { talk } from '../support/tcp-client.ts';
import {
  type Environment,
  nodeMain,
  startProcess,
  type TestHome,
  type TestProcess,
} from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';
import { loopMs } from './gauges.ts';

const probe = pathToFileURL(join(import.meta.dirname, 'live-memory-probe.ts')).href;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
/** After one hostile input it may be busy for long; that it comes back at all is for other bounds to judge. */
const answerAgainWithinMs = 120_000;

export interface Gauged {
  readonly loopMs: number;
  readonly workerMs: number;
  readonly walBytes: number;
}

/** Where to send to: all that a family needs of a world. */
export interface Target {
  readonly url: string;
  readonly grpcAddress: string;
  readonly listenerId: string;
  readonly connectionId: string;
  /** Of another kodama, which knows nothing of this one; empty until it is there. */
  readonly otherUrl: string;
}

export class CostWorld implements Target, AsyncDisposable {
  readonly app: TestProcess;
  readonly postgres: EmbeddedPostgres;
  readonly #dir: string;
  readonly #home: TestHome;
  readonly #database: PgClient;
  readonly #resources: AsyncDisposableStack;
  #listenerId = '';
  #connectionId = '';
  #otherUrl = '';
  #workerPid: number;

  private constructor(
    parts: { app: TestProcess; home: TestHome; workerPid: number; postgres: EmbeddedPostgres },
    database: PgClient,
    dir: string,
    resources: AsyncDisposableStack,
  ) {
    this.app = parts.app;
    this.#home = parts.home;
    this.#workerPid = parts.workerPid;
    this.postgres = parts.postgres;
    this.#database = database;
    this.#dir = dir;
    this.#resources = resources;
  }

  static async open(extra: Environment = {}): Promise<CostWorld> {
    await using resources = new AsyncDisposableStack();
    const dir = await mkdtemp(join(tmpdir(), 'kodama-cost-'));
    resources.defer(() => rm(dir, { recursive: true, force: true }));
    const bounds = { startTimeoutMs: 60_000, stopTimeoutMs: 10_000 };
    const postgres = resources.use(
      await EmbeddedPostgres.start({ dataDir: join(dir, 'postgres'), log: quiet, ...bounds }),
    );
    const database = new PgClient({ connectionString: postgres.connectionString });
    await database.connect();
    resources.defer(() => database.end());
    // A page that is written whole after a checkpoint would be charged to whoever comes then.
    await database.query('ALTER SYSTEM SET full_page_writes = off');
    await database.query('SELECT pg_reload_conf()');
    const { connectionString } = postgres;
    const environment = {
      KODAMA_HTTP_PORT: '0',
      KODAMA_GRPC_PORT: '0',
      KODAMA_DATA_DIR: join(dir, 'kodama'),
      DATABASE_URL: connectionString,
      NODE_OPTIONS: `--expose-gc --import=${probe}?dir=${dir}`,
      KODAMA_LOG_LEVEL: 'warn',
      ...extra,
    };
    const home = { environment, [Symbol.asyncDispose]: async () => undefined };
    const [node = '', ...words] = nodeMain;
    const command = [node, ...heapFlags(dir), ...words];
    const app = resources.use(await startProcess(home, { KODAMA_LOG_LEVEL: 'info' }, { command }));
    const { workers } = await want(200, app, 'GET', '/v1/status');
    const parts = { app, home, workerPid: workers[0].pid as number, postgres };
    const world = new CostWorld(parts, database, dir, resources.move());
    await world.#makeFixtures();
    return world;
  }

  get url(): string {
    return this.app.url;
  }

  get grpcAddress(): string {
    return this.app.grpcAddress;
  }

  /** Of the one that began, or that was found last. */
  get workerPid(): number {
    return this.#workerPid;
  }

  /** Of a listener named `fixture`, which stays. */
  get listenerId(): string {
    return this.#listenerId;
  }

  /** Of a connection that is closed. */
  get connectionId(): string {
    return this.#connectionId;
  }

  get otherUrl(): string {
    return this.#otherUrl;
  }

  /** Starts the other kodama. */
  async openOther(): Promise<void> {
    await this.#database.query('CREATE DATABASE other');
    const url = this.postgres.connectionString.replace(/\/[^/?]*(\?|$)/, '/other$1');
    const extra = { DATABASE_URL: url, KODAMA_DATA_DIR: join(this.#dir, 'other') };
    const other = this.#resources.use(await startProcess(this.#home, extra));
    this.#otherUrl = other.url;
  }

  async #makeFixtures(): Promise<void> {
    const { id, laddr } = await want(201, this.app, 'POST', '/v1/listeners', { name: 'fixture' });
    this.#listenerId = id;
    await talk(laddr.port, 'x');
    this.#connectionId = await waitFor('the record', async () => {
      const { connections } = await want(200, this.app, 'GET', '/v1/connections?state=closed');
      return connections[0]?.id;
    });
  }

  /** What has been spent so far; by a worker that is gone without end. */
  async gauge(): Promise<Gauged> {
    const sql = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text AS bytes";
    const { rows } = await this.#database.query<{ bytes: string }>(sql);
    return {
      walBytes: Number(rows[0]?.bytes),
      loopMs: loopMs(this.app.pid),
      workerMs: isAlive(this.#workerPid) ? loopMs(this.#workerPid) : Number.POSITIVE_INFINITY,
    };
  }

  /** The parent of the process that serves this connection. */
  async postmasterPid(): Promise<number> {
    const { rows } = await this.#database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const status = readFileSync(`/proc/${rows[0]?.pid}/status`, 'utf8');
    return Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]);
  }

  /** What the control plane holds when its garbage is gone, in bytes. */
  async liveBytes(): Promise<number> {
    const file = join(this.#dir, 'live-memory');
    await rm(file, { force: true });
    signal(this.app.pid, 'SIGUSR2');
    const text = await waitFor(
      'the live memory',
      () => readFile(file, 'utf8').catch(() => ''),
      answerAgainWithinMs,
    );
    return Number(text);
  }

  /** The same of the worker. */
  async workerLiveBytes(): Promise<number> {
    return await liveHeapBytes(this.#workerPid, this.#dir);
  }

  /** Resolves when it answers again, and has a worker. */
  async settle(): Promise<void> {
    const isThere = () =>
      call(this.app, 'GET', '/readyz').then(
        ({ status }) => status === 200,
        () => false,
      );
    await waitFor('kodama to answer again', isThere, answerAgainWithinMs);
    const { workers } = await want(200, this.app, 'GET', '/v1/status');
    this.#workerPid = workers[0].pid;
  }

  /** Takes away every listener but the fixture, and makes that anew where it is gone. */
  async sweep(): Promise<void> {
    for (;;) {
      const { listeners } = await want(200, this.app, 'GET', '/v1/listeners?pageSize=1000');
      const others = listeners.filter(({ id }: { id: string }) => id !== this.#listenerId);
      for (const { id } of others) await call(this.app, 'DELETE', `/v1/listeners/${id}`);
      if (others.length > 0) continue;
      if (listeners.length === 0) await this.#makeFixtures();
      return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
