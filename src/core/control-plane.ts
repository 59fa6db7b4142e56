/**
 * What callers can do, whichever edge they come through: the one list of use cases. It reads through the
 * store, so that any process answers about all; what it changes is run where its node is.
 */
import type { Caller } from './caller.ts';
import type { Connection } from './connection.ts';
import { type ConnectionLimits, Connections } from './connections.ts';
import { assertSameLog } from './cursor-errors.ts';
import type { ListenerQuery } from './directories.ts';
import type { Event } from './event.ts';
import {
  type EventPageLimits,
  type EventStart,
  type LogPage,
  readEventPage,
} from './event-page.ts';
import { EventStreams, type Follower, type StreamLimits } from './event-streams.ts';
import type { FaultChange } from './fault-changes.ts';
import { GoneNodes } from './gone-nodes.ts';
import type { FollowAsk } from './labelled-listeners.ts';
import { isExpired, type Listener, type ListenerPatch, type NewListener } from './listener.ts';
import { type ConnectionAsk, chooseEvents, type EventAsk } from './listener-choice.ts';
import { ListenerNames, type Named, type NamedStreamItem } from './listener-names.ts';
import type { LoopShares } from './loop-shares.ts';
import { type ClosedMany, type CloseMany, NamedListeners, type Own } from './named-listeners.ts';
import { NodeCalls } from './node-calls.ts';
import type { OtherNodes } from './node-command.ts';
import {
  begun,
  listPage,
  type Page,
  type PageAsk,
  type PageInPieces,
  type PageRequest,
} from './page.ts';
import type { Placement } from './placement.ts';
import type { Clock, Logger } from './ports.ts';
import { defaultProject, type ProjectRef } from './project.ts';
import type { Projects } from './projects.ts';
import type { ResourceAudit } from './resource-audit.ts';
import {
  isReachable,
  learnHead,
  problemsOf,
  type ReadinessLimits,
  type ShownStatus,
  type Status,
  type StatusSources,
  shownStatus,
  statusOf,
} from './status.ts';
import type { Store } from './store.ts';
import { StoreProbe } from './store-probe.ts';
import {
  type ConnectionWaitAsk,
  type EventWaitAsk,
  type Waited,
  type WaitLimits,
  Waits,
} from './waits.ts';
import { whileThere } from './while-there.ts';

export interface ControlPlaneOptions extends Omit<StatusSources, 'probe'> {
  readonly store: Store;
  readonly projects: Projects;
  readonly others: OtherNodes;
  readonly placement: Placement;
  readonly makeId: () => string;
  readonly bounds: { readonly specBytesMax: number; readonly faultsMax: number };
  readonly audit: ResourceAudit;
  readonly loop: LoopShares<ProjectRef>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: EventPageLimits & StreamLimits & WaitLimits & ConnectionLimits & ReadinessLimits;
}

export class ControlPlane {
  readonly #options: ControlPlaneOptions & StatusSources;
  readonly #startedAt = performance.now();
  readonly goneNodes: GoneNodes;
  readonly nodeCalls: NodeCalls;
  readonly #listeners: NamedListeners;
  readonly #connections: Connections;
  readonly #names: (project: ProjectRef) => ListenerNames;
  readonly #streams: EventStreams;
  readonly #waits: Waits;

  constructor(options: ControlPlaneOptions) {
    const { nodes, store } = options;
    const probe = new StoreProbe(store, options.limits.pingTimeoutMs);
    this.#options = { ...options, probe };
    const names = (project: ProjectRef) => new ListenerNames({ nodes, store: store.of(project) });
    this.#names = names;
    this.#streams = new EventStreams({ ...options, names });
    this.#waits = new Waits({ ...options, names, streams: this.#streams });
    const { pageBytesMax } = options.limits;
    this.goneNodes = new GoneNodes({ ...options, pageBytesMax });
    this.nodeCalls = new NodeCalls(options);
    const { goneNodes, nodeCalls } = this;
    const shared = { ...options, pageBytesMax, goneNodes, names, nodeCalls };
    this.#listeners = new NamedListeners(shared);
    this.#connections = new Connections(shared);
  }

  /** What the caller may see of; nothing begins for one who has left. @throws not_found, unavailable, why it left */
  async #of(caller: Caller): Promise<Own> {
    caller.signal.throwIfAborted();
    const project = await this.#options.projects.of(caller);
    return { project, store: this.#options.store.of(project) };
  }

  /**
   * All or nothing; under these ids, where the caller has made some. A caller who goes away before they are committed
   * gets none.
   * @throws what Listeners.create throws
   */
  async createListeners(
    caller: Caller,
    inputs: readonly NewListener[],
    ids: readonly string[] = [],
  ): Promise<readonly Listener[]> {
    return await this.#listeners.create(await this.#of(caller), caller, inputs, ids);
  }

  /** By id or name; a closed one by its id. @throws not_found, unavailable */
  async getListener(caller: Caller, idOrName: string): Promise<Listener> {
    const own = await this.#of(caller);
    return await whileThere(caller, this.#listeners.get(own, idOrName));
  }

  /** @throws invalid_argument for a token of another query; unavailable */
  async listListeners(caller: Caller, query: ListenerQuery, ask: PageAsk): Promise<Page<Listener>> {
    const { store } = await this.#of(caller);
    const { pageBytesMax: bytesMax } = this.#options.limits;
    const asked = { ...query, project: caller.project };
    const read = (page: PageRequest) => store.listeners.list(query, { ...page, bytesMax });
    return await whileThere(caller, listPage(asked, ask, read));
  }

  /** @throws not_found, failed_precondition (closed), unavailable (its process is not there), what Listeners.update throws */
  async updateListener(caller: Caller, idOrName: string, patch: ListenerPatch): Promise<Listener> {
    return await this.#listeners.update(await this.#of(caller), caller, idOrName, patch);
  }

  /** As updateListener, of its faults as they are when its turn comes. @throws what the change throws, too */
  async updateFaults(caller: Caller, idOrName: string, change: FaultChange): Promise<Listener> {
    return await this.#listeners.updateFaults(await this.#of(caller), caller, idOrName, change);
  }

  /**
   * Idempotent by id, and goes on when the caller goes away. A listener of a node that is gone is closed on its behalf.
   * Resolves with whether it is closed: where nobody hears of its node, it is closed when that is back, or lost.
   * @throws not_found, unavailable
   */
  async deleteListener(caller: Caller, idOrName: string, drainMs: number): Promise<boolean> {
    return await this.#listeners.close(await this.#of(caller), caller, idOrName, drainMs);
  }

  /**
   * As deleteListener without a drain, for many: those named, or the next of those that carry the labels. All that can
   * be closed of them are when it answers, or throws for one that can not; it tells those that drain still.
   */
  async closeListeners(caller: Caller, ask: CloseMany): Promise<ClosedMany> {
    return await this.#listeners.closeMany(await this.#of(caller), caller, ask);
  }

  /** @throws not_found, unavailable */
  async getConnection(caller: Caller, id: string): Promise<Named<Connection>> {
    const own = await this.#of(caller);
    return await whileThere(caller, this.#connections.get(own, id));
  }

  /** @throws what Connections.list throws */
  async listConnections(
    caller: Caller,
    query: ConnectionAsk,
    ask: PageAsk,
  ): Promise<PageInPieces<Named<Connection>>> {
    const own = await this.#of(caller);
    return await whileThere(caller, begun(this.#connections.list(own, caller, query, ask)));
  }

  /** @throws what Connections.close throws */
  async closeConnection(
    caller: Caller,
    id: string,
    mode: 'fin' | 'rst',
  ): Promise<Named<Connection>> {
    return await this.#connections.close(await this.#of(caller), caller, id, mode);
  }

  /**
   * At most a page of events, and a bounded number of bytes. Where the filter leaves it short it reads on, but not for
   * long: a page may still hold fewer before the end. `desc` is newest first.
   * @throws not_found and resource_exhausted for its listeners; cursor_expired, invalid_argument, unavailable
   */
  async listEvents(
    caller: Caller,
    query: EventAsk & EventStart & { readonly log: string | null },
    ask: PageAsk,
  ): Promise<LogPage<Named<Event>>> {
    const { eventLog, loop, limits } = this.#options;
    const { project, store } = await this.#of(caller);
    const log = eventLog.of(project);
    const { log: cursorLog, ...of } = query;
    await assertSameLog(log, cursorLog);
    const { order, afterSeq, last, ...asked } = of;
    const chosen = chooseEvents(store.listeners, asked, limits.labelledListenersMax);
    const { filter } = await whileThere(caller, chosen);
    const from = { query: { ...of, project: caller.project }, signal: caller.signal };
    const read = { ...ask, order, afterSeq, last, filter, ...from };
    const page = readEventPage({ ...read, log, store, loop, limits });
    return await whileThere(caller, begun(this.#names(project).inPieces(page, caller)));
  }

  /**
   * A stream of events; see follow. Ends with `unavailable` at shutdown.
   * @throws resource_exhausted when too many streams are open, what chooseEvents throws, and what follow throws
   */
  followEvents(caller: Caller, ask: FollowAsk): AsyncGenerator<NamedStreamItem, void, void> {
    return this.#streams.follow(caller, ask);
  }

  /**
   * Resolves when the connections that match are as many as is asked for, and have been for so long. A wait is one of
   * the streams, and its listeners are looked up once.
   * @throws not_met when it ran out of time, or can not be met any more; what followEvents throws; not_found and
   *   resource_exhausted for its listeners, and when there is too much to look through
   */
  async waitConnections(
    caller: Caller,
    ask: ConnectionWaitAsk,
  ): Promise<Waited<Named<Connection>>> {
    return await this.#waits.connections(caller, ask);
  }

  /** As waitConnections, for the events that match. */
  async waitEvents(caller: Caller, ask: EventWaitAsk): Promise<Waited<Named<Event>>> {
    return await this.#waits.events(caller, ask);
  }

  /**
   * Of a project that is being deleted: ends its streams, and closes its listeners.
   * @throws failed_precondition while another node has some of them, unavailable
   */
  async closeProject(project: ProjectRef): Promise<void> {
    this.#streams.endOf(project);
    await this.#listeners.closeAll({ project, store: this.#options.store.of(project) });
  }

  /** Of a node that nobody hears: its time is over, or was. @throws not_found, unavailable */
  async expireListener(project: ProjectRef, id: string): Promise<void> {
    const isDue = (listener: Listener) => isExpired(listener, this.#options.clock.now());
    await this.#listeners.expire({ project, store: this.#options.store.of(project) }, id, isDue);
  }

  get listenerCount(): number {
    return this.#options.nodes.listenerCount;
  }

  get followers(): readonly Follower[] {
    return this.#streams.followers;
  }

  streamsOf(project: ProjectRef): number {
    return this.#streams.countOf(project);
  }

  /** @throws not_found, unavailable */
  async getStatus(caller: Caller): Promise<ShownStatus> {
    const project = await this.#options.projects.of(caller);
    await this.#options.eventLog.of(project).known();
    await this.isStoreReachable();
    await learnHead(this.#options, project);
    return shownStatus(this.status(project), caller);
  }

  status(project = defaultProject): Status {
    return statusOf(this.#options, this.#startedAt, project);
  }

  /** As of a moment ago. */
  async isStoreReachable(): Promise<boolean> {
    await this.#options.probe.ask(this.#options.limits.pingAgeMs);
    return isReachable(this.#options);
  }

  /** What keeps this node from serving; empty when it is ready. */
  async problems(): Promise<readonly string[]> {
    const problems = await problemsOf(this.#options);
    return this.#streams.isEnded ? ['shutting down', ...problems] : problems;
  }

  /** Ends every stream. */
  endStreams(): void {
    this.#streams.end();
  }
}
