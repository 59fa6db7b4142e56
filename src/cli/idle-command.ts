/** The finder of idle time-outs: what stands between a client and a listener, and after which silence it forgets them. */
import { Command, Option } from 'commander';
import { CommandFailure, exitCodes } from './failure.ts';
import { choice, duration, option, port, wholeNumber, withOptions } from './flags.ts';
import { foundJson, foundText } from './idle/idle-report.ts';
import { search } from './idle/search.ts';
import { directions, type IdleOptions, searchPlan } from './idle/search-plan.ts';
import { type ListenerChoice, TargetListener } from './idle/target-listener.ts';
import { Interrupts } from './interrupts.ts';
import type { Run, Session } from './session.ts';

export function idleCommand(run: Run): Command {
  const command = new Command('idle')
    .description(
      'find after which silence what stands before a listener ends a connection, and how',
    )
    .argument('<host:port>', 'where a client reaches the listener, through what is to be tried')
    .action(run(findIdle));
  return withOptions(command, [
    option('--from <duration>', 'the shortest silence', duration).default(15_000, '15s'),
    option('--to <duration>', 'the longest silence', duration).default(600_000, '10m'),
    option('--steps <n>', 'how many silences, each a connection', wholeNumber).default(24),
    choice('--direction <who>', 'who speaks after the silence', [...directions, 'both']).default(
      'client',
    ),
    new Option('--udp', 'UDP instead of TCP'),
    new Option('--refine', 'try as many silences again between the two that were found'),
    option(
      '--listener <listener>',
      'the listener behind it, by name or id; without it one is made for the search',
    ).conflicts(['listenPort', 'listenHost']),
    option('--listen-port <port>', 'where that is to listen; as in HOST:PORT by default', port),
    option('--listen-host <address>', 'the address that it binds'),
  ]);
}

async function findIdle(session: Session, command: Command): Promise<number> {
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
  const failures = finds.flatMap(({ verdict: { why } }) => why ?? []);
  if (failures.length < finds.length) return exitCodes.done;
  throw new CommandFailure(exitCodes.notMet, { code: 'not_met', detail: failures.join('; ') });
}
