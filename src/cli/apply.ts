/** Makes what listens what a file says, and shows first what that takes. */
import type { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import { planOf, type Step, stepName } from '../listeners-file/apply-plan.ts';
import { carryOut, existingOf } from '../listeners-file/apply-steps.ts';
import {
  type ListenersFile,
  readListenersFile,
  WrongFields,
} from '../listeners-file/listeners-file.ts';
import { onItsNode, unplacedOf } from '../listeners-file/placed-again.ts';
import { callsOf, ToldCalls, waitTeller } from './apply-calls.ts';
import { confirm } from './confirm.ts';
import { exitCodes, failed, Refused, usageFailure } from './failure.ts';
import { Interrupts } from './interrupts.ts';
import { jsonText } from './json-text.ts';
import { whereText } from './resource-tables.ts';
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
  const session = { ...given, client: given.client.patient({ tell: waitTeller(given) }) };
  const { terminal, format } = session;
  const options = command.opts<ApplyOptions>();
  const file = await readFile(options.file);
  const steps = await plan(session, file, options);
  const isJson = format === 'json';
  const text = steps.map((step) => (isJson ? `${jsonText(told(step))}\n` : stepText(step)));
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
  const code = await carryOutOrTell(given, placed);
  if (isJson && code === exitCodes.done) {
    const there = await existingOf(callsOf(session), file.listeners);
    await showListeners(session, [...there.values()]);
  }
  return code;
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

/**
 * What was closed and can not be made as the file says, such as for a port that somebody took, is told by name. A signal
 * begins nothing more: what is closed by then is made as it was.
 */
async function carryOutOrTell(given: Session, steps: readonly Step[]): Promise<number> {
  using interrupts = new Interrupts();
  const { signal } = interrupts;
  const client = given.client.patient({ tell: waitTeller(given), signal });
  const calls = new ToldCalls(callsOf({ ...given, client }), steps, given.terminal);
  const say = (text: string) => given.terminal.say(`kodama: ${text}`);
  interrupts.onFirst = (name) =>
    say(`${name}: brings what it has begun to an end; once more ends it at once`);
  interrupts.onForced = () => calls.tellMissing();
  try {
    await carryOut(calls.watched, steps, { tell: (unmade) => calls.tell(unmade), signal });
    return exitCodes.done;
  } catch (error) {
    const isOwnEnd = error === signal.reason || (error instanceof Refused && error.isTooFast);
    if (interrupts.exitCode !== null && isOwnEnd) {
      say('not all of it is done: the same command does the rest');
      return interrupts.exitCode;
    }
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
  const byName = await existingOf(callsOf(session), file.listeners);
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
