/**
 * What the heap of a Node process holds alive after a full collection, its buffers among it: a heap snapshot begins with
 * one. The memory of a process tells little of that, since V8 gives it back as it sees fit.
 */
import { readdirSync } from 'node:fs';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from './wait-for.ts';

/** No other part of kodama or Node uses it. */
const heapSignal = 'SIGWINCH';

/** For the command line of a kodama whose processes, its workers too, are to be asked. */
export function heapFlags(directory: string): readonly string[] {
  return [`--heapsnapshot-signal=${heapSignal}`, `--diagnostic-dir=${directory}`];
}

/** In bytes. The process stands still meanwhile. */
export async function liveHeapBytes(pid: number, directory: string): Promise<number> {
  process.kill(pid, heapSignal);
  const name = new RegExp(`^Heap\\..*\\.${pid}\\..*\\.heapsnapshot$`);
  return await waitFor(
    'a heap snapshot',
    async () => {
      const file = readdirSync(directory).find((one) => name.test(one));
      return file === undefined ? null : await selfSizes(join(directory, file));
    },
    300_000,
  );
}

/** The sizes of all objects in a snapshot, summed; null while it is still being written. */
async function selfSizes(path: string): Promise<number | null> {
  if (!(await isWritten(path))) return null;
  const text = await readFile(path, 'utf8');
  await rm(path);
  const { snapshot, nodes } = JSON.parse(text);
  const fields: string[] = snapshot.meta.node_fields;
  let sum = 0;
  for (let at = fields.indexOf('self_size'); at < nodes.length; at += fields.length) {
    sum += nodes[at];
  }
  return sum;
}

const settleMs = 500;

/** Complete: it has its last bracket, and grows no more. */
async function isWritten(path: string): Promise<boolean> {
  const { size: before } = await stat(path);
  await new Promise((next) => setTimeout(next, settleMs));
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(8);
    await file.read(last, 0, last.length, Math.max(0, size - last.length));
    return size === before && last.toString().trimEnd().endsWith('}');
  } finally {
    await file.close();
  }
}
