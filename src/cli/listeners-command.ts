import { Command, Option } from 'commander';
import { listenerEventTypes } from '../core/event.ts';
import { listenerStates, protocols } from '../core/listener.ts';
import {
  atLeastOne,
  choice,
  type Labels,
  labelOption,
  labelQuery,
  option,
  port,
  withOptions,
} from './flags.ts';
import { listenerColumns } from './resource-tables.ts';
import type { Listener } from './rest-client.ts';
import type { Run, Session } from './session.ts';
import { sayCut, showListeners } from './show.ts';
import { watch } from './watch.ts';

interface ListenersOptions {
  readonly state?: string;
  readonly protocol?: string;
  readonly name?: string;
  readonly port?: number;
  readonly label?: Labels;
  readonly limit: number;
  readonly watch?: true;
}

const limitDefault = 1000;

export function listenersCommand(run: Run): Command {
  const command = new Command('listeners')
    .alias('ls')
    .description('list listeners, newest first; closed ones only with --state closed')
    .action(run(listListeners));
  return withOptions(command, [
    choice('--state <state>', 'only in this state', listenerStates),
    choice('--protocol <protocol>', 'only of this protocol', protocols),
    option('--name <name>', 'only of this name'),
    option('--port <port>', 'only bound to this port', port),
    labelOption('only with this label'),
    option('--limit <n>', 'at most so many', atLeastOne).default(limitDefault),
    new Option('-w, --watch', 'go on: redrawn on a terminal, changed rows in a pipe'),
  ]);
}

async function listListeners(session: Session, command: Command): Promise<undefined> {
  const options = command.opts<ListenersOptions>();
  const { label, limit, watch: isWatched, ...rest } = options;
  const query = { ...rest, label: labelQuery(label) };
  const list = () => session.client.list('listeners', query, limit);
  if (isWatched === true) {
    await watch(session, {
      list,
      filter: { type: listenerEventTypes, protocol: rest.protocol, label: query.label },
      rowOf: ({ listener }) => (listener && fits(options)(listener) ? listener : undefined),
      isPast,
      columns: listenerColumns(session.format),
    });
    return;
  }
  const { items, isCut } = await list();
  await showListeners(session, items);
  if (isCut) sayCut(session, 'newest', items.length, 'listeners');
}

/** The first two events of a listener, pending and listening, are of one time. */
function isPast(listener: Listener, listed: Listener): boolean {
  if (listener.updatedAt !== listed.updatedAt) return listener.updatedAt < listed.updatedAt;
  return listed.state !== 'pending' || listener.state === 'pending';
}

/** What of the filter the log does not tell apart. */
function fits({ state, name, port: number }: ListenersOptions): (listener: Listener) => boolean {
  return (listener) =>
    (state === undefined ? listener.state !== 'closed' : listener.state === state) &&
    (name === undefined || listener.name === name) &&
    (number === undefined || listener.laddr?.port === number);
}
