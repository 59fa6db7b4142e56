/** The process of one worker: its start, whether its loop turns, its end; and the channel of its fork as a transport. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { getCompileCacheDir } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { MessageBundle } from '../echo/message-bundle.ts';
import type { Command, Report, Transport } from '../echo/messages.ts';

export interface ProcessLimits {
  readonly requestTimeoutMs: number;
  readonly semiSpaceBytesMax: number;
}

export interface ProcessOptions {
  readonly nodeId: string;
  readonly limits: ProcessLimits;
  readonly onWarning: (message: string) => void;
}

/** How often a worker tells that it is alive in the time after which it counts as one that hangs. */
const heartbeatsInTimeout = 10;

/** To read what lies in the channel. */
const readGraceMs = 500;

/**
 * A worker's heap is small and its garbage young: collecting it with more threads costs more CPU than it saves.
 * And nobody who sends it SIGUSR1 opens the inspector to all users of the machine.
 */
const nodeFlags = [
  '--single-threaded-gc',
  '--disable-sigusr1',
  // Young garbage is collected also while the old is being marked. V8 would let it grow far beyond its bound meanwhile,
  // take it all for alive, and then allow twice as much.
  '--no-separate-gc-phases',
];

/**
 * V8 lets garbage that is young lie until a semi-space is full, or its buffers have twice the bytes of one. At 64 MiB,
 * its own choice, a crowd makes a worker larger by more than 150 MiB, of which hardly anything is alive. This option,
 * unlike --max-semi-space-size, bounds both; it takes half the size where pointers are not compressed, as in Node.
 */
const semiSpaceFlag = (bytes: number) =>
  `--scavenger-max-new-space-capacity-mb=${bytes / 2 ** 20 / 2}`;

/** Who looks into the control plane wants to look into its workers, too. */
const lookingFlags = /^--(cpu-prof|heapsnapshot-signal|diagnostic-dir)/;

/** Each with its value, which may stand apart from it: without that Node does not start. */
function lookingFlagsOf(flags: readonly string[]): readonly string[] {
  const isLooking = (flag = '') => lookingFlags.test(flag);
  const isValue = (text: string) => !text.startsWith('-');
  return flags.filter((flag, at) => isLooking(flag) || (isValue(flag) && isLooking(flags[at - 1])));
}

/** TypeScript in a clone, JavaScript in a package, as this file is. */
export const workerFile = join(
  import.meta.dirname,
  `../echo/worker-main${extname(import.meta.filename)}`,
);

/** That of the control plane, if it has one: compiling is most of a worker's start. Node names a folder within it. */
function compileCache(): Readonly<Record<string, string>> {
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}

export class WorkerProcess implements Transport<Command, Report> {
  /** 0 where it could not even be started: then its end follows. */
  readonly pid: number;
  readonly #options: ProcessOptions;
  readonly #child: ChildProcess;
  readonly #commands = new MessageBundle<Command>((commands) => {
    if (this.#child.connected) this.#child.send(commands);
  });
  #heardAt = 0;
  #nextLook: NodeJS.Timeout | undefined;
  #hasEnded = false;
  #tellEnd: () => void = () => undefined;

  constructor(options: ProcessOptions) {
    this.#options = options;
    // The environment holds secrets of the control plane: a worker gets nothing of it.
    this.#child = fork(workerFile, [options.nodeId, String(process.pid)], {
      env: compileCache(),
      execArgv: [
        ...nodeFlags,
        semiSpaceFlag(options.limits.semiSpaceBytesMax),
        ...lookingFlagsOf(process.execArgv),
      ],
      // What it says (only a crash does) goes through the log, whose reader can not make it wait.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // A session of its own: Ctrl-C and the end of a terminal reach the control plane alone, which stops it in order.
      detached: true,
    });
    this.pid = this.#child.pid ?? 0;
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      options.onWarning(`the worker says: ${text.trim()}`);
    });
    // A send that fails is followed by the end, which is dealt with there.
    this.#child.on('error', () => this.kill());
    // Not 'exit': that may come before the last reports are read, and they belong to its life.
    this.#child.once('close', () => this.#onEnd());
  }

  /** How often it has to tell that its loop turns. */
  get heartbeatMs(): number {
    return Math.ceil(this.#options.limits.requestTimeoutMs / heartbeatsInTimeout);
  }

  send(command: Command): void {
    this.#commands.add(command);
  }

  onMessage(hear: (report: Report) => void): void {
    this.#child.on('message', (reports: readonly Report[]) => {
      this.#heardAt = performance.now();
      for (const report of reports) hear(report);
    });
  }

  onEnd(tellEnd: () => void): void {
    this.#tellEnd = tellEnd;
  }

  #onEnd(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#nextLook);
    this.#tellEnd();
  }

  /**
   * From now on it tells that its loop turns, however much it has to do. One that says nothing at all in time hangs,
   * and is killed, so that another takes its place: nobody could tell what it has done of what it was asked.
   */
  watch(): void {
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

  #giveUp(): void {
    this.#options.onWarning('the worker does not answer: it is killed');
    this.kill();
  }

  /** At once, in whatever state it is. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Resolves when it has ended, which it does without the channel. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#commands.flush();
    if (this.#child.connected) this.#child.disconnect();
    await exited;
    // Node tells no 'close' of a child whose channel was closed on this side.
    this.#onEnd();
  }
}
