/**
 * The same rows by this tree and by another commit, in turn in one run, each by its own bench: what has become dearer.
 * Whatever else the machine does falls on both alike.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchDir } from './compile.ts';
import { median, medianRatio } from './figures.ts';
import type { Result } from './report.ts';

const rounds = 3;
const here = join(benchDir, '..');

type Figures = ReadonlyMap<string, Result>;

interface Comparison {
  readonly what: string;
  readonly unit: string;
  readonly before: number;
  readonly now: number;
  readonly ratio: number;
}

/** @param args the other arguments of the bench */
export function compareWith(
  commit: string,
  rowNames: readonly string[],
  args: readonly string[],
): readonly Comparison[] {
  using tree = checkedOut(commit);
  const found: Comparison[] = [];
  for (const name of rowNames) {
    const before: Figures[] = [];
    const now: Figures[] = [];
    for (let round = 0; round < rounds; round += 1) {
      console.log(`${name}, round ${round + 1} of ${rounds} …`);
      const sides = [
        () => before.push(runBench(tree.path, name, args)),
        () => now.push(runBench(here, name, args)),
      ];
      // Whoever comes second finds a machine that is warm, or full.
      for (const run of round % 2 === 0 ? sides : sides.reverse()) run();
    }
    found.push(...compare(before, now));
  }
  return found;
}

function compare(before: readonly Figures[], now: readonly Figures[]): readonly Comparison[] {
  const [first = new Map<string, Result>()] = now;
  return [...first.values()].flatMap(({ what, unit }) => {
    const of = (sides: readonly Figures[]) =>
      sides.map((figures) => figures.get(what)?.kodama ?? Number.NaN);
    const [old, own] = [of(before), of(now)];
    if (![...old, ...own].every(Number.isFinite)) return [];
    return [{ what, unit, before: median(old), now: median(own), ratio: medianRatio(own, old) }];
  });
}

/** None where that tree does not know the row. */
function runBench(root: string, row: string, args: readonly string[]): Figures {
  const program = [join(root, 'bench/main.ts'), row, ...args];
  const { status, stdout } = spawnSync(process.execPath, program, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 1024 * 1024,
  });
  const path = stdout.trim().split('\n').at(-1) ?? '';
  if (status !== 0 || !path.endsWith('.json')) return new Map();
  const { rows } = JSON.parse(readFileSync(path, 'utf8')) as { readonly rows: readonly Result[] };
  return new Map(rows.map((row) => [row.what, row]));
}

function checkedOut(commit: string): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'kodama-against-'));
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: here, stdio: ['ignore', 'ignore', 'inherit'] });
  git('worktree', 'add', '--quiet', '--detach', '--force', path, commit);
  const isSame = textOf(path, 'package-lock.json') === textOf(here, 'package-lock.json');
  if (isSame) symlinkSync(join(here, 'node_modules'), join(path, 'node_modules'));
  else execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: path, stdio: 'ignore' });
  return {
    path,
    [Symbol.dispose]() {
      git('worktree', 'remove', '--force', path);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

function textOf(root: string, name: string): string {
  return readFileSync(join(root, name), 'utf8');
}

/** As Markdown. */
export function comparisonTable(commit: string, found: readonly Comparison[]): string {
  const number = (value: number) => value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
  const lines = found.map(
    ({ what, unit, before, now, ratio }) =>
      `| ${what} | ${number(before)} ${unit} | ${number(now)} ${unit} | ${ratio.toFixed(2)} × |`,
  );
  return [`| what | ${commit} | now | now / ${commit} |`, '|---|---|---|---|', ...lines].join('\n');
}
