/** A folder of a test's own, gone after it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processesOf } from '../chaos/processes.ts';
import { waitFor } from './wait-for.ts';

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), 'kodama-folder-'));
  return { path, [Symbol.asyncDispose]: () => remove(path) };
}

/** The workers of a kodama that was killed outlive it for a moment, and write what Node has compiled as they end. */
async function remove(path: string): Promise<void> {
  let left: readonly string[] = [];
  const isLeft = () => {
    left = processesOf(path);
    return left.length === 0;
  };
  await waitFor(() => `the end of ${left.join(', ')}`, isLeft);
  await rm(path, { recursive: true, force: true });
}
