/** The process: command line, environment → config → app → signals → exit code. */
import { enableCompileCache } from 'node:module';
import type { Logger } from 'pino';
import type { App } from './app.ts';
import { bannerText, reachableAddresses, restUrl } from './banner.ts';
import { readCommandLine } from './command-line.ts';
import { type Config, readConfig } from './config.ts';
import { formatAddress } from './core/address.ts';
import { compileCacheDir } from './node/data-dir.ts';
import { overlapWarning } from './node/ephemeral-ports.ts';
import { Program, type Run, stopped } from './program.ts';
import { spareMemory } from './spare-memory.ts';

const usage = `npm start             starts kodama; Ctrl-C stops it
npm run restore-mark  after a restore of the database from a backup, before the next start

  --help     prints this
  --version  prints the version

It is configured by environment variables: see README.md.`;

const { words } = readCommandLine({ usage, options: {}, words: ['restore-mark'] });
const program = new Program();
const { stdout, stderr } = program;
const isTerminal = process.stdout.isTTY === true;

await program.run(() => readConfig(process.env, { isTerminal }), words.length > 0 ? mark : serve);

async function mark({ config, logger, stop }: Run<Config>): Promise<void> {
  const { restoreMark } = await import('./restore-mark.ts');
  const text = await restoreMark({ config, logger, signal: stop.signal });
  (config.logFormat === 'text' ? stdout : stderr).write(text);
}

async function serve({ config, logger, stop, fail, warn }: Run<Config>): Promise<void> {
  const { listenPorts } = config;
  const overlap = listenPorts === null ? null : await overlapWarning(listenPorts);
  if (overlap !== null) warn(overlap);
  // What was compiled once needs no compiling at the next start: it halves the time to ready. Workers use it too.
  const cacheDir = await compileCacheDir(config.dataDir);
  if (cacheDir !== null) enableCompileCache(cacheDir);
  const { App } = await import('./app.ts');
  {
    await using app = await App.start({ config, logger, signal: stop.signal, onFatal: fail });
    announce(app, config, logger);
    spareMemory();
    await stopped(stop);
  }
  logger.info({}, 'stopped');
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
