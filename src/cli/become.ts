import { extname, join } from 'node:path';
import { environmentWith } from './environment.ts';

/** The program takes the place of this process: its signals, its output and its exit code are its own. */
export async function become(
  program: 'main' | 'agent/main',
  words: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<never> {
  // TypeScript in a clone, JavaScript in a package, as this file is.
  const file = join(import.meta.dirname, `../${program}${extname(import.meta.filename)}`);
  const given = Object.entries(environmentWith(variables)).filter(
    ([, value]) => value !== undefined,
  );
  // Node calls execve experimental; the warning would be printed by the program.
  process.removeAllListeners('warning');
  return process.execve?.(
    process.execPath,
    [process.execPath, file, ...words],
    Object.fromEntries(given),
  ) as never;
}
