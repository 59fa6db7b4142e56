/** Makes what listens what a file says, and shows first what that takes. */
import type { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import { planOf, type Step, stepName } from '../listeners-file/apply-plan.ts';
import {
  carryOut,
  existingOf,
  type ListenerCalls,
  namedPlace,
  type Unmade,
} from '../listeners-file/apply-steps.ts';
import {
  type ListenersFile,
  readListenersFile,
  WrongFields,
} from '../listeners-file/listeners-file.ts';
import { onItsNode, unplacedOf } from '../listeners-file/placed-again.ts';
import { confirm } from './confirm.ts';
import { exitCodes, failed, isPassing, Refused, usageFailure } from './failure.ts';
import { listenerPath, toBeClosed } from './listener-commands.ts';
import { nameOf, whereText } from './resource-tables.ts';
import type { Listener, Node, OwnProject, RestClient } from './rest-client.ts';
import type { Session } from './session.ts';
import { showListeners } from './show.ts';

interface ApplyOptions {
  readonly file: string;
  readonly dryRun?: true;
  readonly exitCode?: true;
  readonly prune?: true;
  readonly recreate?: true;
  readonly yes?: true;
}

export async function apply(given: Session, command: Command): Promise<number> {
  // Many calls come of a file: what has begun may not end in the middle since they came too fast.
  const session = { ...given, client: given.client.patient() };
  const { terminal, format } = session;
  const options = command.opts<ApplyOptions>();
  const file = await readFile(options.file);
  const steps = await plan(session, file, options);
  const isJson = format === 'json';
  const text = steps.map((step) => (isJson ? `${JSON.stringify(told(step))}\n` : stepText(step)));
  const changes = steps.filter(({ action }) => action !== 'keep');
  if (options.dryRun === true) {
    await terminal.print(text.join(''));
    return options.exitCode === true && changes.length > 0 ? exitCodes.notMet : exitCodes.done;
  }
  // What is printed as data is what it has come to.
  terminal.sayText(isJson ? '' : text.join(''));
  const fixed = steps.filter(({ action }) => action === 'recreate');
  if (fixed.length > 0 && options.recreate !== true) {
    throw failed(
      `nothing was done: ${fixed.map(stepName).join(', ')} can only be made again, with --recreate`,
    );
  }
  const placed = fixed.length > 0 ? await placedSteps(session.client, steps) : steps;
  // Only what takes something away that the file does not speak of is asked about.
  const deletes = steps.filter(({ action }) => action === 'delete').length;
  if (deletes > 0 && options.yes !== true)
    await confirm(session.terminal, `Delete ${deletes} of them?`, '--prune');
  const calls = callsOf(session.client);
  await carryOutOrTell(session, calls, placed);
  if (isJson) {
    const there = await existingOf(calls, file.listeners);
    await showListeners(session, [...there.values()]);
  }
  return exitCodes.done;
}

/** What is made again stays on its node. @throws Refused where no node would take it: nothing is closed for that */
async function placedSteps(client: RestClient, steps: readonly Step[]): Promise<readonly Step[]> {
  const nodes = await nodesOf(client);
  // Whoever may not see nodes hears of them when something is made.
  if (nodes === null) return steps;
  const unplaced = unplacedOf(steps, nodes);
  if (unplaced.length > 0) {
    const reasons = unplaced.map(({ name, reason }) => `${name} can not be made again: ${reason}`);
    const detail = `nothing was done: ${reasons.join('; ')}`;
    throw new Refused({ code: 'failed_precondition', detail });
  }
  return steps.map((step) => onItsNode(step, nodes));
}

/** Those that the project may use. Who may list none is not refused it, which would be in the audit. */
async function nodesOf(client: RestClient): Promise<readonly Node[] | null> {
  const { name, scopes } = await client.get<OwnProject>('/v1/projects/self');
  if (!scopes.includes('nodes:read')) return null;
  const { items } = await client.list('nodes', {});
  return items.filter(({ project, shared }) => shared || project === name);
}

/** What was closed and can not be made as the file says, such as for a port that somebody took, is told by name. */
async function carryOutOrTell(
  { terminal }: Session,
  calls: ListenerCalls,
  steps: readonly Step[],
): Promise<void> {
  const watched: ListenerCalls = {
    ...calls,
    async delete(is) {
      const isGone = await calls.delete(is);
      if (!isGone) terminal.say(`${nameOf(is)} ${toBeClosed}`);
      return isGone;
    },
  };
  const tell = ({ restored, lost, reasons }: Unmade) => {
    if (restored.length > 0)
      terminal.say(`closed, and made again as it was: ${restored.join(', ')}`);
    if (lost.length > 0) terminal.say(`closed, and not made again: ${lost.join(', ')}`);
    for (const reason of reasons) terminal.say(reason);
  };
  try {
    await carryOut(watched, steps, tell);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new Refused({ code: error.code, detail: error.message });
  }
}

/** `-` is what comes on stdin. @throws CommandFailure that says what is wrong with it, and where */
async function readFile(path: string): Promise<ListenersFile> {
  try {
    return await readListenersFile(path === '-' ? process.stdin : path);
  } catch (error) {
    if (error instanceof WrongFields) throw refusedOf(error);
    throw failed(`${path}: ${(error as Error).message}`);
  }
}

/** As the API would, which is asked for nothing yet. */
function refusedOf({ message, errors }: WrongFields): Refused {
  const [detail = ''] = message.split('\n', 1);
  return new Refused({ code: 'invalid_argument', detail, errors });
}

async function plan(
  session: Session,
  file: ListenersFile,
  { prune }: ApplyOptions,
): Promise<readonly Step[]> {
  if (prune === true && file.set === null) {
    throw usageFailure('--prune deletes what has the set of the file: give it one, `set: NAME`');
  }
  const byName = await existingOf(callsOf(session.client), file.listeners);
  const stale = prune === true ? await staleOf(session, file, byName) : [];
  try {
    return planOf(file.listeners, byName, stale);
  } catch (error) {
    throw error instanceof WrongFields ? refusedOf(error) : error;
  }
}

async function staleOf(
  { client }: Session,
  { set }: ListenersFile,
  byName: ReadonlyMap<string, Listener>,
): Promise<readonly Listener[]> {
  const { items } = await client.list('listeners', { label: `set=${set}` });
  const kept = new Set([...byName.values()].map(({ id }) => id));
  return items.filter(({ id, state }) => !kept.has(id) && state !== 'draining');
}

/** The calls of REST. */
function callsOf(client: RestClient): ListenerCalls {
  return {
    async find(name) {
      try {
        return await client.get<Listener>(listenerPath(name));
      } catch (error) {
        if (error instanceof Refused && error.problem.code === 'not_found') return null;
        throw error;
      }
    },
    async createAll(listeners) {
      const place = (text: string) => namedPlace(text, listeners);
      const body = { listeners };
      await toldAs(place, place, client.call('POST', '/v1/listeners:batch', { body }));
      return 'made';
    },
    async update(is, body) {
      await toldOf(is, client.call('PATCH', listenerPath(is.id), { body }));
    },
    async delete(is) {
      return await toldOf(is, client.delete(listenerPath(is.id)));
    },
    isPassing,
  };
}

async function toldOf<Told>(is: Listener, work: Promise<Told>): Promise<Told> {
  const name = nameOf(is);
  return await toldAs(
    (detail) => `${name}: ${detail}`,
    (path) => `${name}.${path}`,
    work,
  );
}

/** What is refused is told of by the names in the file. */
async function toldAs<Told>(
  words: (detail: string) => string,
  place: (path: string) => string,
  work: Promise<Told>,
): Promise<Told> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { detail, errors } = error.problem;
    const told = errors?.map(({ path, message }) => ({ path: place(path), message }));
    const fields = told === undefined ? {} : { errors: told };
    throw new Refused({ ...error.problem, detail: words(detail), ...fields });
  }
}

/** A plan is the command's own: no call of the API has it. */
function told(step: Step) {
  return {
    action: step.action,
    name: stepName(step),
    changes: 'changes' in step ? step.changes : [],
  };
}

const signs = { create: '+', keep: '=', update: '~', recreate: '±', delete: '-' } as const;

function stepText(step: Step): string {
  const sign = signs[step.action];
  const changes = 'changes' in step ? `  ${step.changes.join(', ')}` : '';
  const where = 'is' in step ? `  ${whereText(step.is)}` : '';
  return `${sign} ${step.action.padEnd(8)}  ${stepName(step)}${where}${changes}\n`;
}
