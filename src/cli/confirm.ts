/** Asks before something is taken away that no command brings back. */
import { createInterface } from 'node:readline/promises';
import { failed, usageFailure } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** @throws CommandFailure where the answer is no, or nobody can be asked; `flag` is what wants --yes then */
export async function confirm(terminal: Terminal, question: string, flag: string): Promise<void> {
  if (!terminal.isInteractive)
    throw usageFailure(`nothing was done: ${flag} wants --yes where nobody can be asked`);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(`${question} [y/N] `);
  lines.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw failed('nothing was done');
}
