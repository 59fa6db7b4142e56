/** What every process of kodama does as one, whatever it runs: its outputs, its log, signals, bugs and the exit code. */
import { isatty } from 'node:tty';
import pino, { type Logger } from 'pino';
import { ConfigError, outputLimits } from './config.ts';
import { logText } from './log-text.ts';
import { StartError } from './node/start-error.ts';
import { Output } from './output.ts';

const exitCode = { ok: 0, failed: 1, badConfig: 2, forced: 130 } as const;

/** The part of its configuration that a program needs. */
export interface ProgramConfig {
  readonly logLevel: string;
  readonly logFormat: 'text' | 'json';
  readonly shutdownTimeoutMs: number;
  readonly signalEchoMs: number;
  readonly warnings: readonly string[];
}

/** What a program does its work with. */
export interface Run<Config> {
  readonly config: Config;
  readonly logger: Logger;
  /** Aborted by the first signal, and by a failure. */
  readonly stop: AbortController;
  /** The process must end: what it holds is no longer its own, or a bug showed. */
  readonly fail: (error: unknown) => void;
  /** For whoever has set it up. */
  readonly warn: (message: string) => void;
}

export class Program {
  readonly stdout: Output;
  readonly stderr: Output;

  constructor() {
    const { heldBytesMax } = outputLimits;
    this.stdout = new Output(process.stdout, heldBytesMax);
    this.stderr = new Output(process.stderr, heldBytesMax);
    // PostgreSQL and each worker have one, to end with this process.
    process.setMaxListeners(0);
  }

  /** Never returns: what is left, such as a socket that its peer holds open, must not keep a stopped process alive. */
  async run<Config extends ProgramConfig>(
    readConfig: () => Config,
    work: (run: Run<Config>) => Promise<void>,
  ): Promise<never> {
    return await this.#exit(await this.#run(readConfig, work));
  }

  async #run<Config extends ProgramConfig>(
    readConfig: () => Config,
    work: (run: Run<Config>) => Promise<void>,
  ): Promise<number> {
    const config = this.#configOrNull(readConfig);
    if (config === null) return exitCode.badConfig;
    const logger = this.#makeLogger(config);
    const stop = new AbortController();
    const fail = (error: unknown) => {
      logger.fatal({ err: error }, 'kodama cannot go on');
      process.exitCode = exitCode.failed;
      stop.abort();
    };
    const warn = (message: string) => this.#complain(message);
    keepInspectorShut(logger);
    this.#onSignals(stop, logger, config);
    this.#onBugs(logger);
    for (const warning of config.warnings) warn(warning);
    try {
      await work({ config, logger, stop, fail, warn });
    } catch (error) {
      const { aborted: isStopping } = stop.signal;
      if (!isStopping || !(error instanceof Error) || error.name !== 'AbortError') {
        return this.#report(error, logger, isStopping);
      }
      logger.info({}, 'stopped');
    }
    return process.exitCode === exitCode.failed ? exitCode.failed : exitCode.ok;
  }

  #configOrNull<Config>(readConfig: () => Config): Config | null {
    try {
      return readConfig();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#complain(error.message);
      return null;
    }
  }

  /**
   * What someone can mend is said once, in plain words on stderr, whatever the log's level and form; a bug with its stack
   * in the log. What is no use to start again with as it is ends as a variable does that is refused.
   */
  #report(error: unknown, logger: Logger, isStopping: boolean): number {
    if (error instanceof ConfigError) {
      this.#complain(error.message);
      return exitCode.badConfig;
    }
    if (error instanceof StartError) {
      this.#complain(error.message);
      logger.debug({ err: error }, 'could not start');
    } else {
      logger.fatal({ err: error }, isStopping ? 'could not stop in order' : 'could not start');
    }
    return exitCode.failed;
  }

  #complain(message: string): void {
    this.stderr.write(`kodama: ${message.replaceAll('\n', '\nkodama: ')}\n`);
  }

  #makeLogger({ logLevel: level, logFormat }: ProgramConfig): Logger {
    const isText = logFormat === 'text';
    const isColored = isText && hasColors();
    const write = (line: string) => this.stdout.write(isText ? logText(line, isColored) : line);
    const logger = pino({ level, base: { name: 'kodama' } }, { write });
    for (const output of [this.stdout, this.stderr]) {
      output.onTakenAgain = (lines) => {
        logger.warn({ lines }, 'lines of the log were lost, since nobody took them');
      };
    }
    return logger;
  }

  /**
   * The first signal stops in order, within a bound; a later one forces. Ctrl-C reaches kodama twice where npm passes it
   * on: what comes a moment after the first is its echo. SIGHUP means that a terminal has closed; without one, as under
   * nohup, it is not meant for kodama. (Node takes back that nohup lets it be ignored, so this is how to know.)
   */
  #onSignals(stop: AbortController, logger: Logger, config: ProgramConfig): void {
    const { shutdownTimeoutMs: timeoutMs, signalEchoMs } = config;
    let firstAt: number | null = null;
    const onStop = (signal: NodeJS.Signals) => {
      firstAt ??= performance.now();
      if (!stop.signal.aborted) {
        logger.info({ signal }, 'stopping');
        stop.abort();
      } else if (signal !== 'SIGHUP' && performance.now() - firstAt > signalEchoMs) {
        void this.#exit(exitCode.forced);
      }
    };
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) process.on(signal, onStop);
    const hasTerminal = [0, 1, 2].some((descriptor) => isatty(descriptor));
    process.on('SIGHUP', hasTerminal ? onStop : () => undefined);
    process.on('SIGUSR2', () => undefined);
    stop.signal.addEventListener('abort', () => {
      const force = () => {
        logger.error({ timeoutMs }, 'could not stop in time');
        void this.#exit(exitCode.failed);
      };
      setTimeout(force, timeoutMs).unref();
    });
  }

  #onBugs(logger: Logger): void {
    process.on('uncaughtException', (error) => {
      logger.fatal({ err: error }, 'a bug: kodama ends, so that it starts anew');
      void this.#exit(exitCode.failed);
    });
    // Node would end it with 13, and words of its own, where nothing is left to wait for but a promise that is lost.
    process.once('beforeExit', () => {
      logger.fatal({}, 'a bug: kodama ends, since what it waits for never comes');
      void this.#exit(exitCode.failed);
    });
    // Node's own listener writes to stderr, and waits for its reader.
    process.removeAllListeners('warning');
    process.on('warning', ({ name, message }) => logger.warn({ warning: name }, message));
  }

  /** What has been said is out first, if somebody reads it. The rest of the program ends with the process. */
  async #exit(code: number): Promise<never> {
    const { flushTimeoutMs } = outputLimits;
    await Promise.all([this.stdout.flush(flushTimeoutMs), this.stderr.flush(flushTimeoutMs)]);
    process.exit(code);
  }
}

/** Resolves when it is to stop. */
export async function stopped({ signal }: AbortController): Promise<void> {
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
    if (signal.aborted) resolve(null);
  });
}

function hasColors(): boolean {
  return process.stdout.isTTY === true && process.stdout.hasColors();
}

/**
 * Without a handler of ours Node would open its inspector at SIGUSR1, on 127.0.0.1:9229: there every local user could
 * run code in this process. Who wants the inspector starts kodama with --inspect.
 */
function keepInspectorShut(logger: Logger): void {
  process.on('SIGUSR1', () =>
    logger.warn({ signal: 'SIGUSR1' }, 'ignored: it would open the inspector'),
  );
}
