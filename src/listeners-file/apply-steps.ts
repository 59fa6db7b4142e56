/** Carries out what a plan says, whoever is asked for it: REST, or the server itself. */
import { inParallel } from '../core/in-parallel.ts';
import { patchOf, type Step } from './apply-plan.ts';
import type { Listener } from './listener-spec.ts';
import type { Fields, WantedListener } from './listeners-file.ts';

export interface ListenerCalls {
  /** By its name. */
  find(name: string): Promise<Listener | null>;
  /** All or nothing, up to `batchMax` of one placement. */
  createAll(wanted: readonly WantedListener[]): Promise<void>;
  update(is: Listener, patch: Fields): Promise<void>;
  /** Resolves when its port and its name are free. */
  delete(is: Listener): Promise<void>;
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

/** First what frees ports and names, then all that is new, batch by batch, then what changes. */
export async function carryOut(calls: ListenerCalls, steps: readonly Step[]): Promise<void> {
  const gone = steps.flatMap((step) =>
    step.action === 'delete' || step.action === 'recreate' ? [step.is] : [],
  );
  const made = steps.flatMap((step) =>
    step.action === 'create' ? [step.wanted] : step.action === 'recreate' ? [step.made] : [],
  );
  await inParallel(gone, atOnce, (is) => calls.delete(is));
  for (const batch of batchesOf(made)) await calls.createAll(batch);
  await inParallel(steps, atOnce, async (step) => {
    if (step.action === 'update') await calls.update(step.is, patchOf(step.wanted, step.changes));
  });
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
