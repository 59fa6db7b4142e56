/** The processor that figures are of, with its caches: one with less of them once doubled a ratio. Linux only. */
import { globSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Such as `2 × AMD EPYC (family 25, model 1), L1 32K, L2 512K, L3 32768K`. */
export function processorText(): string {
  const info = textOf('/proc/cpuinfo');
  const told = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(info)?.[1] ?? '?';
  const model = `${told('model name')} (family ${told('cpu family')}, model ${told('model')})`;
  const caches = cacheTexts();
  // A virtual machine may show no more than this one, which one that is being the model's affair.
  if (caches.length === 0) caches.push(`cache ${told('cache size')}`);
  return [`${cpus().length} × ${model}`, ...caches].join(', ');
}

function cacheTexts(): string[] {
  return globSync('/sys/devices/system/cpu/cpu0/cache/index*').flatMap((cache) => {
    const told = (what: string) => textOf(`${cache}/${what}`).trim();
    return told('type') === 'Instruction' ? [] : [`L${told('level')} ${told('size')}`];
  });
}

/** Nothing where a system does not tell. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
