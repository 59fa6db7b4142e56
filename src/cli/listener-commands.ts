/** One listener: to look at, to make, to change, to close. */
import { Command } from 'commander';
import { inParallel } from '../core/in-parallel.ts';
import { formatDuration } from './durations.ts';
import { CommandFailure, exitCodes, usageFailure } from './failure.ts';
import {
  assertChangeable,
  duration,
  type Labels,
  labelOption,
  labelQuery,
  option,
} from './flags.ts';
import {
  changeBody,
  newListenerBody,
  withChangeFlags,
  withNewListenerFlags,
} from './listener-flags.ts';
import { faultsText, labelsText, nameOf, whereText } from './resource-tables.ts';
import type { Listener } from './rest-client.ts';
import type { Run, Session } from './session.ts';
import { showListeners } from './show.ts';
import { factsText } from './tables.ts';

export function listenerPath(idOrName: string): string {
  return `/v1/listeners/${encodeURIComponent(idOrName)}`;
}

export function getCommand(run: Run): Command {
  return new Command('get')
    .description('show one listener; a closed one by its id')
    .argument('<listener>', 'its name or id')
    .action(run(getListener));
}

async function getListener(session: Session, command: Command): Promise<undefined> {
  const { client, terminal, format } = session;
  const listener = await client.get<Listener>(listenerPath(command.args[0] ?? ''));
  if (format === 'json') await terminal.printJson(listener);
  else await terminal.print(factsText(factsOf(listener), terminal));
}

function factsOf(listener: Listener): readonly (readonly [string, string | number | null])[] {
  const { id, protocol, state, reason, mode, limits, faults, labels, sockets } = listener;
  const bounds = Object.entries(limits)
    .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`);
  return [
    ['name', listener.name],
    ['id', id],
    ['listens on', `${whereText(listener)} (${protocol})`],
    ['state', reason === null ? state : `${state}: ${reason.message}`],
    ['mode', listener.recording === 'durable' ? `${mode}, durable` : mode],
    ['sockets', sockets.map(({ pid, fd }) => `pid ${pid} fd ${fd}`).join(', ')],
    ['connections', `${listener.openConnections} open, ${listener.totalConnections} in all`],
    ['faults', faultsText(faults)],
    ['limits', bounds.join(', ')],
    ['labels', labelsText(labels)],
    ['PROXY header', proxyText(listener)],
    ['certificate', listener.tls?.fingerprint256 ?? null],
    ['node', listener.nodeName],
    ['created', listener.createdAt],
    ['expires', listener.expiresAt],
    ['closed', listener.closedAt],
  ];
}

function proxyText({ proxyProtocol: { mode, trustedCidrs } }: Listener): string {
  return trustedCidrs.length === 0 ? mode : `${mode}, from ${trustedCidrs.join(', ')}`;
}

export function createCommand(run: Run): Command {
  const command = new Command('create')
    .description('open a listener, which stays until it is deleted')
    .action(run(createListener));
  return withNewListenerFlags(command);
}

async function createListener(session: Session, command: Command): Promise<undefined> {
  const body = newListenerBody(command);
  const listener = await session.client.call<Listener>('POST', '/v1/listeners', { body });
  await showListeners(session, [listener]);
}

export function setCommand(run: Run): Command {
  const command = new Command('set')
    .description(
      'change a listener; what is not given stays, and no connection is touched. Faults that are given replace all it has',
    )
    .argument('<listener>', 'its name or id')
    .action(run(setListener));
  return withChangeFlags(command);
}

async function setListener(session: Session, command: Command): Promise<undefined> {
  assertChangeable(command);
  const { client } = session;
  const path = listenerPath(command.args[0] ?? '');
  const body = await changeBody(command, () => client.get<Listener>(path));
  if (Object.keys(body).length === 0) throw usageFailure('nothing to change: give a flag');
  await showListeners(session, [await client.call<Listener>('PATCH', path, { body })]);
}

interface DeleteOptions {
  readonly drain?: number;
  readonly label?: Labels;
}

export function deleteCommand(run: Run): Command {
  return new Command('delete')
    .alias('rm')
    .description('close listeners: their ports are free then, and their history stays')
    .argument('[listener...]', 'their names or ids')
    .addOption(option('--drain <duration>', 'let connections end by themselves, so long', duration))
    .addOption(labelOption('all that have this label'))
    .action(run(deleteListeners));
}

const deletesAtOnce = 8;
const drainSlackMs = 60_000;
/** Of a listener whose node is away, or slow. */
export const toBeClosed =
  'is to be closed once its node is back: its name and port are taken until then';

async function deleteListeners(session: Session, command: Command): Promise<number | undefined> {
  const { client, terminal } = session;
  const { drain, label } = command.opts<DeleteOptions>();
  const { args: named } = command;
  if ((named.length === 0) === (label === undefined)) {
    throw usageFailure('delete takes either names and ids, or labels with -l');
  }
  const wanted: readonly Wanted[] =
    label === undefined
      ? named.map((name) => ({ id: name, name }))
      : await labelled(session, label);
  if (wanted.length === 0) terminal.say('kodama: no listener has these labels');
  const failures: CommandFailure[] = [];
  const ask = { query: { drainMs: drain }, silenceMs: (drain ?? 0) + drainSlackMs };
  const after = drain === undefined ? '' : `, after at most ${formatDuration(drain)}`;
  await inParallel(wanted, deletesAtOnce, async ({ id, name }) => {
    try {
      const isGone = await client.delete(listenerPath(id), ask);
      terminal.say(isGone ? `closed ${name}${after}` : `${name} ${toBeClosed}`);
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      failures.push(error);
    }
  });
  const [first, ...others] = failures;
  if (first === undefined) return exitCodes.done;
  for (const failure of others) terminal.say(`kodama: ${failure.message}`);
  throw first;
}

interface Wanted {
  /** By which it is found: its name too where that was given. */
  readonly id: string;
  /** As it is told. */
  readonly name: string;
}

/** Of those that have the labels: a name may be another's by then. */
async function labelled({ client }: Session, labels: Labels): Promise<readonly Wanted[]> {
  const { items } = await client.list('listeners', { label: labelQuery(labels) });
  return items.map((listener) => ({ id: listener.id, name: nameOf(listener) }));
}
