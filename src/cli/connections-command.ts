/** Connections, live and past: as a list, and as a list that goes on. */
import { Command, Option } from 'commander';
import { networkSet } from '../core/address.ts';
import { closeReasons, connectionStates } from '../core/connection.ts';
import { connectionEventTypes } from '../core/event.ts';
import { protocols } from '../core/listener.ts';
import { parseTime } from '../core/time.ts';
import {
  atLeastOne,
  choice,
  type Labels,
  labelOption,
  labelQuery,
  network,
  option,
  port,
  since,
  withOptions,
} from './flags.ts';
import type { Connection, Query } from './rest-client.ts';
import type { Run, Session } from './session.ts';
import { connectionColumnsOf, sayCut, showConnections } from './show.ts';
import { watch } from './watch.ts';

export interface ConnectionFilterOptions {
  readonly listener?: string;
  readonly state?: string;
  readonly protocol?: string;
  readonly raddr?: string;
  readonly declared?: string;
  readonly lport?: number;
  readonly closeReason?: string;
  readonly since?: string;
  readonly before?: string;
  readonly label?: Labels;
}

interface ConnectionsOptions extends ConnectionFilterOptions {
  readonly limit: number;
  readonly watch?: true;
}

export function connectionFilterOptions(): readonly Option[] {
  return [
    choice('--state <state>', 'only in this state', connectionStates),
    choice('--protocol <protocol>', 'only of this protocol', protocols),
    option(
      '--raddr <network>',
      'only from this remote address or network, whatever is declared',
      network,
    ),
    option('--declared <network>', 'only of a client that a PROXY header declared', network),
    option('--lport <port>', 'only at this local port', port),
    choice('--close-reason <reason>', 'only closed for this', closeReasons),
    option('--since <time>', 'accepted at a time or later, or so long ago such as 5m', since),
    option('--before <time>', 'accepted before a time, or before so long ago such as 5m', since),
    labelOption('only of listeners with this label'),
  ];
}

export function connectionQuery(options: ConnectionFilterOptions): Query {
  const { listener, state, protocol, raddr, declared: declaredRaddr, lport, closeReason } = options;
  const label = labelQuery(options.label);
  const accepted = { acceptedAfter: options.since, acceptedBefore: options.before };
  return {
    ...{ listener, state, protocol, raddr, declaredRaddr, lport, closeReason, label },
    ...accepted,
  };
}

export function connectionsCommand(run: Run): Command {
  const command = new Command('connections')
    .alias('conns')
    .description('list connections, live and past, newest first')
    .action(run(listConnections));
  return withOptions(command, [
    option('--listener <listener>', 'only of this listener, by name or id'),
    ...connectionFilterOptions(),
    option('--limit <n>', 'at most so many', atLeastOne).default(50),
    // Nobody comes any more that was accepted before a time, so that it would wait in vain.
    new Option('-w, --watch', 'go on: redrawn on a terminal, changed rows in a pipe').conflicts(
      'before',
    ),
  ]);
}

async function listConnections(session: Session, command: Command): Promise<undefined> {
  const options = command.opts<ConnectionsOptions>();
  const list = () => session.client.list('connections', connectionQuery(options), options.limit);
  if (options.watch === true) {
    await watch(session, {
      list,
      filter: eventFilterOf(options),
      rowOf: ({ connection }) => (connection && fits(options)(connection) ? connection : undefined),
      isPast: (connection, listed) => stepsOf(connection) <= stepsOf(listed),
      columns: await connectionColumnsOf(session, options, null),
    });
    return;
  }
  const { items, isCut } = await list();
  await showConnections(session, items, options);
  // Which time that is, a table leaves to the zone of its reader.
  const older = `--before ${items.at(-1)?.acceptedAt} older ones`;
  if (isCut) sayCut(session, 'newest', items.length, 'connections', older);
}

/** What has happened to it; its counters go on without an event. */
function stepsOf({ halfClosedAt, closedAt }: Connection): number {
  if (closedAt !== null) return 2;
  return halfClosedAt === null ? 0 : 1;
}

/** What of the filter the log can tell apart. */
function eventFilterOf(options: ConnectionFilterOptions): Query {
  const { listener, protocol, raddr, declared, label } = options;
  const type = connectionEventTypes;
  return { type, listener, protocol, remoteCidr: raddr ?? declared, label: labelQuery(label) };
}

/** The rest of it. The log finds a network by either address of a connection, the list by the one that is asked for. */
function fits(options: ConnectionFilterOptions): (connection: Connection) => boolean {
  const { state, closeReason, lport } = options;
  const after = parseTime(options.since ?? '') ?? 0;
  const isFrom = inside(options.raddr);
  const isDeclared = inside(options.declared);
  return (connection) =>
    (state === undefined || connection.state === state) &&
    (closeReason === undefined || connection.closeReason === closeReason) &&
    (lport === undefined || connection.laddr.port === lport) &&
    // To the microsecond, as the API compares them.
    (parseTime(connection.acceptedAt) ?? 0) >= after &&
    isFrom(connection.raddr) &&
    isDeclared(connection.declaredRaddr);
}

function inside(cidr: string | undefined): (address: Connection['raddr']) => boolean {
  if (cidr === undefined) return () => true;
  const isInside = networkSet([cidr]);
  return (address) => address !== null && isInside(address.ip);
}
