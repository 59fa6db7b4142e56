import { Command } from 'commander';
import {
  type ConnectionFilterOptions,
  connectionFilterOptions,
  connectionQuery,
} from './connections-command.ts';
import { option, size, wholeNumber, withOptions } from './flags.ts';
import { addressText } from './resource-tables.ts';
import type { Query } from './rest-client.ts';
import type { Run, Session } from './session.ts';
import { showConnections } from './show.ts';
import { boundQuery, countOptions, endOptions, untilMet, type WaitBounds } from './wait-bounds.ts';

interface WaitOptions extends ConnectionFilterOptions, WaitBounds {
  readonly minBytesIn?: number;
  readonly minBytesOut?: number;
}

export function waitCommand(run: Run): Command {
  const command = new Command('wait')
    .description('wait until so many connections are on record; exit with 3 where they will not be')
    .argument('[listener]', 'its name or id')
    .action(run(waitForConnections));
  return withOptions(command, [
    ...countOptions(),
    ...connectionFilterOptions(),
    option('--min-bytes-in <size>', 'only those that so much came from', size),
    option('--min-bytes-out <size>', 'only those that so much was sent to', size),
    option('--after-seq <seq>', 'only those opened after it', wholeNumber),
    ...endOptions(),
  ]);
}

async function waitForConnections(session: Session, command: Command): Promise<number> {
  const options = command.opts<WaitOptions>();
  return await untilMet(session, options, {
    name: 'connections',
    query: waitQuery(options, command.args[0]),
    show: (connections) => showConnections(session, connections, options),
    place: ({ raddr, id }) => addressText(raddr) ?? id,
  });
}

/** As the API has it. */
export function waitQuery(options: WaitOptions, listener: string | undefined): Query {
  const { minBytesIn, minBytesOut } = options;
  return {
    ...connectionQuery({ ...options, ...(listener === undefined ? {} : { listener }) }),
    ...boundQuery(options),
    ...{ minBytesIn, minBytesOut },
  };
}
