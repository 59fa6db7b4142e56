/** `restore-mark`: offline work on the database of a kodama that was brought back from a backup. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { EmbeddedPostgres } from './embedded-postgres/embedded-postgres.ts';
import { prepareDataDir } from './node/data-dir.ts';
import { orStartError, StartError } from './node/start-error.ts';
import type { Restored, RestoredKeys } from './postgres/restored-keys.ts';
import { type RenewedLog, renewLogIds } from './postgres/restored-logs.ts';

interface RestoreMarkOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Resolves to what it has done, in words. @throws StartError */
export async function restoreMark(options: RestoreMarkOptions): Promise<string> {
  await using resources = new AsyncDisposableStack();
  const { config, logger: log, signal } = options;
  const { databaseUrl } = config;
  const connectionString = databaseUrl ?? (await startEmbedded(options, resources));
  const name = databaseUrl === null ? 'the embedded database' : 'the database of DATABASE_URL';
  const keysShownMax = config.logLines.restoredKeysMax;
  const restored = await orStartError(
    () => renewLogIds({ connectionString, log, signal, keysShownMax }),
    (reason) => `${name} cannot be marked: ${reason}`,
  );
  for (const renewed of restored.logs) log.info(renewed, 'the log has a new id');
  return textOf(name, restored.logs) + keysText(restored);
}

async function startEmbedded(
  { config, logger: log, signal }: RestoreMarkOptions,
  resources: AsyncDisposableStack,
): Promise<string> {
  const { dataDir, postgres } = config;
  // A start would make what is not there.
  if (!existsSync(join(dataDir, 'postgres/PG_VERSION'))) {
    throw new StartError(
      `KODAMA_DATA_DIR (${dataDir}) holds no database: restore it first, or set DATABASE_URL`,
    );
  }
  const server = await orStartError(
    async () => {
      await prepareDataDir(dataDir);
      return await EmbeddedPostgres.start({ dataDir, log, signal, ...postgres });
    },
    (reason) => reason,
  );
  return resources.use(server).connectionString;
}

function textOf(name: string, logs: readonly RenewedLog[]): string {
  const lines = logs.map(
    ({ project, headSeq, log }) => `  ${project}: ${log}, whose newest event is ${headSeq}\n`,
  );
  return (
    `Each log of ${name} has a new id:\n${lines.join('')}` +
    'A cursor of before that names its log is now cursor_expired, with log_changed. Start kodama again.\n' +
    'A node that joined after the backup is not known: remove agent.json on its host, and join with another token.\n'
  );
}

/** What was ended since the backup is not known any more: a person is. */
function keysText({ keys, joinTokens }: RestoredKeys): string {
  if (keys.count + joinTokens.count === 0) return '';
  const keyLine = ({ id, name, project }: (typeof keys.first)[number]) =>
    `${id} ${name}, of ${project === null ? 'no project' : `project ${project}`}`;
  const tokenLine = ({ id, project, usesLeft }: (typeof joinTokens.first)[number]) =>
    `${id}, of project ${project}, uses left: ${usesLeft}`;
  return (
    'What was ended after the backup is good again. Once kodama runs, end those of these that should not be:\n' +
    `${listText('API keys', keys, keyLine)}${listText('Join tokens', joinTokens, tokenLine)}`
  );
}

function listText<Item>(
  what: string,
  { count, first }: Restored<Item>,
  lineOf: (item: Item) => string,
): string {
  if (count === 0) return '';
  const more = count > first.length ? `  and ${count - first.length} more\n` : '';
  return `${what}, ${count}:\n${first.map((item) => `  ${lineOf(item)}\n`).join('')}${more}`;
}
