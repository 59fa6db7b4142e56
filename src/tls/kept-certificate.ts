/** A self-signed certificate that is made once and kept, so that whoever has its pin knows it again. */

import { randomUUID } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkPair, makeSelfSigned } from './certificates.ts';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Nobody but agents that know its key look at it: a new one would cost each of them a new join. */
const days = 3650;
const fileName = 'gateway.pem';

/** In a directory of ours alone. @throws an Error that says what is wrong with the file */
export async function keptCertificate(directory: string, host: string): Promise<Pair> {
  const path = join(directory, fileName);
  const found = await read(path);
  if (found !== null) return found;
  await write(path, await makeSelfSigned(host, days));
  const made = await read(path);
  if (made === null) throw new Error(`${path} was removed while it was made`);
  return made;
}

async function read(path: string): Promise<Pair | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new Error(`${path} can not be read: ${error.message}`, { cause: error });
  });
  if (text === null) return null;
  const blocks = text.match(/-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g) ?? [];
  const [key = '', cert = ''] = blocks;
  checkPair({ cert, key }, { cert: `${path}, its certificate`, key: `${path}, its key` });
  return { cert, key };
}

/** The link appears whole or not at all, and never replaces one that is there: two replicas may share the directory. */
async function write(path: string, { cert, key }: Pair): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${key.trim()}\n${cert.trim()}\n`);
    await file.sync();
    await link(draft, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await file.close();
    await rm(draft, { force: true });
  }
}
