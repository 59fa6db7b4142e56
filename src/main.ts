/** The process: environment → config → app → signals → exit code. */
import pino, { type Logger } from 'pino';
import { App } from './app.ts';
import { type Config, ConfigError, readConfig } from './config.ts';

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
  onSignals(stop, logger, config.shutdownTimeoutMs);
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'a bug: kodama ends, so that it starts anew');
    process.exit(exitCode.failed);
  });
  try {
    await using app = await App.start({ config, logger, signal: stop.signal, onFatal: fail });
    announce(app, config, logger);
    await new Promise((resolve) => {
      stop.signal.addEventListener('abort', resolve, { once: true });
      if (stop.signal.aborted) resolve(null);
    });
  } catch (error) {
    if (!stop.signal.aborted) {
      logger.fatal({ err: error }, error instanceof Error ? error.message : 'could not start');
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
    process.stderr.write(`kodama: ${error.message.replaceAll('\n', '\nkodama: ')}\n`);
    return null;
  }
}

function makeLogger({ logLevel: level, logFormat }: Config): Logger {
  const base = { name: 'kodama' };
  if (logFormat === 'json') return pino({ level, base });
  const options = { ignore: 'pid,name', translateTime: 'SYS:HH:MM:ss.l', sync: true };
  return pino({ level, base, transport: { target: 'pino-pretty', options } });
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

function announce(app: App, { logFormat }: Config, logger: Logger): void {
  const { rest, grpc } = app;
  const fields = { httpPort: app.httpAddress.port, grpcPort: app.grpcAddress.port, rest, grpc };
  logger.info({ ...fields, nodeId: app.nodeId, docs: `${rest}/docs` }, 'ready');
  const lines = [
    'kodama is ready.',
    `  REST      ${rest}/v1`,
    `  gRPC      ${grpc}`,
    `  API page  ${rest}/docs`,
    `  Try:      curl -X POST ${rest}/v1/listeners`,
  ];
  // Logs in JSON have stdout to themselves.
  const stream = logFormat === 'json' ? process.stderr : process.stdout;
  stream.write(`${lines.join('\n')}\n`);
}

process.exitCode = await main();
// What is left, such as a socket that its peer holds open, must not keep a stopped process alive.
process.exit();
