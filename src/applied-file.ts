/**
 * KODAMA_APPLY: what a file says is made so while kodama starts, as `kodama apply` does it and before anybody is answered.
 * What can only be made again is: at a start no connection ends with it. What takes another node is left, and told of: none
 * is connected before a start has ended, and one that is away holds up no start.
 */
import type { Logger } from 'pino';
import type { Api, EdgeCaller } from './api/call.ts';
import type { Operation } from './api/operation.ts';
import { parse } from './api/parse.ts';
import { operator } from './core/caller.ts';
import { AppError, hasCode } from './core/errors.ts';
import type { Page } from './core/page.ts';
import { listenerJson } from './http/resource-json.ts';
import { planOf, type Recreate, type Step, stepName } from './listeners-file/apply-plan.ts';
import {
  carryOut,
  existingOf,
  type ListenerCalls,
  namedPlace,
  type Unmade,
} from './listeners-file/apply-steps.ts';
import { type ListenersFile, readListenersFile } from './listeners-file/listeners-file.ts';
import { type KnownNode, unplacedOf } from './listeners-file/placed-again.ts';
import { orStartError } from './node/start-error.ts';

export interface AppliedFile extends ListenersFile {
  readonly path: string;
}

/** Before anything is started. @throws StartError that names each field that is wrong */
export async function readAppliedFile(path: string): Promise<AppliedFile> {
  return await orStartError(
    async () => ({ ...(await readListenersFile(path)), path }),
    (reason) => refusal(path, reason),
  );
}

interface Ground {
  readonly api: Api;
  /** Of the node that starts. */
  readonly nodeId: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const onOther = 'they are on another node';
const untaken = 'no node takes them for now';
const again = 'what differs can only be made again';

/** @throws StartError */
export async function applyAtStart(file: AppliedFile, ground: Ground): Promise<void> {
  const { api, nodeId, logger, signal } = ground;
  // A signal begins nothing more, and ends nothing half-way: what is closed by then is made as it was.
  const steady = new AbortController().signal;
  const of = { requestId: 'start', sourceIp: null, userAgent: null, signal: steady };
  const leave = (since: string, listeners: readonly string[], reason: string) => {
    const told = { path: file.path, listeners, reason };
    logger.warn(told, `KODAMA_APPLY: left as they are, since ${since}`);
  };
  const call = callOf(api, { ...operator, ...of });
  const waits = (text: string) => logger.warn({ path: file.path }, `KODAMA_APPLY: ${text}`);
  const own = callsOf({ api, call, signal, waits });
  const calls = leavingUnplaced(own, (...left) => leave(untaken, ...left));
  const tell = (unmade: Unmade) => {
    const told = { path: file.path, ...unmade };
    logger.warn(told, 'KODAMA_APPLY: closed, and made again as they were, or lost');
  };
  await orStartError(
    async () => {
      const there = await existingOf(calls, file.listeners);
      const steps = planOf(file.listeners, there, []);
      const isElsewhere = (step: Step) => isRecreate(step) && step.is.nodeId !== nodeId;
      const elsewhere = steps.filter(isElsewhere).map(stepName);
      if (elsewhere.length > 0) leave(onOther, elsewhere, again);
      const here = steps.filter((step) => !isElsewhere(step));
      const unplaced = here.some(isRecreate) ? unplacedOf(here, await nodesOf(api, call)) : [];
      for (const { name, reason } of unplaced) leave(untaken, [name], `${again}, and ${reason}`);
      const isUnplaced = (step: Step) => unplaced.some(({ name }) => name === stepName(step));
      await carryOut(
        calls,
        here.filter((step) => !isUnplaced(step)),
        { tell, signal },
      );
    },
    (reason) => refusal(file.path, reason),
  );
}

/** What no node can take yet is left. */
function leavingUnplaced(
  calls: ListenerCalls,
  leave: (listeners: readonly string[], reason: string) => void,
): ListenerCalls {
  return {
    ...calls,
    async createAll(listeners) {
      try {
        return await calls.createAll(listeners);
      } catch (error) {
        if (!isRefusedPlace(error)) throw error;
        leave(
          listeners.map(({ name }) => name),
          error.message,
        );
        return 'left';
      }
    },
  };
}

function isRecreate(step: Step): step is Recreate {
  return step.action === 'recreate';
}

function isRefusedPlace(error: unknown): error is AppError {
  if (!(error instanceof AppError)) return false;
  const { code, details } = error;
  if (code !== 'unavailable' && code !== 'failed_precondition') return false;
  return details.errors?.every(({ path }) => path === 'placement') ?? false;
}

function refusal(path: string, reason: string): string {
  return reason
    .split('\n')
    .map((line) => `KODAMA_APPLY (${path}): ${line}`)
    .join('\n');
}

type Call = ReturnType<typeof callOf>;

/** Calls of the API, with nobody between. */
function callOf(api: Api, caller: EdgeCaller) {
  return async <Output>(
    // biome-ignore lint/suspicious/noExplicitAny: whatever an operation is about, its own schema reads it
    operation: Operation<any, any, Output>,
    given: { readonly at?: object; readonly input?: object },
  ): Promise<Output> => {
    const { at = {}, input = {} } = given;
    const whole = () => ({ at: parse(operation.at, at), input: parse(operation.input, input) });
    return (await api.call(operation, { caller, read: whole })).output;
  };
}

interface Of {
  readonly project: string;
  readonly shared: boolean;
}

/** Those that the listeners of a file may be on. */
async function nodesOf({ operations }: Api, call: Call): Promise<readonly KnownNode[]> {
  const nodes: KnownNode[] = [];
  let pageToken: string | null = null;
  do {
    const page: Page<KnownNode & Of> = await call(operations.listNodes, { input: { pageToken } });
    nodes.push(
      ...page.items.filter(({ project, shared }) => shared || project === operator.project),
    );
    pageToken = page.nextPageToken;
  } while (pageToken !== null);
  return nodes;
}

interface CallsGround extends Pick<Ground, 'api' | 'signal'>, Pick<ListenerCalls, 'waits'> {
  readonly call: Call;
}

function callsOf({ api, call, signal, waits }: CallsGround): ListenerCalls {
  const { operations } = api;
  const { getListener, createListeners, updateListener, deleteListener } = operations;
  return {
    async find(id) {
      try {
        return JSON.parse(listenerJson(await call(getListener, { at: { id } })));
      } catch (error) {
        if (hasCode(error, 'not_found')) return null;
        throw error;
      }
    },
    async createAll(listeners) {
      const place = (text: string) => namedPlace(text, listeners);
      await toldAs(place, call(createListeners, { input: { listeners } }));
      return 'made';
    },
    async update({ id, name }, input) {
      await toldAs((text) => `${name}: ${text}`, call(updateListener, { at: { id }, input }));
    },
    async delete({ id, name }) {
      return await toldAs((text) => `${name}: ${text}`, call(deleteListener, { at: { id } }));
    },
    isPassing: (error) => !signal.aborted && hasCode(error, 'unavailable'),
    waits,
  };
}

/** What is refused is told of by the names in the file. */
async function toldAs<Told>(words: (text: string) => string, work: Promise<Told>): Promise<Told> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, words(error.message), { ...error.details, cause: error.cause });
  }
}
