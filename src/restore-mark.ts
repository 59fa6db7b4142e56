/** `restore-mark`: offline work on the database of a kodama that was brought back from a backup. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { EmbeddedPostgres } from './embedded-postgres/embedded-postgres.ts';
import { prepareDataDir } from './node/data-dir.ts';
import { orStartError, StartError } from './node/start-error.ts';
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
  const logs = await orStartError(
    () => renewLogIds({ connectionString, log, signal }),
    (reason) => `${name} cannot be marked: ${reason}`,
  );
  for (const renewed of logs) log.info(renewed, 'the log has a new id');
  return textOf(name, logs);
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
