/** The command `idle`, from its words to what it prints. */
import type { Command } from 'commander';
import { CommandFailure, exitCodes } from '../failure.ts';
import { Interrupts } from '../interrupts.ts';
import type { Session } from '../session.ts';
import { foundJson, foundText } from './idle-report.ts';
import { search } from './search.ts';
import { type IdleOptions, searchPlan } from './search-plan.ts';
import { type ListenerChoice, TargetListener } from './target-listener.ts';

export async function findIdle(session: Session, command: Command): Promise<number> {
  const { terminal, format } = session;
  const options = command.opts<IdleOptions & ListenerChoice>();
  const plan = searchPlan(command.args[0] ?? '', options);
  using interrupts = new Interrupts();
  await using listener = await TargetListener.open(session, plan, options);
  const { signal } = interrupts;
  const finds = await search({ plan, listener, signal, say: (text) => terminal.say(text) });
  for (const found of finds) {
    if (format === 'json') await terminal.printJson(foundJson(found));
    else await terminal.print(foundText(found, format === 'wide', terminal));
  }
  const whys = finds.flatMap(({ direction, verdict: { why } }) =>
    why === null ? [] : [finds.length > 1 ? `the ${direction} speaks: ${why}` : why],
  );
  if (whys.length === finds.length) {
    throw new CommandFailure(exitCodes.notMet, { code: 'not_met', detail: whys.join('; ') });
  }
  for (const why of whys) terminal.say(why);
  return exitCodes.done;
}
