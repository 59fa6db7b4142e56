/** Asks before something is taken away that no command brings back. */
import { failed, usageFailure } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** @throws CommandFailure where the answer is no, or nobody can be asked; `flag` is what wants --yes then */
export async function confirm(terminal: Terminal, question: string, flag: string): Promise<void> {
  if (!terminal.isInteractive)
    throw usageFailure(`nothing was done: ${flag} wants --yes where nobody can be asked`);
  const answer = await terminal.ask(`${question} [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw failed('nothing was done');
}
