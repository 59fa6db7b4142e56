/** A kodama that is judged by what it prints and how it ends; it is gone when the test is over. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { TestHome } from './test-app.ts';
import { waitFor } from './wait-for.ts';

const mainFile = join(import.meta.dirname, '../../src/main.ts');

export interface Ended {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly output: { stdout: string; stderr: string };
  readonly ended: Promise<Ended>;
}

/** A test that fails may leave some behind: they end with the process of the tests. */
const left = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of left) child.kill('SIGKILL');
});

/** A kodama as a user starts it who sees only what it prints. */
export function begin(
  environment: Readonly<Record<string, string>>,
  words: readonly string[] = [],
): Running {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
  const env = {
    PATH,
    NODE_COMPILE_CACHE,
    KODAMA_HTTP_PORT: '0',
    KODAMA_GRPC_PORT: '0',
    ...environment,
  };
  const child = spawn(process.execPath, [mainFile, ...words], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  left.add(child);
  child.once('exit', () => left.delete(child));
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code ?? signal,
    ...output,
  }));
  return { child, output, ended };
}

export async function run(
  environment: Readonly<Record<string, string>>,
  words: readonly string[] = [],
): Promise<Ended> {
  return await begin(environment, words).ended;
}

export interface Shown {
  readonly running: Running;
  readonly url: string;
  /** What it has printed, without the times. */
  lines(): string[];
  stop(): Promise<void>;
}

/** As in a terminal, at the level that is the default. */
export async function startText(
  home: TestHome,
  extra: Readonly<Record<string, string>> = {},
): Promise<Shown> {
  const settings = { KODAMA_LOG_FORMAT: 'text', KODAMA_LOG_LEVEL: 'info', ...extra };
  const running = begin({ ...home.environment, ...settings });
  const { output, child, ended } = running;
  const bannerUrl = () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${output.stderr}${output.stdout}`);
    return /Try: .* '?(http:\S+)\/v1\/listeners/.exec(output.stdout)?.[1];
  };
  // On a machine that does much else a start takes long.
  const url = await waitFor('the banner', bannerUrl, 60_000);
  return {
    running,
    url,
    lines: () =>
      output.stdout.split('\n').map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3} /, '')),
    async stop() {
      child.kill('SIGTERM');
      expect(await ended).toMatchObject({ code: 0 });
    },
  };
}
