/** Nodes: what holds echo sockets, each on its host. */
import { Command, Option } from 'commander';
import { nodeStates } from '../fleet/node.ts';
import { confirm } from './confirm.ts';
import { usageFailure } from './failure.ts';
import {
  assertChangeable,
  atLeastOne,
  changedLabels,
  choice,
  type LabelChanges,
  labelChange,
  labelChangeOption,
  labelQuery,
  lifetime,
  option,
  repeatable,
  withOptions,
} from './flags.ts';
import { nodeColumns, nodeFacts } from './fleet-tables.ts';
import { listShown, listShownDefault } from './list-shown.ts';
import type { Node } from './rest-client.ts';
import type { Run, Session } from './session.ts';
import { showRows } from './show.ts';
import { factsText } from './tables.ts';

interface ListOptions {
  readonly state?: string;
  readonly label?: LabelChanges;
  readonly limit: number;
}

export function nodesCommand(run: Run): Command {
  const command = new Command('nodes')
    .description('list nodes, oldest first; removed ones only with --state removed')
    .action(run(listNodes));
  withOptions(command, [
    choice('--state <state>', 'only in this state', nodeStates),
    // The flags of the list are those of its parts, too: `set` has a label taken away.
    repeatable('-l, --label <key=value>', 'only with this label', labelChange),
    option('--limit <n>', 'at most so many', atLeastOne).default(listShownDefault),
  ]);
  return command
    .addCommand(getNodeCommand(run))
    .addCommand(cordonCommand(run, 'cordon', 'give a node no new listeners; what it has stays'))
    .addCommand(cordonCommand(run, 'uncordon', 'give a node new listeners again'))
    .addCommand(setNodeCommand(run))
    .addCommand(deleteNodeCommand(run));
}

async function listNodes(session: Session, command: Command): Promise<undefined> {
  const { state, label = {}, limit } = command.opts<ListOptions>();
  if (Object.values(label).includes(null)) throw usageFailure('-l: a list takes key=value only');
  const columns = nodeColumns(session.format);
  const query = { state, label: labelQuery(changedLabels({}, label)) };
  await listShown(session, 'nodes', { columns, limit, query, first: 'oldest' });
}

function partOf(name: string, about: string): Command {
  return new Command(name).description(about).argument('<node>', 'its name or id');
}

function getNodeCommand(run: Run): Command {
  return partOf('get', 'show one node; a removed one by its id').action(run(getNode));
}

async function getNode({ client, terminal, format }: Session, command: Command) {
  const node = await client.get<Node>(nodePath(command));
  if (format === 'json') await terminal.printJson(node);
  else await terminal.print(factsText(nodeFacts(node), terminal));
  return undefined;
}

function cordonCommand(run: Run, name: 'cordon' | 'uncordon', about: string): Command {
  const cordoned = name === 'cordon';
  return partOf(name, about).action(
    run((session, command) => changeNode(session, command, { cordoned })),
  );
}

interface SetOptions {
  readonly label?: LabelChanges;
  /** False: --no-labels. */
  readonly labels: boolean;
  readonly lostAfter?: number;
}

function setNodeCommand(run: Run): Command {
  const command = partOf('set', 'change a node; what is not given stays');
  return withOptions(command.action(run(setNode)), [
    labelChangeOption('set this label, to place listeners by, and keep the others'),
    new Option('--no-labels', 'take all labels away that are not given here'),
    option('--lost-after <duration>', 'after so long without a word it is lost, 5m', lifetime),
    option('--name <name>', 'it keeps the one that it joined with').hideHelp(),
  ]);
}

async function setNode(session: Session, command: Command): Promise<undefined> {
  assertChangeable(command);
  // The list has a flag of that name too, and takes it wherever it stands.
  const { label, labels: isKept, lostAfter } = command.optsWithGlobals<SetOptions>();
  const isLookedUp = label !== undefined && isKept;
  const before = isLookedUp ? (await session.client.get<Node>(nodePath(command))).labels : {};
  const body = {
    ...((label !== undefined || !isKept) && { labels: changedLabels(before, label ?? {}) }),
    ...(lostAfter !== undefined && { lostAfterMs: lostAfter }),
  };
  if (Object.keys(body).length === 0) throw usageFailure('nothing to change: give a flag');
  return await changeNode(session, command, body);
}

async function changeNode(session: Session, command: Command, body: object): Promise<undefined> {
  const node = await session.client.call<Node>('PATCH', nodePath(command), { body });
  await showRows(session, nodeColumns(session.format), [node]);
}

function deleteNodeCommand(run: Run): Command {
  return partOf('delete', 'remove a node, and close what it has; its agent has to join anew')
    .option('-y, --yes', 'do not ask before')
    .action(run(deleteNode));
}

async function deleteNode({ client, terminal }: Session, command: Command): Promise<undefined> {
  const [name = ''] = command.args;
  const { yes } = command.opts<{ readonly yes?: true }>();
  const question = `Remove the node ${name}, and close its listeners and connections?`;
  if (yes !== true) await confirm(terminal, question, 'delete');
  await client.call('DELETE', nodePath(command));
  terminal.say(`removed ${name}`);
}

function nodePath({ args: [idOrName = ''] }: Command): string {
  return `/v1/nodes/${encodeURIComponent(idOrName)}`;
}
