/**
 * Where a process's CPU goes, by perf(1): the kernel, Node's own code, the C library, JavaScript. It needs perf and
 * the right to use it.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { outDir } from './compile.ts';

const data = join(outDir, 'perf.data');
const samplesPerSecond = 4000;
/** perf says nothing when it has begun. */
const beginMs = 300;

/** Runs the work, and prints how the microseconds of one operation were spent meanwhile. */
export async function printShares(
  what: string,
  { pid, eachUs }: { readonly pid: number; readonly eachUs: number },
  work: () => Promise<unknown>,
): Promise<void> {
  mkdirSync(outDir, { recursive: true });
  const args = ['record', '-F', String(samplesPerSecond), '-e', 'cpu-clock', '-o', data, '-p'];
  const perf = spawn('perf', [...args, String(pid)], { stdio: 'ignore' });
  const ended = once(perf, 'exit');
  await Promise.race([delay(beginMs), ended]);
  await work();
  perf.kill('SIGINT');
  await ended;
  const shares = [...sharesOf(data)].sort(([, a], [, b]) => b - a);
  const parts = shares
    .filter(([, share]) => share >= 0.005)
    .map(
      ([name, share]) => `${name} ${(share * eachUs).toFixed(2)} (${(share * 100).toFixed(1)} %)`,
    );
  console.log(`  ${what}: ${eachUs.toFixed(2)} µs = ${parts.join(' + ')}`);
}

/** Of all samples, by the object that they fell into. */
function sharesOf(path: string): ReadonlyMap<string, number> {
  const report = ['report', '-i', path, '--sort', 'dso', '-g', 'none', '--stdio'];
  const text = execFileSync('perf', report, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const shares = new Map<string, number>();
  for (const [, percent, object = ''] of text.matchAll(/^\s+([\d.]+)%\s+(\S+)/gm)) {
    const name = nameOf(object);
    shares.set(name, (shares.get(name) ?? 0) + Number(percent) / 100);
  }
  return shares;
}

function nameOf(object: string): string {
  if (object.startsWith('[kernel')) return 'kernel';
  // What V8 has compiled lies in no file.
  if (object.startsWith('[JIT]') || object.startsWith('//anon')) return 'JavaScript';
  return object.replace(/\.so[.\d]*$/, '');
}
