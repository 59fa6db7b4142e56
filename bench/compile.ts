/** The programs of bench that are not TypeScript, compiled into bench/out; a missing compiler is no error. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';

export const benchDir = import.meta.dirname;
export const outDir = join(benchDir, 'out');

const compilers: Readonly<Record<string, (source: string, target: string) => string[]>> = {
  '.c': (source, target) => ['cc', '-O2', '-Wall', '-Wextra', '-o', target, source],
  '.go': (source, target) => ['go', 'build', '-o', target, source],
};

/** The path of the program, or null where its compiler is missing. */
export function compile(file: string): string | null {
  const source = join(benchDir, file);
  const target = join(outDir, basename(file, extname(file)));
  const [program = '', ...args] = compilers[extname(file)]?.(source, target) ?? [];
  if (!hasProgram(program)) return null;
  mkdirSync(outDir, { recursive: true });
  const built = statSync(target, { throwIfNoEntry: false });
  if (built === undefined || built.mtimeMs < statSync(source).mtimeMs) {
    execFileSync(program, args, { stdio: 'inherit' });
  }
  return target;
}

function hasProgram(name: string): boolean {
  try {
    execFileSync('which', [name], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
