/** This node's id, and the directory that it is kept in. */
import type { Config } from '../config.ts';
import { prepareDataDir } from './data-dir.ts';
import { lockDataDir } from './data-dir-lock.ts';
import { readNodeId } from './node-id.ts';
import { orStartError } from './start-error.ts';

/** Two processes with one id would take each other's place: who reads it from the directory holds that. */
export async function takeNodeId(
  { nodeId, dataDir, databaseUrl }: Pick<Config, 'nodeId' | 'dataDir' | 'databaseUrl'>,
  resources: AsyncDisposableStack,
): Promise<string> {
  // Who has an id and a database needs no directory.
  if (nodeId !== null && databaseUrl !== null) return nodeId;
  const id = await orStartError(
    async () => {
      const directory = await prepareDataDir(dataDir);
      return nodeId ?? (await readNodeId(directory));
    },
    (reason) => `KODAMA_DATA_DIR (${dataDir}) cannot be used: ${reason}`,
  );
  // The embedded PostgreSQL takes the lock itself.
  if (databaseUrl !== null) {
    const release = await orStartError(
      () => lockDataDir(dataDir),
      (reason) => reason,
    );
    resources.defer(release);
  }
  return id;
}
