/** The process: command line, environment → config → app → signals → exit code. */
import type { App } from './app.ts';
import { bannerText, reachableAddresses, restUrl } from './banner.ts';
import { readCommandLine } from './command-line.ts';
import { type Config, readConfig } from './config.ts';
import { formatAddress } from './core/address.ts';
import { settleHeap } from './heap.ts';
import { keepCompiled } from './node/compiled.ts';
import { overlapWarning } from './node/ephemeral-ports.ts';
import { Program, type Run, stopped } from './program.ts';

const usage = `npm start             starts kodama; Ctrl-C stops it
npm run restore-mark  after a restore of the database from a backup, before the next start

  --data-dir <folder>  what it keeps, in place of KODAMA_DATA_DIR
  --help               prints this
  --version            prints the version

It is configured by environment variables: see README.md.`;

/** Never returns: it ends the process. */
export async function runServer(environment: NodeJS.ProcessEnv): Promise<never> {
  const options = { 'data-dir': { type: 'string' } } as const;
  const { values, words } = readCommandLine({ usage, options, words: ['restore-mark'] });
  const { 'data-dir': dataDir } = values;
  const given = dataDir === undefined ? {} : { KODAMA_DATA_DIR: dataDir };
  const program = new Program();
  const isTerminal = process.stdout.isTTY === true;
  const work = words.length > 0 ? mark : serve;
  return await program.run(
    () => readConfig({ ...environment, ...given }, { isTerminal }),
    (run) => work(run, program),
  );
}

async function mark({ config, logger, stop }: Run<Config>, program: Program): Promise<void> {
  const { restoreMark } = await import('./restore-mark.ts');
  const text = await restoreMark({ config, logger, signal: stop.signal });
  const { stdout, stderr } = program;
  (config.logFormat === 'text' ? stdout : stderr).write(text);
}

async function serve(run: Run<Config>, program: Program): Promise<void> {
  const { config, logger, stop, fail, warn } = run;
  const { listenPorts } = config;
  const overlap = listenPorts === null ? null : await overlapWarning(listenPorts);
  if (overlap !== null) warn(overlap);
  await keepCompiled(config.dataDir);
  const { App } = await import('./app.ts');
  {
    await using app = await App.start({ config, logger, signal: stop.signal, onFatal: fail });
    announce(app, run, program);
    using _ = settleHeap();
    await stopped(stop);
  }
  logger.info({}, 'stopped');
}

function announce(app: App, { config, logger }: Run<Config>, { stdout, stderr }: Program): void {
  const { logFormat, apiToken, logLines, tls } = config;
  const { nodeId, recovered, gatewayUrl } = app;
  const httpAddresses = reachableAddresses(app.httpAddress);
  const grpcAddresses = reachableAddresses(app.grpcAddress);
  const isTls = tls.files !== null;
  const text = bannerText({
    ...{ httpAddresses, grpcAddresses, gatewayUrl, recovered, isTls },
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
  const gateway = gatewayUrl === null ? {} : { gateway: gatewayUrl };
  logger.info({ ...ports, rest, grpc, ...gateway, nodeId, docs: `${rest}/docs` }, 'ready');
  // Logs in JSON have stdout to themselves.
  stderr.write(text);
}
