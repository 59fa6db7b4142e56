/** Makes what listens what a file says, and shows first what that takes. */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { inParallel } from '../core/in-parallel.ts';
import { patchOf, planOf, type Step } from './apply-plan.ts';
import { exitCodes, failed, Refused, usageFailure } from './failure.ts';
import { listenerPath } from './listener-commands.ts';
import { type ListenersFile, readListenersFile, type WantedListener } from './listeners-file.ts';
import { nameOf, whereText } from './resource-tables.ts';
import type { Listener, RestClient } from './rest-client.ts';
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

const atOnce = 8;
/** Of listeners:batch. */
const batchMax = 100;

export async function apply(session: Session, command: Command): Promise<number> {
  const { terminal, format } = session;
  const options = command.opts<ApplyOptions>();
  const file = await readListenersFile(options.file);
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
  await confirm(session, steps, options);
  await carryOut(session, steps);
  if (isJson) await showListeners(session, (await existing(session, file.listeners)).items);
  return exitCodes.done;
}

async function plan(
  session: Session,
  file: ListenersFile,
  { prune }: ApplyOptions,
): Promise<readonly Step[]> {
  if (prune === true && file.set === null) {
    throw usageFailure('--prune deletes what has the set of the file: give it one, `set: NAME`');
  }
  const { byName } = await existing(session, file.listeners);
  const stale = prune === true ? await staleOf(session, file, byName) : [];
  return planOf(file.listeners, byName, stale);
}

/** Those of the file that are there, in its order. */
async function existing({ client }: Session, wanted: readonly WantedListener[]) {
  const byName = new Map<string, Listener>();
  await inParallel(wanted, atOnce, async ({ name }) => {
    try {
      byName.set(name, await client.get<Listener>(listenerPath(name)));
    } catch (error) {
      if (!(error instanceof Refused && error.problem.code === 'not_found')) throw error;
    }
  });
  return { byName, items: wanted.flatMap(({ name }) => byName.get(name) ?? []) };
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

/** Only what takes something away that the file does not speak of is asked about. */
async function confirm(
  { terminal }: Session,
  steps: readonly Step[],
  { yes }: ApplyOptions,
): Promise<void> {
  const count = steps.filter(({ action }) => action === 'delete').length;
  if (count === 0 || yes === true) return;
  if (!terminal.isInteractive)
    throw usageFailure('nothing was done: --prune wants --yes where nobody can be asked');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(`Delete ${count} of them? [y/N] `);
  lines.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw failed('nothing was done');
}

/** First what frees ports and names, then all that is new at once, then what changes. */
async function carryOut({ client }: Session, steps: readonly Step[]): Promise<void> {
  const gone = steps.flatMap((step) =>
    step.action === 'delete' || step.action === 'recreate' ? [step.is] : [],
  );
  const made = steps.flatMap((step) =>
    step.action === 'create' || step.action === 'recreate' ? [step.wanted] : [],
  );
  await inParallel(gone, atOnce, ({ id }) => client.call('DELETE', listenerPath(id)));
  for (let at = 0; at < made.length; at += batchMax) {
    await createAll(client, made.slice(at, at + batchMax));
  }
  await inParallel(steps, atOnce, async (step) => {
    if (step.action !== 'update') return;
    const body = patchOf(step.wanted, step.changes);
    await client.call('PATCH', listenerPath(step.is.id), { body });
  });
}

/** A refusal tells the place in the batch, which is nobody's but this command's: it is told by name. */
async function createAll(client: RestClient, listeners: readonly WantedListener[]): Promise<void> {
  try {
    await client.call('POST', '/v1/listeners:batch', { body: { listeners } });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const named = (text: string) =>
      text.replace(/^listeners\[(\d+)\]/, (place, at) => listeners[Number(at)]?.name ?? place);
    const { detail, errors = [] } = error.problem;
    const told = errors.map(({ path, message }) => ({ path: named(path), message }));
    const fields = told.length === 0 ? {} : { errors: told };
    throw new Refused({ ...error.problem, detail: named(detail), ...fields });
  }
}

function stepName(step: Step): string {
  return step.action === 'delete' ? nameOf(step.is) : step.wanted.name;
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
