/** The agent's process: command line, environment → identity → agent → signals → exit code. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { readCommandLine, version } from '../command-line.ts';
import { type AgentConfig, ConfigError, readAgentConfig } from '../config.ts';
import { nodeName } from '../fleet/node.ts';
import { keepCompiled } from '../node/compiled.ts';
import { prepareDataDir } from '../node/data-dir.ts';
import { lockDataDir } from '../node/data-dir-lock.ts';
import { orStartError, StartError } from '../node/start-error.ts';
import { Program, type Run, stopped } from '../program.ts';
import { type GivenToken, readJoinToken } from '../wire/pin.ts';
import { Agent } from './agent.ts';
import { AgentStateFile } from './agent-state.ts';
import { keepWays, takeIdentity } from './identity.ts';

const usage = `kodama agent --join https://HOST:PORT   holds echo sockets on this host for a control plane

  --join <url>         its gateway; several times: one after the other is tried
  --token-file <file>  the join token, else KODAMA_JOIN_TOKEN
  --name <name>        what the node is to be called, else as the host
  --help               prints this
  --version            prints the version

A restart needs none of these: what it has joined is kept in KODAMA_DATA_DIR.`;

const { values } = readCommandLine({
  usage,
  options: {
    join: { type: 'string', multiple: true },
    name: { type: 'string' },
    'token-file': { type: 'string' },
  },
});
const { join: urls = [], name = null, 'token-file': tokenFile = null } = values;

const program = new Program();
const isTerminal = process.stdout.isTTY === true;
await program.run(() => {
  if (name !== null && !nodeName.pattern.test(name)) {
    throw new ConfigError(`--name ${nodeName.words}`);
  }
  return readAgentConfig(process.env, { isTerminal });
}, serve);

async function serve({ config, logger, stop, fail }: Run<AgentConfig>): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const file = await openState(config, resources);
  const token = await tokenOf(config, file);
  const { limits } = config;
  const given = { file, urls, token, name, version, limits, logger, signal: stop.signal };
  const identity = await takeIdentity(given);
  if (identity === null) {
    logger.warn({}, 'the node that joined with this token was removed: another token is needed');
    return;
  }
  const { nodeId, name: node } = identity;
  logger.info({ nodeId, node, host: hostname() }, 'ready');
  {
    let kept = Promise.resolve();
    const onWelcome = () => {
      const words = 'where its control plane is cannot be kept';
      kept = keepWays(file, identity).catch((err: unknown) => logger.warn({ err }, words));
    };
    await using agent = new Agent({ identity, config, version, logger, onWelcome, onFatal: fail });
    const forgotten = agent.removed.then(async () => {
      await kept;
      await file.forget();
    });
    await Promise.race([stopped(stop), forgotten]);
    await kept;
  }
  logger.info({}, 'stopped');
}

async function openState(
  { dataDir }: AgentConfig,
  resources: AsyncDisposableStack,
): Promise<AgentStateFile> {
  const words = (reason: string) => `KODAMA_DATA_DIR (${dataDir}) cannot be used: ${reason}`;
  const directory = await orStartError(() => prepareDataDir(dataDir), words);
  const release = await orStartError(
    () => lockDataDir(directory),
    (reason) => reason,
  );
  resources.defer(release);
  await keepCompiled(directory);
  return await orStartError(() => AgentStateFile.open(directory), words);
}

/** A variable that is refused stays as it is; a file may hold another token at the next start. */
async function tokenOf(
  { joinToken }: AgentConfig,
  { state }: AgentStateFile,
): Promise<GivenToken | null> {
  if (tokenFile === null) return joinToken === null ? null : tokenIn(joinToken, ConfigError);
  // Who has joined needs none any more.
  if (state.joined !== null && !existsSync(tokenFile)) return null;
  const read = () => readFile(tokenFile, 'utf8');
  return tokenIn(await orStartError(read, (reason) => `--token-file: ${reason}`), StartError);
}

function tokenIn(text: string, Failure: typeof ConfigError | typeof StartError): GivenToken {
  const token = readJoinToken(text);
  if (token !== null) return token;
  const place = tokenFile === null ? 'KODAMA_JOIN_TOKEN' : `--token-file: ${tokenFile}`;
  throw new Failure(`${place} holds no join token: it begins with kodamajoin_`);
}
