/**
 * A PostgreSQL of our own, on a Unix socket in a private folder. It needs no care:
 *
 * - `start` makes the cluster if there is none, ends whatever a killed run left behind, and resolves when the
 *   server answers. A second kodama on the same data directory is refused.
 * - A server that dies is started again, with back-off, under the same connection string.
 * - `stop` is a fast shutdown, made harder when its time is over. Nothing of it is left: no process, no socket.
 */

import { realpath, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Logger } from '../core/ports.ts';
import { lockDataDir } from '../node/data-dir-lock.ts';
import { ensureDirectory } from '../node/trusted-path.ts';
import { preparePostgresBinaries } from './postgres-binaries.ts';
import {
  ensureCluster,
  ensureSocketDirectory,
  socketPort,
  stopCluster,
  superuser,
} from './postgres-cluster.ts';
import {
  assertNoneElsewhere,
  boundLog,
  type Installation,
  launch,
  logTail,
  type Postmaster,
  removeSocket,
  shutDown,
  untilReady,
} from './postmaster.ts';

export interface EmbeddedPostgresOptions {
  /** Made, for this user alone, if it is not there. */
  readonly dataDir: string;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Until the server answers. One that was killed first reads its write-ahead log: up to a minute on slow disks. */
  readonly startTimeoutMs: number;
  /** For the fast shutdown, which writes everything out; the immediate one comes after it. */
  readonly stopTimeoutMs: number;
  /** Ends a start under way; nothing is left of it. */
  readonly signal?: AbortSignal | undefined;
}

const restartDelayMaxMs = 10_000;
/** A server that lived this long is started again at once. */
const steadyAfterMs = 60_000;
const logCheckMs = 60_000;

export class EmbeddedPostgres implements AsyncDisposable {
  /** For pg and Prisma. The same over restarts of the server, and over runs. */
  readonly connectionString: string;
  readonly #options: EmbeddedPostgresOptions;
  readonly #installation: Installation;
  readonly #stopping = new AbortController();
  #postmaster: Postmaster | null = null;
  #supervision: Promise<void> = Promise.resolve();
  #resources = new AsyncDisposableStack();
  #stopped: Promise<void> | null = null;

  /** Throws an Error that says what to do: the directory is in use, of another version, or PostgreSQL cannot run. */
  static async start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    try {
      return await EmbeddedPostgres.#start(options);
    } catch (error) {
      options.signal?.throwIfAborted();
      throw error;
    }
  }

  static async #start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const deadline = AbortSignal.timeout(options.startTimeoutMs);
    const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
    const startedAt = performance.now();

    await using cleanup = new AsyncDisposableStack();
    await ensureDirectory(options.dataDir);
    const dataDir = await realpath(options.dataDir);
    cleanup.defer(await lockDataDir(dataDir));
    const installation = await prepareInstallation(dataDir, options, signal);
    cleanup.defer(() => leave(installation));
    const server = new EmbeddedPostgres(options, installation);
    cleanup.defer(() => server.#end());
    await server.#launch(signal);

    server.#supervision = server.#supervise();
    const timer = setInterval(() => void server.#boundLog(), logCheckMs).unref();
    cleanup.defer(() => clearInterval(timer));
    server.#resources = cleanup.move();
    const tookMs = Math.round(performance.now() - startedAt);
    options.log.info({ pid: server.pid, dataDir, tookMs }, 'PostgreSQL is ready');
    return server;
  }

  private constructor(options: EmbeddedPostgresOptions, installation: Installation) {
    const host = encodeURIComponent(installation.socketDirectory);
    // Complete, so that no PGPORT or PGOPTIONS of the environment has a say.
    const parameters = `host=${host}&port=${socketPort}&sslmode=disable&options=`;
    this.connectionString = `postgresql://${superuser}@/postgres?${parameters}`;
    this.#options = options;
    this.#installation = installation;
  }

  /** The postmaster's, as this host sees it; null while it is down. */
  get pid(): number | null {
    return this.#postmaster?.pid ?? null;
  }

  /** Resolves when no process and no socket is left. */
  stop(): Promise<void> {
    this.#stopped ??= this.#resources.disposeAsync();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #launch(signal: AbortSignal): Promise<void> {
    await removeSocket(this.#installation.socketDirectory);
    signal.throwIfAborted();
    this.#postmaster = await launch(this.#installation);
    await untilReady(this.#installation, this.#postmaster, signal);
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#stopping;
    const stopping = new Promise<null>((resolve) => {
      signal.addEventListener('abort', () => resolve(null), { once: true });
    });
    let quickDeaths = 0;
    while (this.#postmaster !== null) {
      const readyAt = performance.now();
      const how = await Promise.race([this.#postmaster.exited, stopping]);
      if (how === null || signal.aborted) return;
      const { pid } = this.#postmaster;
      this.#postmaster = null;
      const said = await logTail(this.#installation.logFile);
      this.#options.log.error({ pid, how, said }, 'PostgreSQL ended, starting it again');
      quickDeaths = performance.now() - readyAt < steadyAfterMs ? quickDeaths + 1 : 0;
      await this.#startAgain(quickDeaths);
    }
  }

  /** Tries until it succeeds or is to stop: without a database kodama waits, it does not give up. */
  async #startAgain(quickDeaths: number): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = quickDeaths; !signal.aborted; failures += 1) {
      const delayMs = failures === 0 ? 0 : Math.min(restartDelayMaxMs, 50 * 2 ** failures);
      try {
        await delay(delayMs, undefined, { signal });
        // Children of the dead server hold its shared memory for a moment.
        await stopCluster(this.#installation.cluster, this.#options.stopTimeoutMs);
        await this.#launch(signal);
        this.#options.log.warn({ pid: this.pid }, 'PostgreSQL is ready again');
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#postmaster = null;
        this.#options.log.error({ err: error }, 'PostgreSQL could not be started again');
      }
    }
  }

  async #end(): Promise<void> {
    this.#stopping.abort();
    await this.#supervision;
    if (this.#postmaster === null) return;
    await shutDown(this.#installation, this.#postmaster, this.#options.stopTimeoutMs);
    this.#postmaster = null;
  }

  async #boundLog(): Promise<void> {
    try {
      await boundLog(this.#installation.logFile);
    } catch (error) {
      this.#options.log.warn({ err: error }, 'the log of PostgreSQL could not be cut');
    }
  }
}

/** Everything up to the server itself: programs, an idle cluster, a folder for the socket. */
async function prepareInstallation(
  dataDir: string,
  options: EmbeddedPostgresOptions,
  signal: AbortSignal,
): Promise<Installation> {
  const cluster = join(dataDir, 'postgres');
  const binaries = await preparePostgresBinaries(join(dataDir, 'postgres.lib'));
  await assertNoneElsewhere(dataDir, cluster);
  const pids = await stopCluster(cluster, options.stopTimeoutMs);
  if (pids.length > 0) {
    options.log.warn({ pids }, 'stopped the PostgreSQL that an earlier run left behind');
  }
  await ensureCluster(cluster, binaries, signal);
  const socketDirectory = await ensureSocketDirectory(dataDir);
  return { cluster, socketDirectory, logFile: join(dataDir, 'postgres.log'), binaries };
}

async function leave(installation: Installation): Promise<void> {
  await removeSocket(installation.socketDirectory);
  // Ours alone, but a file that somebody put there is not ours to remove.
  await rmdir(installation.socketDirectory).catch(() => {});
}
