/** One worker process, as the control plane sees it: requests with their answers, and batches of records. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Deferred, deferred } from '../core/deferred.ts';
import { AppError } from '../core/errors.ts';
import type { WorkerRecord } from '../core/record.ts';
import type { BoundSocket, Command, Report, Request, WorkerSettings } from '../echo/messages.ts';
import { fromRows } from '../echo/record-rows.ts';

export interface WorkerLimits {
  readonly requestTimeoutMs: number;
  readonly semiSpaceBytesMax: number;
}

export interface WorkerOptions {
  /** Its place among the workers, from 0: a successor has that of the one that was lost. */
  readonly slot: number;
  readonly settings: Omit<WorkerSettings, 'heartbeatMs'>;
  readonly limits: WorkerLimits;
  readonly onRecords: (records: readonly WorkerRecord[]) => Promise<void>;
  readonly onWarning: (message: string) => void;
  readonly onExit: (worker: Worker) => void;
  readonly onFailure: (error: unknown) => void;
}

/** It is told to callers and kept in events, whatever a worker says. */
const codeCharsMax = 200;

export class WorkerFailure extends Error {
  override readonly name = 'WorkerFailure';
  /** The system's error code. */
  readonly code: string;

  constructor(code: string) {
    const short = code.slice(0, codeCharsMax);
    super(`the worker answered ${short}`);
    this.code = short;
  }
}

/** How often a worker tells that it is alive in the time after which it counts as one that hangs. */
const heartbeatsInTimeout = 10;

/** To read what lies in the channel. */
const readGraceMs = 500;

function gone(): AppError {
  return new AppError('unavailable', 'the worker was lost', { retryAfterMs: 1000 });
}

/**
 * A worker's heap is small and its garbage young: collecting it with more threads costs more CPU than it saves.
 * And nobody who sends it SIGUSR1 opens the inspector to all users of the machine.
 */
const nodeFlags = ['--single-threaded-gc', '--disable-sigusr1'];

/**
 * V8 lets garbage that is young lie until a semi-space is full, or its buffers have twice the bytes of one. At 64 MiB,
 * its own choice, a crowd makes a worker larger by more than 150 MiB, of which hardly anything is alive. This option,
 * unlike --max-semi-space-size, bounds both; it takes half the size where pointers are not compressed, as in Node.
 */
const semiSpaceFlag = (bytes: number) =>
  `--scavenger-max-new-space-capacity-mb=${bytes / 2 ** 20 / 2}`;

/** Who looks into the control plane wants to look into its workers, too. */
const lookingFlags = /^--(cpu-prof|heapsnapshot-signal|diagnostic-dir)/;

export const workerFile = fileURLToPath(new URL('../echo/worker-main.ts', import.meta.url));

/** That of the control plane, if it has one: compiling is most of a worker's start. Node names a folder within it. */
function compileCache(): Readonly<Record<string, string>> {
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}

export class Worker {
  readonly pid: number;
  readonly slot: number;
  readonly ready: Promise<void>;
  readonly #options: WorkerOptions;
  readonly #child: ChildProcess;
  readonly #ready = deferred<void>();
  readonly #waiting = new Map<number, Deferred<BoundSocket | null>>();
  /** Batches that are being committed. */
  readonly #committing = new Set<Promise<void>>();
  #requests = 0;
  #heardAt = 0;
  #hasEnded = false;
  #nextLook: NodeJS.Timeout | undefined;
  readonly #onProcessExit = () => this.kill();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.slot = options.slot;
    // The environment holds secrets of the control plane: a worker gets nothing of it.
    this.#child = fork(workerFile, [options.settings.nodeId, String(process.pid)], {
      env: compileCache(),
      execArgv: [
        ...nodeFlags,
        semiSpaceFlag(options.limits.semiSpaceBytesMax),
        ...process.execArgv.filter((flag) => lookingFlags.test(flag)),
      ],
      // What it says (only a crash does) goes through the log, whose reader can not make it wait.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // A session of its own: Ctrl-C and the end of a terminal reach the control plane alone, which stops it in order.
      detached: true,
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      options.onWarning(`the worker says: ${text.trim()}`);
    });
    this.pid = this.#child.pid ?? 0;
    this.ready = this.#ready.promise;
    this.#child.on('message', (report: Report) => this.#onReport(report));
    // A send that fails is followed by the end, which is dealt with there.
    this.#child.on('error', () => this.#child.kill('SIGKILL'));
    // One that is stopped or stuck would not see that its control plane is gone.
    process.once('exit', this.#onProcessExit);
    // Not 'exit': that may come before the last reports are read, and they belong to its life.
    this.#child.on('close', () => this.#onEnd());
    const heartbeatMs = Math.ceil(options.limits.requestTimeoutMs / heartbeatsInTimeout);
    this.#send({ kind: 'start', settings: { ...options.settings, heartbeatMs } });
  }

  #send(command: Command): void {
    if (this.#child.connected) this.#child.send(command);
  }

  #onReport(report: Report): void {
    this.#heardAt = performance.now();
    switch (report.kind) {
      case 'ready':
        this.#ready.resolve();
        this.#watch();
        break;
      case 'alive':
        break;
      case 'warning':
        this.#options.onWarning(report.message);
        break;
      case 'done':
        this.#waiting.get(report.number)?.resolve(report.bound);
        break;
      case 'failed':
        this.#waiting.get(report.number)?.reject(new WorkerFailure(report.code));
        break;
      case 'records': {
        const committing = this.#options
          .onRecords(fromRows(report.rows, this.pid))
          .then(
            () => this.#send({ kind: 'committed', batch: report.batch }),
            this.#options.onFailure,
          );
        this.#committing.add(committing);
        void committing.finally(() => this.#committing.delete(committing));
      }
    }
  }

  #onEnd(): void {
    this.#hasEnded = true;
    clearTimeout(this.#nextLook);
    process.off('exit', this.#onProcessExit);
    this.#ready.promise.catch(() => undefined);
    this.#ready.reject(gone());
    for (const waiting of this.#waiting.values()) waiting.reject(gone());
    this.#options.onExit(this);
  }

  /** @throws WorkerFailure with the system's code; unavailable when the worker is gone */
  async request(request: Request): Promise<BoundSocket | null> {
    if (this.#hasEnded) throw gone();
    const number = ++this.#requests;
    const waiting = deferred<BoundSocket | null>();
    this.#waiting.set(number, waiting);
    this.#send({ kind: 'request', number, request });
    try {
      return await waiting.promise;
    } finally {
      this.#waiting.delete(number);
    }
  }

  /**
   * A worker tells that its loop turns, however much it has to do. One that says nothing at all in time hangs, and is
   * killed, so that another takes its place: nobody could tell what it has done of what it was asked.
   */
  #watch(): void {
    const { requestTimeoutMs } = this.#options.limits;
    const look = (isLast: boolean) => {
      const silentMs = performance.now() - this.#heardAt;
      if (silentMs < requestTimeoutMs) lookIn(requestTimeoutMs - silentMs, false);
      else if (isLast) this.#giveUp();
      // Where it was us who slept, its word is there already and only has to be read: one more look.
      else lookIn(readGraceMs, true);
    };
    const lookIn = (ms: number, isLast: boolean) => {
      this.#nextLook = setTimeout(look, Math.ceil(ms), isLast);
    };
    lookIn(requestTimeoutMs, false);
  }

  /** At once, in whatever state it is. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #giveUp(): void {
    this.#options.onWarning('the worker does not answer: it is killed');
    this.kill();
  }

  /** Resolves when all that it has reported is committed and it has ended. */
  async end(): Promise<void> {
    await Promise.all(this.#committing);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.disconnect();
    await exited;
    // Node tells no 'close' of a child whose channel was closed on this side.
    clearTimeout(this.#nextLook);
  }
}
