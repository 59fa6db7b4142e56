/** The command `kodama` as a user runs it: the real program, in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const program = join(import.meta.dirname, '../../bin/kodama.js');

export interface CommandEnd {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly output: { stdout: string; stderr: string };
  readonly ended: Promise<CommandEnd>;
}

export interface CommandOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** What it reads, to its end. */
  readonly input?: string;
}

/** Against the app; it is gone when the test is over. */
export function beginCommand(
  app: { readonly url: string },
  words: readonly string[],
  { environment = {}, input = '' }: CommandOptions = {},
): RunningCommand {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
  const env = { PATH, NODE_COMPILE_CACHE, KODAMA_URL: app.url, ...environment };
  const child = spawn(process.execPath, [program, ...words], { env, stdio: 'pipe' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  child.stdin.end(input);
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code ?? signal,
    ...output,
  }));
  return { child, output, ended };
}

export async function command(
  app: { readonly url: string },
  words: readonly string[],
  options: CommandOptions = {},
): Promise<CommandEnd> {
  return await beginCommand(app, words, options).ended;
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever it expects to be there
export function jsonLines(text: string): any[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
