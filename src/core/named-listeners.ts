/** What callers do with a listener that they name, whichever node has it: this one, another, or one that is not there. */
import type { Caller } from './caller.ts';
import { ClosesElsewhere, type IsDue } from './closes-elsewhere.ts';
import type { ListenerDirectory } from './directories.ts';
import { AppError, hasCode, NodeUp, nameTaken } from './errors.ts';
import { assertFaultList, assertFaultsSuit, nameFaults } from './fault.ts';
import type { FaultChange } from './fault-changes.ts';
import type { GoneNodes } from './gone-nodes.ts';
import type { HeldNode } from './held-node.ts';
import type { HeldNodes } from './held-nodes.ts';
import { inParallel } from './in-parallel.ts';
import { isOver, type Listener, type ListenerPatch, type NewListener } from './listener.ts';
import { assertSpecFits } from './listener-bounds.ts';
import { changeOf } from './listener-change.ts';
import type { NodeCalls } from './node-calls.ts';
import { awayRetryMs, type NodeCommand, type OtherNodes } from './node-command.ts';
import { listPage, type Page } from './page.ts';
import type { Placement } from './placement.ts';
import type { Clock } from './ports.ts';
import type { ProjectRef } from './project.ts';
import { specBytes } from './sizes.ts';
import type { ProjectStore } from './store.ts';
import type { Micros } from './time.ts';

/** What a caller's project has. */
export interface Own {
  readonly project: ProjectRef;
  readonly store: ProjectStore;
}

/** So many in one call. */
export const closeMax = 1000;
const closesAtOnce = 32;
/** Of a change that others' changes come between. */
const attemptsMax = 3;

export interface CloseMany {
  /** Or names; null: by the labels. */
  readonly ids: readonly string[] | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly pageToken: string | null;
  /** By the labels: only those that were there then. */
  readonly madeBefore: Micros | null;
}

/** The ids of those that are closed, and of those whose node is away or slow: their names and ports are taken still. */
export interface ClosedMany extends Page<string> {
  readonly draining: readonly string[];
}

const anyListener = { state: null, protocol: null, port: null, name: null };

interface NamedListenersOptions {
  readonly nodes: HeldNodes;
  readonly nodeCalls: NodeCalls;
  readonly others: OtherNodes;
  readonly placement: Placement;
  readonly makeId: () => string;
  readonly clock: Clock;
  readonly goneNodes: GoneNodes;
  readonly bounds: { readonly specBytesMax: number; readonly faultsMax: number };
  readonly pageBytesMax: number;
}

/** What is done with one listener: where its node's place is here, elsewhere, or nowhere while the node serves on. */
interface Change {
  readonly here: (node: HeldNode, id: string) => Promise<Listener>;
  readonly command: (listener: Listener) => NodeCommand;
  /** Null: nothing is to be done. */
  readonly absent: (listener: Listener) => Partial<Listener> | null;
}

export class NamedListeners {
  readonly #options: NamedListenersOptions;
  readonly #elsewhere: ClosesElsewhere;

  constructor(options: NamedListenersOptions) {
    this.#options = options;
    this.#elsewhere = new ClosesElsewhere(options);
  }

  /** By id or name; a closed one by its id. @throws not_found, unavailable */
  async get({ store }: Own, idOrName: string): Promise<Listener> {
    return await listenerOf(store, idOrName);
  }

  /** All or nothing, and all on one node; under these ids, where there are some. @throws what Listeners.create throws */
  async create(
    own: Own,
    by: Caller,
    inputs: readonly NewListener[],
    ids: readonly string[],
  ): Promise<readonly Listener[]> {
    const { placement, nodeCalls, others, makeId } = this.#options;
    const { project } = own;
    const made = inputs.map((_, index) => ids[index] ?? makeId());
    const command = { kind: 'create', inputs, ids: made } as const;
    const created = placement.place(project, inputs, ({ nodeId, isHere }) =>
      (isHere ? nodeCalls : others).run(by, project, nodeId, command),
    );
    return await namingOwner(own, inputs, created);
  }

  /**
   * Idempotent by id. Resolves with whether it is closed: one whose node nobody hears of is to be, once it is back.
   * @throws not_found, unavailable
   */
  async close(own: Own, by: Caller | null, idOrName: string, drainMs: number): Promise<boolean> {
    const held = this.#options.nodes.find(own.project, idOrName);
    if (held === null) {
      const listener = await listenerOf(own.store, idOrName);
      if (isOver(listener)) return true;
      return await this.#elsewhere.close(own.store.listeners, by, listener, drainMs);
    }
    try {
      return await this.#options.nodeCalls.close(held.node, by, held.id, drainMs);
    } catch (error) {
      // Someone else's delete was faster.
      if (hasCode(error, 'not_found')) return true;
      throw error;
    }
  }

  /** Of a node that nobody hears, where it is still due when its turn comes. @throws not_found, unavailable */
  async expire({ store }: Own, id: string, isDue: IsDue): Promise<void> {
    const listener = await listenerOf(store, id);
    if (!isOver(listener) && isDue(listener)) await this.#elsewhere.expire(listener, isDue);
  }

  /** @throws not_found, failed_precondition (closed), unavailable (its process is not there), what Listeners.update throws */
  async update(own: Own, by: Caller, idOrName: string, patch: ListenerPatch): Promise<Listener> {
    const changed = this.#change(own, by, idOrName, {
      here: ({ listeners }, id) => listeners.update(by, id, patch),
      command: ({ id }) => ({ kind: 'update', id, patch }),
      absent: (listener) => this.#changeOf(listener, patch),
    });
    return await namingOwner(own, [patch], changed);
  }

  /** As update, of its faults as they are when it is its turn. @throws what the change throws, too */
  async updateFaults(
    own: Own,
    by: Caller,
    idOrName: string,
    change: FaultChange,
  ): Promise<Listener> {
    const changed = ({ faults }: Listener) => {
      const after = nameFaults(change(faults));
      assertFaultList(after, this.#options.bounds.faultsMax);
      return after;
    };
    return await this.#change(own, by, idOrName, {
      here: ({ listeners }, id) => listeners.updateFaults(by, id, change),
      command: (listener) => {
        const { id, faults: before } = listener;
        return { kind: 'set_faults', id, before, after: changed(listener) };
      },
      absent: (listener) => this.#changeOf(listener, { faults: changed(listener) }),
    });
  }

  #changeOf(listener: Listener, patch: ListenerPatch): Partial<Listener> | null {
    if (['draining', 'closed'].includes(listener.state)) {
      throw new AppError('failed_precondition', 'it is being closed');
    }
    assertFaultsSuit(patch.faults ?? [], listener.protocol);
    const change = changeOf(listener, patch);
    const after = { ...listener, ...change };
    const bytes = specBytes(after);
    if (bytes > specBytes(listener)) {
      assertSpecFits(after, this.#options.bounds.specBytesMax, { bytes });
    }
    return change;
  }

  async #change(own: Own, by: Caller, idOrName: string, change: Change): Promise<Listener> {
    const { nodes, others, goneNodes } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const held = nodes.find(own.project, idOrName);
      if (held !== null) return await change.here(held.node, held.id);
      const listener = await listenerOf(own.store, idOrName);
      if (isOver(listener)) {
        throw new AppError('failed_precondition', `listener ${idOrName} is closed`);
      }
      const { nodeId, project } = listener;
      const where = await others.whereIs(nodeId);
      if (where === 'gone') {
        const message = `listener ${idOrName} is on node ${nodeId}, which is not there: it can only be deleted meanwhile`;
        throw new AppError('unavailable', message, { retryAfterMs: awayRetryMs });
      }
      try {
        if (where !== 'there') {
          return await goneNodes.changeListener(by, listener, change.absent);
        }
        const [changed] = await others.run(by, project, nodeId, change.command(listener));
        return changed ?? listener;
      } catch (error) {
        // Somebody else's change came in between, or the node came back.
        const isMoved = hasCode(error, 'failed_precondition') || error instanceof NodeUp;
        if (!isMoved || attempt === attemptsMax) throw error;
      }
    }
  }

  /**
   * Those named, or a page of those that carry the labels; what can be closed of them is, and the first that can not is
   * thrown. @throws not_found before any is closed, and what close throws
   */
  async closeMany(
    own: Own,
    by: Caller | null,
    { ids, labels, pageToken, madeBefore }: CloseMany,
  ): Promise<ClosedMany> {
    const { listeners } = own.store;
    const page =
      ids === null
        ? await listPage(
            { labels, project: own.project },
            { pageSize: closeMax, pageToken },
            (ask) =>
              listeners.list(
                { ...anyListener, labels },
                { ...ask, bytesMax: this.#options.pageBytesMax },
              ),
          )
        : { items: await foundOf(listeners, ids), nextPageToken: null };
    const chosen = page.items.filter((one) => (one.createdAt ?? 0) < (madeBefore ?? Infinity));
    const ended = new Map(chosen.map(({ id }) => [id, false]));
    const failures: unknown[] = [];
    await inParallel([...ended.keys()], closesAtOnce, (id) =>
      this.close(own, by, id, 0).then(
        (isClosed) => ended.set(id, isClosed),
        (error: unknown) => failures.push(error),
      ),
    );
    if (failures.length > 0) throw failures[0];
    const idsOf = (isClosed: boolean) =>
      [...ended.keys()].filter((id) => ended.get(id) === isClosed);
    return { ...page, items: idsOf(true), draining: idsOf(false) };
  }

  /** Page by page, for nobody. @throws as closeMany does */
  async closeAll(own: Own): Promise<void> {
    const ask = { ids: null, labels: {}, madeBefore: null };
    let pageToken: string | null = null;
    do {
      ({ nextPageToken: pageToken } = await this.closeMany(own, null, { ...ask, pageToken }));
    } while (pageToken !== null);
  }
}

/** By id or name; a closed one by its id. @throws not_found, unavailable */
export async function listenerOf(
  { listeners }: Pick<ProjectStore, 'listeners'>,
  idOrName: string,
): Promise<Listener> {
  const listener = await listeners.find(idOrName);
  return listener ?? notFound(idOrName);
}

async function foundOf(
  directory: Pick<ListenerDirectory, 'findIds'>,
  idsOrNames: readonly string[],
): Promise<readonly { readonly id: string; readonly createdAt?: Micros }[]> {
  const found = await directory.findIds(idsOrNames);
  const ids = idsOrNames.map((one, index) => found[index] ?? notFound(one));
  return [...new Set(ids)].map((id) => ({ id }));
}

function notFound(idOrName: string): never {
  throw new AppError('not_found', `no listener ${idOrName}`);
}

/** Who has a name that is taken is looked up here: a node knows of its own only, and the store, in a race, says no more. */
async function namingOwner<Done>(
  { store }: Own,
  named: readonly Pick<ListenerPatch, 'name'>[],
  work: Promise<Done>,
): Promise<Done> {
  return await work.catch(async (error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'already_exists') throw error;
    const { item } = error.details;
    const asked = item === undefined ? named : named.slice(item, item + 1);
    for (const name of asked.flatMap((one) => one.name ?? [])) {
      const owner = await store.listeners.find(name);
      if (owner !== null) throw nameTaken(name, { owner: owner.id, item });
    }
    throw error;
  });
}
