/** What a wait is told on the command line, whatever it counts, and what it tells when it ends. */
import { Option } from 'commander';
import { exitCodes, Refused, usageFailure } from './failure.ts';
import { atLeastOne, duration, option, wholeNumber } from './flags.ts';
import type { Lists, Query } from './rest-client.ts';
import type { Session } from './session.ts';
import { type Counted, type NotMet, waitFor } from './wait.ts';

export interface WaitBounds {
  readonly count?: number;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly none?: true;
  readonly settle: number;
  readonly timeout: number;
  readonly afterSeq?: number;
  readonly limit: number;
  readonly quiet?: true;
}

export function countOptions(): readonly Option[] {
  return [
    option('--count <n>', 'exactly so many', wholeNumber).conflicts(['atLeast', 'atMost', 'none']),
    option('--at-least <n>', 'so many or more; 1 where nothing is said', wholeNumber).conflicts(
      'none',
    ),
    option('--at-most <n>', 'no more than so many', wholeNumber).conflicts('none'),
    new Option('--none', 'none at all, for as long as --settle says'),
  ];
}

export function endOptions(): readonly Option[] {
  return [
    option('--settle <duration>', 'it must have held for so long', duration).default(0),
    option('--timeout <duration>', 'how long it is waited for; 0 looks once', duration).default(
      10_000,
      '10s',
    ),
    option('--limit <n>', 'print at most so many', atLeastOne).default(50),
    new Option('-q, --quiet', 'print nothing where it is met'),
  ];
}

/** As the API has them. */
export function boundQuery({ count, none, afterSeq, limit, ...given }: WaitBounds): Query {
  return {
    min: count ?? given.atLeast ?? (none === true ? 0 : undefined),
    max: count ?? given.atMost ?? (none === true ? 0 : undefined),
    afterSeq,
    pageSize: limit,
  };
}

interface Awaited<Name extends Counted> {
  readonly name: Name;
  readonly query: Query;
  readonly show: (items: readonly Lists[Name][]) => Promise<void>;
  /** Which one that is, of those that did not count. */
  readonly place: (item: Lists[Name]) => string;
}

/** Resolves with the exit code. @throws CommandFailure, of code not_met where it is not met */
export async function untilMet<Name extends Counted>(
  { client, terminal, format }: Session,
  { settle: settleMs, timeout: timeoutMs, quiet, atLeast = 0, atMost = atLeast }: WaitBounds,
  { name, query, show, place }: Awaited<Name>,
): Promise<number> {
  if (settleMs > timeoutMs) throw usageFailure('--settle is longer than --timeout');
  if (atLeast > atMost) throw usageFailure('--at-least is above --at-most');
  try {
    const met = await waitFor({ client, name, query, settleMs, timeoutMs });
    const { [name]: items, count, seq } = met;
    if (quiet === true) return exitCodes.done;
    if (format === 'json') await terminal.printJson(met);
    else if (count > 0) await show(items);
    const cut = items.length < count ? `, of which the oldest ${items.length} are shown` : '';
    terminal.say(`met: ${count}${cut}, at seq ${seq}`);
    return exitCodes.done;
  } catch (error) {
    if (format === 'json' || !(error instanceof Refused)) throw error;
    // What came instead is mostly what whoever waits has to know.
    for (const one of (error.problem as Partial<NotMet<Name>>).near ?? []) {
      terminal.say(`not counted: ${place(one)}  ${one.differs.join(', ')}`);
    }
    throw error;
  }
}
