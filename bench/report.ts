/** What rows answer with, and how it is shown and kept. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { benchDir, outDir } from './compile.ts';
import { processorText } from './processor.ts';

export interface Goal {
  readonly of: 'ratio' | 'figure';
  readonly max?: number;
  readonly min?: number;
}

export interface Result {
  readonly what: string;
  readonly unit: string;
  readonly reference?: { readonly name: string; readonly figure: number } | undefined;
  /** Null when it could not be measured; `note` says why. */
  readonly kodama: number | null;
  /** Median over the rounds; absent: the quotient of the two figures. */
  readonly ratio?: number | undefined;
  readonly goal?: Goal | undefined;
  /** False when a check beside the figure failed: then the goal is not met. */
  readonly isSound?: boolean;
  readonly note?: string | undefined;
}

export function ratioOf({ reference, kodama, ratio }: Result): number | null {
  if (reference === undefined || kodama === null) return null;
  return ratio ?? kodama / reference.figure;
}

export function isMet(result: Result): boolean | null {
  const { goal, kodama, isSound = true } = result;
  const value = goal?.of === 'ratio' ? ratioOf(result) : kodama;
  if (goal === undefined || value === null) return null;
  return isSound && value <= (goal.max ?? Infinity) && value >= (goal.min ?? -Infinity);
}

function number(value: number): string {
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 100 ? 1 : 2;
  return value.toLocaleString('en-US', {
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  });
}

function goalText({ goal, unit, reference }: Result): string {
  if (goal === undefined) return '';
  const bound = goal.max === undefined ? `≥ ${goal.min}` : `≤ ${goal.max}`;
  return goal.of === 'ratio' ? `${bound} × ${reference?.name ?? ''}` : `${bound} ${unit}`;
}

const header = ['what', 'reference', 'kodama', 'ratio', 'goal', 'met', ''];

function cells(result: Result): string[] {
  const { what, unit, reference, kodama, note = '' } = result;
  const ratio = ratioOf(result);
  const met = isMet(result);
  return [
    what,
    reference === undefined ? '' : `${reference.name} ${number(reference.figure)} ${unit}`,
    kodama === null ? '—' : `${number(kodama)} ${unit}`,
    ratio === null ? '' : `${ratio.toFixed(2)} ×`,
    goalText(result),
    met === null ? '' : met ? 'yes' : 'NO',
    note,
  ];
}

/** The table as Markdown that reads as text, too. */
export function table(results: readonly Result[]): string {
  const rows = [header, ...results.map(cells)];
  const widths = header.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const [head = [], ...body] = rows;
  return [line(head), rule, ...body.map(line)].join('\n');
}

function machine() {
  const commit = git('rev-parse', '--short', 'HEAD');
  return {
    processor: processorText(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    arch: arch(),
    node: process.version,
    commit: git('status', '--porcelain') === '' ? commit : `${commit} with changes`,
  };
}

function git(...args: string[]): string {
  try {
    return execFileSync('git', args, {
      cwd: benchDir,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}

/** Writes bench/out/<time>.json, and returns its path. */
export function keep(results: readonly Result[], options: object): string {
  mkdirSync(outDir, { recursive: true });
  const time = new Date().toISOString();
  const rows = results.map((result) => ({
    ...result,
    ratio: ratioOf(result),
    isMet: isMet(result),
  }));
  const path = join(outDir, `${time.replaceAll(':', '-').slice(0, 19)}.json`);
  writeFileSync(path, `${JSON.stringify({ time, machine: machine(), options, rows }, null, 2)}\n`);
  return path;
}
