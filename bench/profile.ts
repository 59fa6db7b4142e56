/** Where the CPU goes in kodama's own processes, by V8's sampling profiler. It costs some CPU itself. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { outDir } from './compile.ts';

const directory = join(outDir, 'profiles');
const linesMax = 18;

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** For node: the control plane, and the workers that it forks, write a profile each when they end. */
export function startProfiles(): readonly string[] {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return ['--cpu-prof', `--cpu-prof-dir=${directory}`];
}

/** The functions that took most of their process's busy time, themselves and not what they call. */
export function printProfiles(): void {
  for (const file of readdirSync(directory)) {
    const profile = JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile;
    const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
    const times = new Map<string, number>();
    profile.samples.forEach((id, index) => {
      const name = names.get(id) ?? '';
      times.set(name, (times.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0));
    });
    times.delete('(idle)');
    const busy = times.values().reduce((sum, time) => sum + time, 0);
    console.log(`\n${file}: ${(busy / 1e6).toFixed(2)} s busy`);
    const top = [...times].sort(([, a], [, b]) => b - a).slice(0, linesMax);
    for (const [name, time] of top) {
      console.log(`  ${((time * 100) / busy).toFixed(1).padStart(5)} %  ${name}`);
    }
  }
}

function nameOf({
  functionName,
  url,
  lineNumber,
}: CpuProfile['nodes'][number]['callFrame']): string {
  const place = url === '' ? '' : ` ${basename(url)}:${lineNumber + 1}`;
  return `${functionName === '' ? '(anonymous)' : functionName}${place}`;
}
