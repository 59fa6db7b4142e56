/** The process: command line, environment → config → app → signals → exit code. */
import { enableCompileCache } from 'node:module';
import { isatty } from 'node:tty';
import pino, { type Logger } from 'pino';
import type { App } from './app.ts';
import { bannerText, reachableAddresses, restUrl } from './banner.ts';
import { readCommandLine } from './command-line.ts';
import { type Config, ConfigError, outputLimits, readConfig } from './config.ts';
import { formatAddress } from './core/address.ts';
import { logText } from './log-text.ts';
import { compileCacheDir } from './node/data-dir.ts';
import { overlapWarning } from './node/ephemeral-ports.ts';
import { StartError } from './node/start-error.ts';
import { Output } from './output.ts';
import { spareMemory } from './spare-memory.ts';

const usage = `npm start             starts kodama; Ctrl-C stops it
npm run restore-mark  after a restore of the database from a backup, before the next start

  --help     prints this
  --version  prints the version

It is configured by environment variables: see README.md.`;

const exitCode = { ok: 0, failed: 1, badConfig: 2, forced: 130 } as const;

const { words } = readCommandLine({ usage, options: {}, words: ['restore-mark'] });
// PostgreSQL and each worker have one, to end with this process.
process.setMaxListeners(0);

const stdout = new Output(process.stdout, outputLimits.heldBytesMax);
const stderr = new Output(process.stderr, outputLimits.heldBytesMax);

async function main(): Promise<number> {
  const isTerminal = process.stdout.isTTY === true;
  const config = configOrNull(process.env, isTerminal);
  if (config === null) return exitCode.badConfig;
  const logger = makeLogger(config);
  const stop = new AbortController();
  const fail = (error: unknown) => {
    logger.fatal({ err: error }, 'kodama cannot go on');
    process.exitCode = exitCode.failed;
    stop.abort();
  };
  keepInspectorShut(logger);
  onSignals(stop, logger, config);
  onBugs(logger);
  for (const warning of config.warnings) warn(warning, config, logger);
  try {
    if (words.length > 0) {
      const { restoreMark } = await import('./restore-mark.ts');
      const text = await restoreMark({ config, logger, signal: stop.signal });
      (config.logFormat === 'text' ? stdout : stderr).write(text);
      return exitCode.ok;
    }
    const { listenPorts } = config;
    const overlap = listenPorts === null ? null : await overlapWarning(listenPorts);
    if (overlap !== null) warn(overlap, config, logger);
    // What was compiled once needs no compiling at the next start: it halves the time to ready. Workers use it too.
    const cacheDir = await compileCacheDir(config.dataDir);
    if (cacheDir !== null) enableCompileCache(cacheDir);
    const { App } = await import('./app.ts');
    await using app = await App.start({ config, logger, signal: stop.signal, onFatal: fail });
    announce(app, config, logger);
    spareMemory();
    await new Promise((resolve) => {
      stop.signal.addEventListener('abort', resolve, { once: true });
      if (stop.signal.aborted) resolve(null);
    });
  } catch (error) {
    const isStopped = stop.signal.aborted && error instanceof Error && error.name === 'AbortError';
    if (!isStopped) {
      report(error, config, logger, stop.signal.aborted);
      return exitCode.failed;
    }
  }
  logger.info({}, 'stopped');
  return process.exitCode === exitCode.failed ? exitCode.failed : exitCode.ok;
}

function configOrNull(environment: NodeJS.ProcessEnv, isTerminal: boolean): Config | null {
  try {
    return readConfig(environment, { isTerminal });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    complain(error.message);
    return null;
  }
}

/** What someone can mend is said in plain words, whatever the log's level and form; a bug with its stack. */
function report(error: unknown, { logFormat }: Config, logger: Logger, isStopping: boolean): void {
  if (error instanceof StartError) {
    complain(error.message);
    logger.debug({ err: error }, 'could not start');
    if (logFormat === 'json') logger.fatal({}, error.message);
  } else {
    logger.fatal({ err: error }, isStopping ? 'could not stop in order' : 'could not start');
  }
}

function warn(message: string, { logFormat }: Config, logger: Logger): void {
  complain(message);
  if (logFormat === 'json') logger.warn({}, message);
}

function complain(message: string): void {
  stderr.write(`kodama: ${message.replaceAll('\n', '\nkodama: ')}\n`);
}

function makeLogger({ logLevel: level, logFormat }: Config): Logger {
  const isText = logFormat === 'text';
  const isColored = isText && hasColors();
  const write = (line: string) => stdout.write(isText ? logText(line, isColored) : line);
  const logger = pino({ level, base: { name: 'kodama' } }, { write });
  for (const output of [stdout, stderr]) {
    output.onTakenAgain = (lines) => {
      logger.warn({ lines }, 'lines of the log were lost, since nobody took them');
    };
  }
  return logger;
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

/**
 * The first signal stops in order, within a bound; a later one forces. Ctrl-C reaches kodama twice where npm passes it
 * on: what comes a moment after the first is its echo. SIGHUP means that a terminal has closed; without one, as under
 * nohup, it is not meant for kodama. (Node takes back that nohup lets it be ignored, so this is how to know.)
 */
function onSignals(stop: AbortController, logger: Logger, config: Config): void {
  const { shutdownTimeoutMs: timeoutMs, signalEchoMs } = config;
  let firstAt: number | null = null;
  const onStop = (signal: NodeJS.Signals) => {
    firstAt ??= performance.now();
    if (!stop.signal.aborted) {
      logger.info({ signal }, 'stopping');
      stop.abort();
    } else if (signal !== 'SIGHUP' && performance.now() - firstAt > signalEchoMs) {
      void exit(exitCode.forced);
    }
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) process.on(signal, onStop);
  const hasTerminal = [0, 1, 2].some((descriptor) => isatty(descriptor));
  process.on('SIGHUP', hasTerminal ? onStop : () => undefined);
  process.on('SIGUSR2', () => undefined);
  stop.signal.addEventListener('abort', () => {
    const force = () => {
      logger.error({ timeoutMs }, 'could not stop in time');
      void exit(exitCode.failed);
    };
    setTimeout(force, timeoutMs).unref();
  });
}

function onBugs(logger: Logger): void {
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'a bug: kodama ends, so that it starts anew');
    void exit(exitCode.failed);
  });
  // Node's own listener writes to stderr, and waits for its reader.
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => logger.warn({ warning: name }, message));
}

/** What has been said is out first, if somebody reads it. The rest of the program ends with the process. */
async function exit(code: number): Promise<never> {
  const { flushTimeoutMs } = outputLimits;
  await Promise.all([stdout.flush(flushTimeoutMs), stderr.flush(flushTimeoutMs)]);
  process.exit(code);
}

function announce(app: App, { logFormat, apiToken, logLines, tls }: Config, logger: Logger): void {
  const { nodeId, recovered } = app;
  const httpAddresses = reachableAddresses(app.httpAddress);
  const grpcAddresses = reachableAddresses(app.grpcAddress);
  const isTls = tls.files !== null;
  const text = bannerText({
    ...{ httpAddresses, grpcAddresses, recovered, isTls },
    hasToken: apiToken !== null,
    listenersMax: logLines.bannerListenersMax,
  });
  if (logFormat === 'text') {
    stdout.write(text);
    return;
  }
  const [rest = ''] = httpAddresses.map((address) => restUrl(address, isTls));
  const [grpc = ''] = grpcAddresses.map(formatAddress);
  const ports = { httpPort: app.httpAddress.port, grpcPort: app.grpcAddress.port };
  logger.info({ ...ports, rest, grpc, nodeId, docs: `${rest}/docs` }, 'ready');
  // Logs in JSON have stdout to themselves.
  stderr.write(text);
}

// What is left, such as a socket that its peer holds open, must not keep a stopped process alive.
await exit(await main());
