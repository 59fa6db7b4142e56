import { Command } from 'commander';
import { listenerStates, protocols } from '../core/listener.ts';
import {
  choice,
  type Labels,
  labelOption,
  labelQuery,
  option,
  port,
  wholeNumber,
  withOptions,
} from './flags.ts';
import type { Run, Session } from './session.ts';
import { sayCut, showListeners } from './show.ts';

interface ListenersOptions {
  readonly state?: string;
  readonly protocol?: string;
  readonly name?: string;
  readonly port?: number;
  readonly label?: Labels;
  readonly limit: number;
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
    labelOption('only with this label; repeatable'),
    option('--limit <n>', 'at most so many', wholeNumber).default(limitDefault),
  ]);
}

async function listListeners(session: Session, command: Command): Promise<undefined> {
  const { label, limit, ...rest } = command.opts<ListenersOptions>();
  const query = { ...rest, label: labelQuery(label) };
  const { items, isCut } = await session.client.list('listeners', query, limit);
  await showListeners(session, items);
  if (isCut) sayCut(session, items.length, 'listeners');
}
