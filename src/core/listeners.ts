/**
 * What is done with this node's listeners: create, update, close, expire.
 *
 * - Create: bind, commit, serve. A create that fails leaves nothing behind.
 * - A change is committed, and then wished; a close is wished, and committed once it is observed.
 * - What changes one listener happens one after the other.
 * - The rows in the store follow from the events appended here.
 */
import type { Caller } from './caller.ts';
import { nameTaken, ofItem, Unsettled } from './errors.ts';
import { listenerEvent } from './event.ts';
import type { FaultChange } from './fault-changes.ts';
import { assertNameFree } from './free-names.ts';
import type { Listener, ListenerPatch, NewListener } from './listener.ts';
import { ListenerCloses } from './listener-closes.ts';
import { ListenerExpiry } from './listener-expiry.ts';
import {
  assertPlaceAllowed,
  assertPortAllowed,
  findConflict,
  type HostedListener,
  hosted,
  type PortRules,
  portInUse,
} from './listener-ports.ts';
import type { ListenerEntry, ListenerSet, RoomLimits } from './listener-set.ts';
import { ListenerUpdates } from './listener-updates.ts';
import { wish } from './listener-wish.ts';
import type { Appends } from './log-writer.ts';
import { NewBinds } from './new-binds.ts';
import type { Certificates, Clock, DataPlane, Logger } from './ports.ts';
import type { ProjectRef } from './project.ts';
import type { Projects } from './projects.ts';
import type { Recorder } from './recorder.ts';
import type { ResourceAudit } from './resource-audit.ts';
import type { RestingPorts } from './resting-ports.ts';
import { heldBytes, specBytes } from './sizes.ts';
import type { Store } from './store.ts';

export interface ListenersOptions {
  readonly nodeId: string;
  /** Where that is not its id. */
  readonly nodeName?: string;
  readonly set: ListenerSet;
  readonly store: Pick<Store, 'of'>;
  readonly eventLog: Appends;
  readonly recorder: Recorder;
  readonly dataPlane: DataPlane;
  readonly certificates: Certificates;
  readonly audit: ResourceAudit;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: RoomLimits & {
    readonly drainMsMax: number;
    /** Ports that one draw tries, where others on this host have them. */
    readonly drawTriesMax: number;
  };
  readonly bounds: { readonly specBytesMax: number; readonly faultsMax: number };
  readonly portRules: PortRules;
  readonly projects: Projects;
  readonly restingPorts: RestingPorts;
  readonly makeId: () => string;
  /** On a host of its own, which may hear of nothing for a while: an end is on record before it is wished. */
  readonly isRemote?: boolean;
}

/** A listener to be made, and its id. */
type Planned = readonly [input: HostedListener, id: string];

/** What is to be made, and what is there of it so far. */
interface NewListeners {
  readonly planned: readonly Planned[];
  readonly entries: ListenerEntry[];
  /** The end of the create: until then nothing else happens to them. */
  readonly created: Promise<void>;
}

export class Listeners {
  readonly #options: ListenersOptions;
  readonly #expiry: ListenerExpiry;
  readonly #binds: NewBinds;
  readonly #updates: ListenerUpdates;
  readonly closes: ListenerCloses;

  constructor(options: ListenersOptions) {
    this.#options = options;
    this.#binds = new NewBinds(options);
    this.#expiry = new ListenerExpiry({ ...options, expire: (...at) => this.closes.expire(...at) });
    this.#updates = new ListenerUpdates({
      ...options,
      scheduleExpiry: (entry) => this.scheduleExpiry(entry),
    });
    const correct = (entry: ListenerEntry) => this.#updates.correct(entry);
    this.closes = new ListenerCloses({ ...options, correct });
  }

  /**
   * All or nothing, with these ids instead of new ones; whoever goes away before the commit leaves nothing behind. What
   * is thrown of one of them has its `item`.
   * @throws already_exists, port_in_use, port_reserved, port_privileged, permission_denied (its host),
   *   invalid_argument, resource_exhausted, unavailable
   */
  async create(
    by: Caller,
    project: ProjectRef,
    news: readonly NewListener[],
    ids: readonly string[] = [],
  ): Promise<Listener[]> {
    const { makeId, set, limits, portRules, dataPlane, logger } = this.#options;
    const bytes = news.reduce((sum, one) => sum + specBytes(one), 0);
    set.assertRoom({ count: news.length, bytes }, limits);
    await this.#options.projects.assertListenerRoom(project, news.length);
    const planned = news.map((one, at) => [hosted(one, portRules), ids[at] ?? makeId()] as const);
    const entries: ListenerEntry[] = [];
    const created = Promise.withResolvers<void>();
    try {
      await this.#commitNew(by, project, { planned, entries, created: created.promise });
      // They listen by now: who comes before a worker has heard of the wish waits there, and nobody has to here.
      const onLost = (err: unknown) => logger.error({ err }, 'a new listener is not served yet');
      for (const entry of entries) wish(dataPlane, entry).catch(onLost);
    } finally {
      created.resolve();
    }
    for (const entry of entries) this.scheduleExpiry(entry);
    return entries.map(({ listener }) => listener);
  }

  async #commitNew(
    by: Caller,
    project: ProjectRef,
    { planned, entries, created }: NewListeners,
  ): Promise<void> {
    const { audit: audits, eventLog } = this.#options;
    const { signal } = by;
    try {
      for (const [at, one] of planned.entries()) {
        signal.throwIfAborted();
        entries.push(await ofItem(at, this.#admit(project, one, created)));
      }
      const bound = entries.map((entry, at) => ofItem(at, this.#binds.bind(entry)));
      const binds = await Promise.allSettled(bound);
      for (const bind of binds) if (bind.status === 'rejected') throw bind.reason;
      signal.throwIfAborted();
      const pending = { state: 'pending', laddr: null, sockets: [] } as const;
      const events = entries.flatMap(({ listener }) => [
        listenerEvent('listener_created', { ...listener, ...pending }, by),
        listenerEvent('listener_listening', listener, by),
      ]);
      const audit = entries.map(({ listener }) => audits.listener(by, null, listener));
      const secrets = new Map(entries.map(({ listener, secrets: own }) => [listener.id, own]));
      const made = entries.map(({ listener }) => listener);
      const onLate = () => this.#undoLate(project, made);
      await eventLog.of(project).appendCommand(events, { secrets, audit, onLate });
    } catch (error) {
      await Promise.allSettled(entries.map(({ listener }) => this.#forget(listener.id)));
      throw error;
    }
  }

  /** Takes the id, the name and the port, so that no one else gets them meanwhile. */
  async #admit(
    project: ProjectRef,
    [input, id]: Planned,
    created: Promise<void>,
  ): Promise<ListenerEntry> {
    const { nodeId, clock, certificates, portRules, recorder, set, limits } = this.#options;
    const { projects, restingPorts, nodeName = nodeId } = this.#options;
    const now = clock.now();
    assertPlaceAllowed(input, portRules, project, projects.termsOf(project));
    assertPortAllowed(input, portRules);
    await assertNameFree(this.#options, project, input.name, id);
    const tls = input.tls && (await certificates.prepare(input.tls, input.host, project));
    const listener: Listener = {
      ...input,
      id,
      project,
      revision: 0,
      generation: 1,
      tls: tls?.settings ?? null,
      laddr: null,
      state: 'pending',
      reason: null,
      sockets: [],
      ...{ nodeId, nodeName, observedGeneration: null },
      ...{ openConnections: 0, totalConnections: 0 },
      createdAt: now,
      updatedAt: now,
      closedAt: null,
    };
    // Nothing waits from here on: the checks still hold when the name and the port are taken.
    const secrets = { tlsKey: tls?.key ?? null };
    set.assertRoom({ count: 1, bytes: heldBytes(listener, secrets) }, limits);
    if (set.get(id) !== null) throw new Unsettled('it is being made');
    if (listener.name !== null && set.hasName(project, listener.name))
      throw nameTaken(listener.name);
    const conflict = findConflict(listener, set.each());
    if (conflict !== null) throw portInUse(listener, conflict);
    restingPorts.assertRested(listener);
    recorder.counts.start(listener, { open: 0, total: 0 });
    return set.add(listener, secrets, created);
  }

  /** Takes back what a failed create had begun. */
  async #forget(id: string): Promise<void> {
    const { set, recorder, dataPlane } = this.#options;
    try {
      await dataPlane.release(id);
    } finally {
      set.remove(id);
      recorder.counts.end(id);
    }
  }

  /** The caller was told that the create failed, and then it landed. */
  #undoLate(project: ProjectRef, listeners: readonly Listener[]): void {
    const { clock, eventLog, logger } = this.#options;
    const now = clock.now();
    const end = { state: 'closed', sockets: [], closedAt: now, updatedAt: now } as const;
    const events = listeners.map((one) => listenerEvent('listener_closed', { ...one, ...end }));
    eventLog
      .of(project)
      .append(events)
      .catch((err: unknown) => logger.error({ err }, 'a late create stays open'));
  }

  /**
   * A patch that changes nothing does nothing.
   * @throws not_found, already_exists, failed_precondition, invalid_argument, resource_exhausted, unavailable
   */
  async update(by: Caller, id: string, patch: ListenerPatch): Promise<Listener> {
    return await this.#options.set.inTurn(id, (entry) => this.#updates.update(by, entry, patch));
  }

  /** @throws what the change throws, and what update throws */
  async updateFaults(by: Caller, id: string, change: FaultChange): Promise<Listener> {
    const work = (entry: ListenerEntry) => this.#updates.updateFaults(by, entry, change);
    return await this.#options.set.inTurn(id, work);
  }

  /**
   * Resolves when the port is free and the end of it is committed. Idempotent; one that comes during a drain can make
   * that end sooner. Once the port is free the end is committed, sooner or later, whatever the caller was told. Nobody
   * may have asked for it.
   * @throws not_found when it is gone meanwhile, unavailable
   */
  async close(by: Caller | null, id: string, drainMs: number): Promise<void> {
    await this.closes.close(by, id, drainMs);
  }

  scheduleExpiry(entry: ListenerEntry): void {
    this.#expiry.schedule(entry);
  }
}
