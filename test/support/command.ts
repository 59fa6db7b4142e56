/**
 * The command `kodama`: in this process, for what it prints and how it ends; and as a user runs it, the real program in
 * a process of its own, for what only that has, such as signals, stdin and a program beside it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { readEnvironment } from '../../src/cli/environment.ts';
import { runCommand } from '../../src/cli/run-command.ts';
import { Terminal } from '../../src/cli/terminal.ts';

const program = join(import.meta.dirname, '../../bin/kodama.js');

export interface CommandEnd {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProgram {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly output: { stdout: string; stderr: string };
  readonly ended: Promise<CommandEnd>;
}

export interface CommandOptions {
  readonly environment?: Readonly<Record<string, string>>;
}

export interface ProgramOptions extends CommandOptions {
  /** What it reads, to its end; of null its stdin stays open. */
  readonly input?: string | null;
}

/** Against the app, as its program runs it. Its output is no terminal. */
export async function command(
  app: { readonly url: string },
  words: readonly string[],
  { environment = {} }: CommandOptions = {},
): Promise<CommandEnd> {
  const given = readEnvironment({ KODAMA_URL: app.url, ...environment });
  const output = { stdout: '', stderr: '' };
  const into = (name: 'stdout' | 'stderr') =>
    new Writable({
      decodeStrings: false,
      write(text: string, _encoding, done) {
        output[name] += text;
        done();
      },
    });
  const terminal = new Terminal({ ...given, stdout: into('stdout'), stderr: into('stderr') });
  const code = await runCommand(words, { environment: given, terminal });
  return { code, ...output };
}

/** Against the app; it is gone when the test is over. */
export function beginProgram(
  app: { readonly url: string },
  words: readonly string[],
  { environment = {}, input = '' }: ProgramOptions = {},
): RunningProgram {
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
  if (input !== null) child.stdin.end(input);
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code ?? signal,
    ...output,
  }));
  return { child, output, ended };
}

export async function runProgram(
  app: { readonly url: string },
  words: readonly string[],
  options: ProgramOptions = {},
): Promise<CommandEnd> {
  return await beginProgram(app, words, options).ended;
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever it expects to be there
export function jsonLines(text: string): any[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
