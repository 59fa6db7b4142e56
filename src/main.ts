/** The process: environment → config → app → signals → exit code. */
import { enableCompileCache } from 'node:module';
import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { App } from './app.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { compileCacheDir } from './data-dir.ts';
import { StartError } from './start-error.ts';

const exitCode = { ok: 0, failed: 1, badConfig: 2, forced: 130 } as const;

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
  onSignals(stop, logger, config.shutdownTimeoutMs);
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'a bug: kodama ends, so that it starts anew');
    process.exit(exitCode.failed);
  });
  try {
    // What was compiled once needs no compiling at the next start: it halves the time to ready. Workers use it too.
    const cacheDir = await compileCacheDir(config.dataDir);
    if (cacheDir !== null) enableCompileCache(cacheDir);
    const { App } = await import('./app.ts');
    await using app = await App.start({ config, logger, signal: stop.signal, onFatal: fail });
    announce(app, config, logger);
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

function complain(message: string): void {
  process.stderr.write(`kodama: ${message.replaceAll('\n', '\nkodama: ')}\n`);
}

function makeLogger({ logLevel: level, logFormat }: Config): Logger {
  const base = { name: 'kodama' };
  if (logFormat === 'json') return pino({ level, base });
  const options = { ignore: 'pid,name', translateTime: 'SYS:HH:MM:ss.l' };
  // At once and in this process: a line must be out before what is printed after it, and before an exit.
  return pino({ level, base }, pretty({ ...options, sync: true }));
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

/** The first signal stops in order, within a bound; a second one forces. */
function onSignals(stop: AbortController, logger: Logger, timeoutMs: number): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(exitCode.forced);
      logger.info({ signal }, 'stopping');
      stop.abort();
    });
  }
  stop.signal.addEventListener('abort', () => {
    const force = () => {
      logger.error({ timeoutMs }, 'could not stop in time');
      process.exit(exitCode.failed);
    };
    setTimeout(force, timeoutMs).unref();
  });
}

function announce(app: App, { logFormat, apiToken }: Config, logger: Logger): void {
  const { rest, grpc } = app;
  const fields = { httpPort: app.httpAddress.port, grpcPort: app.grpcAddress.port, rest, grpc };
  logger.info({ ...fields, nodeId: app.nodeId, docs: `${rest}/docs` }, 'ready');
  const authorization = apiToken === null ? '' : '-H "authorization: Bearer $KODAMA_API_TOKEN" ';
  const lines = [
    'kodama is ready.',
    `  REST      ${rest}/v1`,
    `  gRPC      ${grpc}`,
    `  API page  ${rest}/docs`,
    `  Try:      curl ${authorization}-X POST ${rest}/v1/listeners`,
  ];
  // Logs in JSON have stdout to themselves.
  const stream = logFormat === 'json' ? process.stderr : process.stdout;
  stream.write(`${lines.join('\n')}\n`);
}

process.exitCode = await main();
// What is left, such as a socket that its peer holds open, must not keep a stopped process alive.
process.exit();
