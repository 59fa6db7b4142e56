/** A node's stable id: given, or made once and kept in the data directory. */
import { randomUUID } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeIdRule } from '../config.ts';

/** The data directory is there already. @throws an Error that says what is wrong with the file */
export async function readNodeId(dataDir: string): Promise<string> {
  const path = join(dataDir, 'node-id');
  const found = await readId(path);
  if (found !== null) return found;
  await write(path, dataDir, `node-${randomUUID().slice(0, 8)}`);
  const made = await readId(path);
  if (made === null) throw new Error(`${path} was removed while it was made`);
  return made;
}

async function readId(path: string): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new Error(`${path} can not be read: ${error.message}`, { cause: error });
  });
  if (text === null) return null;
  const id = text.replace(/\n$/, '');
  if (nodeIdRule.pattern.test(id)) return id;
  throw new Error(
    `${path} holds no node id: it ${nodeIdRule.words}. Write the id into it that this node had; ` +
      'or remove it, and the node gets a new one, and is another node then',
  );
}

/** The link appears whole or not at all, stays after a loss of power, and never replaces an id that is there. */
async function write(path: string, directory: string, id: string): Promise<void> {
  const draft = `${path}.${id}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${id}\n`);
    await file.sync();
    await link(draft, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await file.close();
    await rm(draft, { force: true });
  }
  const handle = await open(directory);
  await handle.sync().finally(() => handle.close());
}
