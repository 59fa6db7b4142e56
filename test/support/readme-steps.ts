/** The README's steps, as a user pastes them into a shell. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { freePort } from './free-port.ts';
import type { RunningApp } from './test-app.ts';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

export function section(title: string): string {
  const [, text = ''] = readme.split(`\n## ${title}\n`);
  return text.split('\n## ')[0] ?? '';
}

export interface Step {
  readonly comment: string;
  /** The lines below the comment, as they stand. */
  readonly commands: string;
}

/** Of a section: a step is a comment and the lines below it, up to an empty line. */
export function stepsOf(title: string): Step[] {
  const blocks = [...section(title).matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(
    ([, block = '']) => block,
  );
  return blocks
    .flatMap((block) => block.split(/\n\n/))
    .map((step) => {
      const lines = step.trim().split('\n');
      const isComment = (line: string) => line.startsWith('# ');
      return {
        comment: lines.filter(isComment).join(' ').replaceAll('# ', ''),
        commands: lines.filter((line) => !isComment(line)).join('\n'),
      };
    });
}

interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** All steps in one bash, as a user pastes them; nothing of them is changed but the ports. */
async function paste(steps: readonly Step[], app: RunningApp): Promise<Outcome[]> {
  const mark = (index: number) => `printf '\\n<end of %d: %d>\\n' ${index} $?`;
  const lines = steps.flatMap(({ commands }, index) => [commands, mark(index)]);
  const ports = await freePorts(new Set(lines.join('\n').match(/\b90\d\d\b/g)));
  const script = ['exec 2>&1', ...lines]
    .join('\n')
    .replaceAll(/\b8080\b/g, String(app.httpPort))
    .replaceAll(/\b50051\b/g, String(app.grpcPort))
    .replaceAll(/\b90\d\d\b/g, (port) => String(ports.get(port)));
  const { stdout } = await promisify(execFile)('bash', ['-c', script], {
    cwd: root,
    env: { ...process.env, KODAMA_URL: app.url },
    timeout: 150_000,
  });
  const parts = stdout.split(/\n<end of \d+: (\d+)>\n/);
  return steps.map((_, index) => ({
    output: parts[2 * index] ?? '',
    code: Number(parts[2 * index + 1]),
  }));
}

/** One for each that is named. */
async function freePorts(names: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
  const free = await Promise.all([...names].map(async (name) => [name, await freePort()] as const));
  return new Map(free);
}

/** What the comment of a step promises, held against all that it printed. */
export type Promised = readonly [comment: RegExp, check: (output: string) => void];

/** Runs the steps, each of which must do what its comment says. */
export async function keepTheirPromises(
  steps: readonly Step[],
  promises: readonly Promised[],
  app: RunningApp,
): Promise<void> {
  const outcomes = await paste(steps, app);
  for (const [index, { comment }] of steps.entries()) {
    const [pattern, check] = promises[index] ?? [];
    expect(comment).toMatch(pattern ?? 'no promise');
    expect(outcomes[index]?.code, comment).toBe(0);
    check?.(outcomes[index]?.output ?? '');
  }
}
