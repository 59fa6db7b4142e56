import { Command, Option } from 'commander';
import {
  type ConnectionFilterOptions,
  connectionFilterOptions,
  connectionQuery,
} from './connections-command.ts';
import { exitCodes, Refused, usageFailure } from './failure.ts';
import { atLeastOne, duration, option, size, wholeNumber, withOptions } from './flags.ts';
import { addressText } from './resource-tables.ts';
import type { Query } from './rest-client.ts';
import type { Run, Session } from './session.ts';
import { showConnections } from './show.ts';
import { type NotMet, waitFor } from './wait.ts';

interface WaitOptions extends ConnectionFilterOptions {
  readonly count?: number;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly none?: true;
  readonly minBytesIn?: number;
  readonly minBytesOut?: number;
  readonly settle: number;
  readonly timeout: number;
  readonly afterSeq?: number;
  readonly limit: number;
  readonly quiet?: true;
}

export function waitCommand(run: Run): Command {
  const command = new Command('wait')
    .description('wait until so many connections are on record; exit with 3 where they will not be')
    .argument('[listener]', 'its name or id')
    .action(run(waitForConnections));
  return withOptions(command, [
    option('--count <n>', 'exactly so many', wholeNumber).conflicts(['atLeast', 'atMost', 'none']),
    option('--at-least <n>', 'so many or more; 1 where nothing is said', wholeNumber).conflicts(
      'none',
    ),
    option('--at-most <n>', 'no more than so many', wholeNumber).conflicts('none'),
    new Option('--none', 'none at all, for as long as --settle says'),
    ...connectionFilterOptions(),
    option('--min-bytes-in <size>', 'only those that so much came from', size),
    option('--min-bytes-out <size>', 'only those that so much was sent to', size),
    option('--after-seq <seq>', 'only those opened after it', wholeNumber),
    option('--settle <duration>', 'it must have held for so long', duration).default(0),
    option('--timeout <duration>', 'how long it is waited for; 0 looks once', duration).default(
      10_000,
      '10s',
    ),
    option('--limit <n>', 'print at most so many', atLeastOne).default(50),
    new Option('-q, --quiet', 'print nothing where it is met'),
  ]);
}

async function waitForConnections(session: Session, command: Command): Promise<number> {
  const { client, terminal, format } = session;
  const options = command.opts<WaitOptions>();
  const { settle: settleMs, timeout: timeoutMs, quiet, atLeast = 0, atMost = atLeast } = options;
  if (settleMs > timeoutMs) throw usageFailure('--settle is longer than --timeout');
  if (atLeast > atMost) throw usageFailure('--at-least is above --at-most');
  const query = waitQuery(options, command.args[0]);
  try {
    const met = await waitFor({ client, query, settleMs, timeoutMs });
    if (quiet === true) return exitCodes.done;
    if (format === 'json') await terminal.printJson(met);
    else if (met.count > 0) await showConnections(session, met.connections);
    const { length: shown } = met.connections;
    const cut = shown < met.count ? `, of which the oldest ${shown} are shown` : '';
    terminal.say(`met: ${met.count}${cut}, at seq ${met.seq}`);
    return exitCodes.done;
  } catch (error) {
    if (format !== 'json' && error instanceof Refused) sayNear(session, error.problem as NotMet);
    throw error;
  }
}

/** As the API has it. */
export function waitQuery(options: WaitOptions, listener: string | undefined): Query {
  const { count, atLeast, atMost, none, minBytesIn, minBytesOut, afterSeq, limit } = options;
  return {
    ...connectionQuery({ ...options, ...(listener === undefined ? {} : { listener }) }),
    min: count ?? atLeast ?? (none === true ? 0 : undefined),
    max: count ?? atMost ?? (none === true ? 0 : undefined),
    minBytesIn,
    minBytesOut,
    afterSeq,
    pageSize: limit,
  };
}

/** What came instead is mostly what whoever waits has to know. */
function sayNear({ terminal }: Session, { near = [] }: Partial<NotMet>): void {
  for (const { id, raddr, differs } of near) {
    terminal.say(`not counted: ${addressText(raddr) ?? id}  ${differs.join(', ')}`);
  }
}
