/** A node's stable id: given, or made once and kept in the data directory. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export async function readNodeId(given: string | null, dataDir: string): Promise<string> {
  if (given !== null) return given;
  const path = join(dataDir, 'node-id');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  // The link appears whole or not at all, and never replaces an id that is there.
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `node-${randomUUID().slice(0, 8)}\n`);
  try {
    await link(draft, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(draft);
  }
  return (await readFile(path, 'utf8')).trim();
}
