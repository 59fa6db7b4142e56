/** Outputs whose reader sleeps or is gone, in real pipes, files and terminals. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from './support/wait-for.ts';

const program = join(import.meta.dirname, 'support/output-writer.ts');
const lines = 3000;

/** Starts the program that writes, and resolves when it has written all, whoever reads. */
async function startWriter(
  stdio: SpawnOptions['stdio'],
  command: (words: string[]) => string[] = (words) => words,
): Promise<ChildProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'kodama-output-'));
  const file = join(folder, 'told');
  const words = command([process.execPath, program, file, String(lines)]);
  const child = spawn(words[0] ?? '', words.slice(1), { stdio, detached: true });
  onTestFinished(async () => {
    const { pid = 0 } = child;
    // The whole group: a program within a terminal, too.
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  await waitFor('the writer', () => existsSync(file));
  return child;
}

test('a pipe that nobody reads holds nothing up, and what is lost is counted', async () => {
  const child = await startWriter(['ignore', 'pipe', 'ignore']);
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (data: string) => {
    text += data;
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(0);
  const [, lost = '0'] = /^lost (\d+)$/m.exec(text) ?? [];
  const taken = text.split('\n').filter((line) => line === 'x'.repeat(999)).length;
  const ticks = text.split('\n').filter((line) => line === 'y').length;
  expect(Number(lost)).toBeGreaterThan(0);
  // The ticks that came while nobody read are among the lost.
  expect(taken + Number(lost) + ticks).toBeGreaterThanOrEqual(lines);
  expect(taken).toBeLessThan(lines);
});

test('a reader that has gone ends nothing', async () => {
  const child = await startWriter(['ignore', 'pipe', 'ignore']);
  child.stdout?.destroy();
  const ended = once(child, 'exit').then(() => 'ended');
  expect(await Promise.race([ended, stillWrites(child)])).toBe('writes');
});

test('a disk that is full ends nothing', async () => {
  const full = await open('/dev/full', 'w');
  onTestFinished(() => full.close());
  const child = await startWriter(['ignore', full.fd, 'ignore']);
  const ended = once(child, 'exit').then(() => 'ended');
  expect(await Promise.race([ended, stillWrites(child)])).toBe('writes');
});

test('a terminal that is held does not hold its program up', async () => {
  // script(1) makes a terminal, and stops reading from it while nobody takes what it passes on.
  const inTerminal = (words: string[]) => ['script', '-qfc', words.join(' '), '/dev/null'];
  await startWriter(['ignore', 'pipe', 'ignore'], inTerminal);
});

/** Resolves when the process has had processor time after this call: it runs, and hangs nowhere. */
async function stillWrites({ pid }: ChildProcess): Promise<string> {
  const start = await voluntarySwitches(pid);
  await waitFor('ticks', async () => (await voluntarySwitches(pid)) > start + 5);
  return 'writes';
}

async function voluntarySwitches(pid = 0): Promise<number> {
  const status = await open(`/proc/${pid}/status`);
  try {
    const text = await status.readFile('utf8');
    return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(text)?.[1]);
  } finally {
    await status.close();
  }
}
