/**
 * Loaded into a kodama before its own code (`--import live-memory-probe.ts?dir=…`): on SIGUSR2 it collects all garbage
 * and writes down what is left. The memory of a process tells little of that, since V8 gives it back as it sees fit.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const dir = new URL(import.meta.url).searchParams.get('dir') ?? '.';

process.on('SIGUSR2', () => {
  // Twice: what a finalizer lets go is garbage of the next collection.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const file = join(dir, 'live-memory');
  writeFileSync(`${file}.new`, String(heapUsed + external));
  renameSync(`${file}.new`, file);
});
