/**
 * A DataPlane without sockets: it gives ports, lets clients in, remembers what it was asked, and fails when told to. It
 * passes the same contract suite as the real one (data-plane-contract).
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../../src/core/errors.ts';
import type {
  Binding,
  Bound,
  DataPlane,
  DataPlaneEvents,
  ListenerEnd,
  Observed,
  ProjectLimits,
  Wish,
  WorkerStatus,
} from '../../src/core/ports.ts';
import type { ProjectRef } from '../../src/core/project.ts';
import type { WorkerRecord } from '../../src/core/record.ts';
import { FakeClient } from './fake-client.ts';

export type DataPlaneCall =
  | { readonly kind: 'open'; readonly listenerId: string; readonly binding: Binding }
  | { readonly kind: 'release'; readonly listenerId: string }
  | ({ readonly kind: 'wish'; readonly listenerId: string } & Wish)
  | ({ readonly kind: 'endWish' } & ListenerEnd)
  | {
      readonly kind: 'closeConnection';
      readonly connectionId: string;
      readonly mode: 'fin' | 'rst';
    };

const firstPort = 40_000;

export class FakeDataPlane implements DataPlane {
  readonly calls: DataPlaneCall[] = [];
  /** Open listeners: where each is bound. */
  readonly bound = new Map<string, Bound>();
  readonly served = new Set<string>();
  /** Each bind takes the first of these and throws it; null: that one succeeds. */
  readonly openErrors: (Error | null)[] = [];
  /** Each open takes the first of these and waits for it. */
  readonly openGates: Promise<unknown>[] = [];
  /** Waited for within each call of that kind, before it does anything; a wish is known by then. */
  readonly gates: Partial<Record<DataPlaneCall['kind'], Promise<unknown>>> = {};
  isUp = true;
  readonly #events: DataPlaneEvents;
  /** What is held, of generation 0, or wished. */
  readonly #wishes = new Map<string, Wish>();
  readonly #observed = new Map<string, Observed>();
  /** What was wished last of each that is to be gone, until it is. */
  readonly #ends = new Map<string, ListenerEnd>();
  readonly #limits = new Map<ProjectRef, ProjectLimits>();
  readonly #clients = new Set<FakeClient>();
  #workerId: string = randomUUID();
  #pid = 100;
  #restarts = 0;
  #nextPort = firstPort;
  #nextFd = 20;

  constructor(events: DataPlaneEvents) {
    this.#events = events;
  }

  async open(binding: Binding): Promise<Bound> {
    const { listenerId } = binding;
    this.calls.push({ kind: 'open', listenerId, binding });
    await (this.openGates.shift() ?? this.gates.open);
    if (this.#wishes.has(listenerId)) throw new TypeError(`listener ${listenerId} is open already`);
    return this.#bind({ generation: 0, binding });
  }

  #bind({ generation, binding }: Wish): Bound {
    const { listenerId, host, port: asked } = binding;
    const error = this.openErrors.shift() ?? null;
    if (error !== null) throw error;
    if (!this.isUp) throw new AppError('unavailable', 'no worker is up');
    if (asked !== 0 && this.#listenerAt(asked) !== undefined) {
      throw new AppError('port_in_use', `${host} port ${asked} is in use`, { owner: 'foreign' });
    }
    const port = asked === 0 ? this.#nextPort++ : asked;
    const sockets = [{ pid: this.#pid, fd: this.#nextFd++ }];
    const listening: Bound = { laddr: { ip: host, port }, sockets };
    this.bound.set(listenerId, listening);
    this.#wishes.set(listenerId, { generation, binding: { ...binding, port } });
    return listening;
  }

  #listenerAt(port: number): string | undefined {
    for (const [id, { laddr }] of this.bound) if (laddr.port === port) return id;
    return undefined;
  }

  async wish(wish: Wish): Promise<void> {
    const { listenerId } = wish.binding;
    this.calls.push({ kind: 'wish', listenerId, ...wish });
    const before = this.#wishes.get(listenerId);
    if (before === undefined || wish.generation > before.generation) {
      // Bound once, it keeps its port.
      const port = before?.binding.port || wish.binding.port;
      this.#wishes.set(listenerId, { ...wish, binding: { ...wish.binding, port } });
    }
    await this.gates.wish;
    this.#reconcile(listenerId);
  }

  #reconcile(listenerId: string): void {
    const wish = this.#wishes.get(listenerId);
    if (wish === undefined || !this.isUp) return;
    const { generation } = wish;
    try {
      const listening = this.bound.get(listenerId) ?? this.#bind(wish);
      if (generation === 0) return;
      this.#serve(listenerId);
      this.#tell({ listenerId, generation, state: 'bound', ...listening });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const { code, message } = error;
      if (generation > 0) {
        this.#tell({ listenerId, generation, state: 'failed', reason: { code, message } });
      }
      setTimeout(() => this.#reconcile(listenerId), 1).unref();
    }
  }

  #serve(listenerId: string): void {
    if (this.served.has(listenerId)) return;
    this.served.add(listenerId);
    for (const client of this.#clientsOf(listenerId)) this.#accept(client);
  }

  #tell(observed: Observed): void {
    if (isDeepStrictEqual(this.#observed.get(observed.listenerId), observed)) return;
    this.#observed.set(observed.listenerId, observed);
    this.#events.onObserved(observed);
  }

  async release(listenerId: string): Promise<void> {
    this.calls.push({ kind: 'release', listenerId });
    await this.gates.release;
    await this.#close(listenerId, 0);
  }

  endWish(end: ListenerEnd): void {
    this.calls.push({ kind: 'endWish', ...end });
    this.#ends.set(end.listenerId, end);
    void this.#end(end);
  }

  async #end({ listenerId, drainMs }: ListenerEnd): Promise<void> {
    await this.gates.endWish;
    await this.#close(listenerId, drainMs);
    const end = this.#ends.get(listenerId);
    if (end === undefined) return;
    this.#ends.delete(listenerId);
    this.#observed.delete(listenerId);
    this.#events.onObserved({ listenerId, generation: end.generation, state: 'gone' });
  }

  async #close(listenerId: string, drainMs: number): Promise<void> {
    this.bound.delete(listenerId);
    this.#wishes.delete(listenerId);
    this.served.delete(listenerId);
    await this.#drain(this.#clientsOf(listenerId), drainMs);
    for (const client of this.#clientsOf(listenerId)) client.close('operator', 'listener_deleted');
  }

  async #drain(clients: readonly FakeClient[], drainMs: number): Promise<void> {
    if (clients.length === 0 || drainMs === 0) return;
    const drained = new AbortController();
    void Promise.all(clients.map(({ ended }) => ended)).then(() => drained.abort());
    await delay(drainMs, undefined, drained).catch(() => undefined);
  }

  limitProject(project: ProjectRef, limits: ProjectLimits | null): void {
    if (limits === null) this.#limits.delete(project);
    else this.#limits.set(project, limits);
  }

  async closeConnection(
    { workerId, connectionId }: { workerId: string; connectionId: string },
    mode: 'fin' | 'rst',
  ): Promise<void> {
    this.calls.push({ kind: 'closeConnection', connectionId, mode });
    await this.gates.closeConnection;
    if (workerId !== this.#workerId) return;
    const client = [...this.#clients].find(({ id }) => id === connectionId);
    client?.close('operator', mode === 'fin' ? 'operator_fin' : 'operator_rst');
  }

  /** A client of the listener with this port; one that is not served yet waits to be let in. */
  async connect(port: number): Promise<FakeClient> {
    const listenerId = this.#listenerAt(port);
    if (listenerId === undefined) throw new Error(`connect ECONNREFUSED 127.0.0.1:${port}`);
    const client = new FakeClient({
      listenerId,
      laddr: { ip: '127.0.0.1', port },
      pid: this.#pid,
      fd: this.#nextFd++,
      report: (record) => this.#report(record),
      onEnd: () => this.#clients.delete(client),
    });
    this.#clients.add(client);
    if (this.served.has(listenerId)) this.#accept(client);
    return client;
  }

  #accept(client: FakeClient): void {
    const { limits, project } = this.#wishes.get(client.listenerId)?.binding ?? {};
    const open = this.#clientsOf(client.listenerId).filter(({ isOpen }) => isOpen);
    const ofProject = [...this.#clients].filter(
      ({ isOpen, listenerId }) =>
        isOpen && this.#wishes.get(listenerId)?.binding.project === project,
    );
    const { maxConnections = Number.MAX_SAFE_INTEGER } =
      (project && this.#limits.get(project)) ?? {};
    if (open.length >= (limits?.maxConnections ?? 0)) client.refuse('max_connections');
    else if (ofProject.length >= maxConnections) client.refuse('project_quota');
    else client.accept();
  }

  #report(record: WorkerRecord): void {
    void this.#events.onRecords(this.#workerId, [record], false);
  }

  #clientsOf(listenerId: string): readonly FakeClient[] {
    return [...this.#clients].filter((client) => client.listenerId === listenerId);
  }

  /** Its worker is gone, and its successor comes up in a later turn. */
  loseWorker(): void {
    const lostId = this.#workerId;
    this.isUp = false;
    for (const client of this.#clients) client.cut();
    this.bound.clear();
    this.served.clear();
    this.#workerId = randomUUID();
    this.#pid += 1;
    this.#restarts += 1;
    this.#events.onWorkerLost(lostId);
    setImmediate(() => {
      this.isUp = true;
      for (const id of this.#wishes.keys()) this.#reconcile(id);
    });
  }

  /** The calls of one listener, by kind, in order. */
  kindsOf(listenerId: string): readonly DataPlaneCall['kind'][] {
    return this.calls
      .filter((call) => 'listenerId' in call && call.listenerId === listenerId)
      .map(({ kind }) => kind);
  }

  status(): readonly WorkerStatus[] {
    if (!this.isUp) return [];
    const openConnections = [...this.#clients].filter(({ isOpen }) => isOpen).length;
    const [pid, restarts] = [this.#pid, this.#restarts];
    return [{ pid, listeners: this.bound.size, openConnections, restarts }];
  }
}
