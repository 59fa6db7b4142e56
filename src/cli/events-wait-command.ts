/** A part of `events`: as `wait` counts connections, it counts events, such as refusals, of which there is no connection. */
import { Command } from 'commander';
import { type EventFilterOptions, eventFilterOptions, eventQuery } from './event-filter.ts';
import { eventLine } from './event-lines.ts';
import { usageFailure } from './failure.ts';
import { option, wholeNumber, withOptions } from './flags.ts';
import { addressText } from './resource-tables.ts';
import type { Run, Session } from './session.ts';
import { boundQuery, countOptions, endOptions, untilMet, type WaitBounds } from './wait-bounds.ts';

interface WaitOptions extends EventFilterOptions, WaitBounds {
  readonly log?: string;
}

export function eventsWaitCommand(run: Run): Command {
  const command = new Command('wait')
    .description('wait until so many events are on record; exit with 3 where they will not be')
    .action(run(waitForEvents));
  return withOptions(command, [
    ...countOptions(),
    ...eventFilterOptions(),
    option('--after-seq <seq>', 'only those after it', wholeNumber),
    option('--log <id>', 'refuse where that seq is of another log, such as after a restore'),
    ...endOptions(),
  ]);
}

async function waitForEvents(session: Session, command: Command): Promise<number> {
  assertOfWait(command);
  // The log has flags of these names too, and takes them wherever they stand.
  const options = command.optsWithGlobals<WaitOptions>();
  const { terminal, format } = session;
  const isWide = format === 'wide';
  return await untilMet(session, options, {
    name: 'events',
    query: { ...eventQuery(options), ...boundQuery(options), log: options.log },
    show: (events) => terminal.print(events.map((one) => eventLine(one, { isWide })).join('')),
    place: ({ seq, type, connection, refusal }) =>
      `seq ${seq} ${addressText((connection ?? refusal)?.raddr) ?? type}`,
  });
}

/** What only the log has, it takes as well. @throws CommandFailure */
function assertOfWait(command: Command): void {
  const { parent: log, options } = command;
  const isOwn = (long: string | undefined) => options.some((one) => one.long === long);
  const isGiven = (name: string) => log?.getOptionValue(name) !== undefined;
  const other = log?.options.find((one) => !isOwn(one.long) && isGiven(one.attributeName()));
  if (other === undefined) return;
  throw usageFailure(`${other.long} is not for a wait: --after-seq says what it counts from`);
}
