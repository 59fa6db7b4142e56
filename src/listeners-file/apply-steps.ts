/** Carries out what a plan says, whoever is asked for it: REST, or the server itself. */
import { AppError } from '../core/errors.ts';
import { inParallel } from '../core/in-parallel.ts';
import { patchOf, type Recreate, type Step, stepName } from './apply-plan.ts';
import type { Listener } from './listener-spec.ts';
import type { Fields, WantedListener } from './listeners-file.ts';
import { type Patience, patience } from './patience.ts';
import { asItWas } from './remade.ts';

/** `left` where nothing of it can be made for now, which is no failure. */
export type Made = 'made' | 'left';

/** Names of what was closed, and is not there as the file says. */
export interface Unmade {
  readonly restored: readonly string[];
  readonly lost: readonly string[];
  /** What is not quite as it was of those that are restored: no call asks for any port, and for this one rather than others. */
  readonly fixed: readonly string[];
  /** Why what is lost could not be made as it was, where that was tried. */
  readonly reasons: readonly string[];
}

export interface ListenerCalls {
  /** By its name. */
  find(name: string): Promise<Listener | null>;
  /** All or nothing, up to `batchMax` of one placement. */
  createAll(wanted: readonly WantedListener[]): Promise<Made>;
  update(is: Listener, patch: Fields): Promise<void>;
  /** Whether its port and its name are free: of one whose node is away they are once that is back. */
  delete(is: Listener): Promise<boolean>;
  /** Whether the same may be answered later. What has thrown it may have been done all the same. */
  isPassing(error: unknown): boolean;
  /** Is told that something is waited for, and what. */
  waits(text: string): void;
}

export interface CarryOutOptions {
  /** Hears of what was closed and is not there as the file says. */
  readonly tell: (unmade: Unmade) => void;
  /** Nothing more is begun once it is aborted. */
  readonly signal: AbortSignal;
}

const atOnce = 8;
/** Of one create, as the API takes it. */
const batchMax = 100;

/** Those of the file that are there, by name and in its order. */
export async function existingOf(
  calls: Pick<ListenerCalls, 'find'>,
  wanted: readonly WantedListener[],
): Promise<ReadonlyMap<string, Listener>> {
  const found = new Map<string, Listener>();
  await inParallel(wanted, atOnce, async ({ name }) => {
    const listener = await calls.find(name);
    if (listener !== null) found.set(name, listener);
  });
  return new Map(
    wanted.flatMap(({ name }) => {
      const listener = found.get(name);
      return listener === undefined ? [] : [[name, listener] as const];
    }),
  );
}

/**
 * First what frees ports and names, then all that is new, batch by batch, then what changes. What was closed and is not made
 * again is made as it was.
 * @throws unavailable before anything is made, where what is to be made again is not closed yet; the reason of the signal,
 * where something is left to do; whatever the calls throw
 */
export async function carryOut(
  calls: ListenerCalls,
  steps: readonly Step[],
  { tell, signal }: CarryOutOptions,
): Promise<void> {
  const closed = new Map<string, Recreate>();
  try {
    await closeAll(calls, steps, { closed, signal });
    const made = steps.flatMap((step) =>
      step.action === 'create' ? [step.wanted] : step.action === 'recreate' ? [step.made] : [],
    );
    for (const batch of batchesOf(made)) {
      signal.throwIfAborted();
      if ((await calls.createAll(batch)) === 'left') continue;
      for (const { name } of batch) closed.delete(name);
    }
  } finally {
    const unmade = await restore(calls, closed);
    if (unmade.restored.length + unmade.lost.length > 0) tell(unmade);
  }
  await inParallel(steps, atOnce, async (step) => {
    if (step.action !== 'update') return;
    signal.throwIfAborted();
    await calls.update(step.is, patchOf(step.wanted, step.changes));
  });
}

/** What is to be made again is in `closed` once it may be. */
async function closeAll(
  calls: ListenerCalls,
  steps: readonly Step[],
  { closed, signal }: { readonly closed: Map<string, Recreate>; readonly signal: AbortSignal },
): Promise<void> {
  const draining = new Set<Listener>();
  await inParallel(steps, atOnce, async (step) => {
    if (step.action !== 'delete' && step.action !== 'recreate') return;
    signal.throwIfAborted();
    if (step.action === 'recreate') closed.set(step.wanted.name, step);
    const isGone = await calls.delete(step.is).catch((error: unknown) => {
      // An answer that was lost may have told that it is closed.
      if (!calls.isPassing(error)) closed.delete(stepName(step));
      throw error;
    });
    if (isGone) return;
    draining.add(step.is);
    closed.delete(stepName(step));
  });
  assertGone(steps, draining);
}

/** Each by itself: one whose port somebody took holds up no other. */
async function restore(
  calls: ListenerCalls,
  closed: ReadonlyMap<string, Recreate>,
): Promise<Unmade> {
  const restored: string[] = [];
  const lost: string[] = [];
  const fixed: string[] = [];
  const reasons = new Set<string>();
  const patient = patience({ isPassing: calls.isPassing, tell: calls.waits });
  await inParallel([...closed], atOnce, async ([name, step]) => {
    try {
      const { end, port } = await endOf(calls, step, patient);
      if (end === 'lost') lost.push(name);
      if (end !== 'restored') return;
      restored.push(name);
      const places = fixedPlaces(step, port);
      if (places !== '')
        fixed.push(`${name} is fixed to ${places} from now on; it had asked for any`);
    } catch (error) {
      // What the file asked for failed first, and is what the caller hears.
      lost.push(name);
      reasons.add((error as Error).message);
    }
  });
  return { restored, lost, fixed, reasons: [...reasons] };
}

/** What a listener that is there again has asked for by now, and had not. */
function fixedPlaces({ is, ownNode }: Recreate, port: number): string {
  const places = [
    ...(is.port === 0 && port !== 0 ? [`port ${port}`] : []),
    ...(ownNode === undefined ? [] : [`node ${ownNode}`]),
  ];
  return places.join(' and ');
}

interface End {
  readonly end: 'there' | 'restored' | 'lost';
  /** What it has asked for. */
  readonly port: number;
}

/** Any answer may be lost, so what is there says what was done: of the file, or of this. */
async function endOf(
  calls: ListenerCalls,
  { is, wanted }: Recreate,
  patient: Patience,
): Promise<End> {
  let isTried = false;
  const look = async (): Promise<End | null> => {
    const there = await calls.find(wanted.name);
    if (there === null) return null;
    const { id, state, port } = there;
    if (id !== is.id) return { end: isTried ? 'restored' : 'there', port };
    return { end: state === 'draining' && is.state !== 'draining' ? 'lost' : 'there', port };
  };
  return await patient(async () => {
    const end = await look();
    if (end !== null) return end;
    const was = asItWas(is, wanted);
    if (was === null) return { end: 'lost', port: is.port };
    try {
      return await createAgain(calls, was, is);
    } catch (error) {
      isTried ||= calls.isPassing(error);
      // What the file asks for may have been made since.
      const then = isTried ? null : await look();
      if (then === null) throw error;
      return then;
    }
  });
}

/** Clients know the port that it had. Where that is taken, any will do for who asked for any. */
async function createAgain(
  calls: ListenerCalls,
  was: WantedListener,
  { port, laddr }: Listener,
): Promise<End> {
  const create = async (asked: WantedListener, on: number): Promise<End> => {
    const end = (await calls.createAll([asked])) === 'made' ? 'restored' : 'lost';
    return { end, port: on };
  };
  if (port !== 0 || laddr === null) return await create(was, port);
  try {
    return await create({ ...was, port: laddr.port }, laddr.port);
  } catch (error) {
    if (calls.isPassing(error)) throw error;
    return await create(was, port);
  }
}

function assertGone(steps: readonly Step[], draining: ReadonlySet<Listener>): void {
  const names = steps.flatMap((step) =>
    step.action === 'recreate' && draining.has(step.is) ? [step.wanted.name] : [],
  );
  if (names.length === 0) return;
  const why = 'the node is away, or slow, and name and port are taken until it has closed them';
  throw new AppError('unavailable', `${names.join(', ')}: can not be made again yet: ${why}`);
}

/** A batch goes to one node whole, so each placement has its own. */
function batchesOf(made: readonly WantedListener[]): readonly (readonly WantedListener[])[] {
  const placed = Map.groupBy(made, ({ placement = null }) => JSON.stringify(placement));
  return [...placed.values()].flatMap((listeners) =>
    Array.from({ length: Math.ceil(listeners.length / batchMax) }, (_, index) =>
      listeners.slice(index * batchMax, (index + 1) * batchMax),
    ),
  );
}

/** A place in a batch is nobody's but ours: it is told by the name of the listener. */
export function namedPlace(text: string, listeners: readonly WantedListener[]): string {
  return text.replace(/^listeners\[(\d+)\]/, (place, at) => listeners[Number(at)]?.name ?? place);
}
