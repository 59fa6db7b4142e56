/** Changes a listener that lives: what a patch sets, and takes back where it could not be committed. */
import type { Caller } from './caller.ts';
import { AppError, hasCode } from './errors.ts';
import { listenerEvent } from './event.ts';
import { assertFaultList, assertFaultsSuit, nameFaults } from './fault.ts';
import type { FaultChange } from './fault-changes.ts';
import { assertNameFree } from './free-names.ts';
import type { Listener, ListenerPatch } from './listener.ts';
import { assertSpecFits } from './listener-bounds.ts';
import { changeOf, type ListenerChange } from './listener-change.ts';
import type { ListenerEntry, ListenerSet, RoomLimits } from './listener-set.ts';
import { wish } from './listener-wish.ts';
import type { Appends } from './log-writer.ts';
import { noteObserved } from './observed-generations.ts';
import type { Clock, DataPlane, Logger } from './ports.ts';
import type { Recorder } from './recorder.ts';
import type { ResourceAudit } from './resource-audit.ts';
import { heldBytes } from './sizes.ts';
import type { Store } from './store.ts';

export interface ListenerUpdatesOptions {
  readonly nodeId: string;
  readonly set: ListenerSet;
  readonly store: Pick<Store, 'of'>;
  readonly eventLog: Appends;
  readonly recorder: Recorder;
  readonly dataPlane: DataPlane;
  readonly audit: ResourceAudit;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: RoomLimits;
  readonly bounds: { readonly specBytesMax: number; readonly faultsMax: number };
  readonly scheduleExpiry: (entry: ListenerEntry) => void;
}

export class ListenerUpdates {
  readonly #options: ListenerUpdatesOptions;

  constructor(options: ListenerUpdatesOptions) {
    this.#options = options;
  }

  /**
   * In the listener's turn.
   * @throws already_exists, failed_precondition, invalid_argument, resource_exhausted, unavailable
   */
  async update(by: Caller, entry: ListenerEntry, patch: ListenerPatch): Promise<Listener> {
    const { set, recorder, dataPlane, scheduleExpiry } = this.#options;
    const { project, name, state, protocol, generation } = entry.listener;
    if (state === 'draining') throw new AppError('failed_precondition', 'it is being closed');
    assertFaultsSuit(patch.faults ?? [], protocol);
    const change = changeOf(entry.listener, patch, entry.newest);
    if (change === null) return recorder.counts.counted(entry.listener);
    const isRenamed = change.name !== name;
    if (isRenamed) await assertNameFree(this.#options, project, change.name, entry.listener.id);
    const bytesBefore = entry.bytes;
    this.#takeRoom(entry, change);
    try {
      await this.#commit(by, entry, change);
    } catch (error) {
      set.resize(entry, bytesBefore);
      throw error;
    }
    if (isRenamed) set.rename(entry.listener, name, change.name);
    scheduleExpiry(entry);
    if (change.generation !== generation) {
      await wish(dataPlane, entry);
      await noteObserved(this.#options, entry);
    }
    return entry.listener;
  }

  /** As update, of its faults as they are when it is its turn: nobody's change is lost in another's. */
  async updateFaults(by: Caller, entry: ListenerEntry, change: FaultChange): Promise<Listener> {
    const faults = nameFaults(change(entry.listener.faults));
    assertFaultList(faults, this.#options.bounds.faultsMax);
    return await this.update(by, entry, { faults });
  }

  /** One from before there was a bound may be above it: it may change, but not grow. */
  #takeRoom(entry: ListenerEntry, change: ListenerChange): void {
    const { set, limits, bounds } = this.#options;
    const after = { ...entry.listener, ...change };
    const bytes = heldBytes(after, entry.secrets);
    if (bytes > entry.bytes) {
      assertSpecFits(after, bounds.specBytesMax, { bytes });
      set.assertRoom({ count: 0, bytes: bytes - entry.bytes }, limits);
    }
    set.resize(entry, bytes);
  }

  async #commit(by: Caller, entry: ListenerEntry, change: ListenerChange): Promise<void> {
    const { audit: audits, clock, eventLog, recorder } = this.#options;
    const { project } = entry.listener;
    const after = recorder.counts.counted({ ...entry.listener, ...change, updatedAt: clock.now() });
    // What fails may land yet: no other spec may have its generation.
    entry.newest = Math.max(entry.newest, change.generation);
    const onLate = () => this.correct(entry);
    const updated = listenerEvent('listener_updated', after, by);
    const audit = [audits.listener(by, entry.listener, after)];
    await eventLog.of(project).appendCommand([updated], { audit, onLate });
    entry.listener = after;
  }

  /** The caller was told that a change failed, and then it landed: what holds is told again, behind changes since. */
  correct({ listener: { id } }: ListenerEntry): void {
    const { logger, set } = this.#options;
    const onLost = (err: unknown) => {
      if (!hasCode(err, 'not_found')) logger.error({ err, listenerId: id }, 'a late change stays');
    };
    // While the store is away the commit may wait for long: the listener's turn does not.
    set.inTurn(id, async (own) => void this.#tellAgain(own).catch(onLost)).catch(onLost);
  }

  async #tellAgain(entry: ListenerEntry): Promise<void> {
    const { eventLog, recorder, dataPlane } = this.#options;
    if (entry.ending !== null) return;
    const isDraining = entry.listener.state === 'draining';
    // Its end is a generation of its own already.
    if (entry.newest > entry.listener.generation && !isDraining) {
      entry.newest += 1;
      entry.listener = { ...entry.listener, generation: entry.newest };
    }
    const again = listenerEvent('listener_updated', recorder.counts.counted(entry.listener));
    await eventLog.of(entry.listener.project).append([again]);
    if (isDraining || entry.wished >= entry.listener.generation) return;
    await wish(dataPlane, entry);
    await noteObserved(this.#options, entry);
  }
}
