/**
 * A DataPlane without sockets: it gives ports, lets clients in, remembers what it was asked, and fails when told to. It
 * passes the same contract suite as the real one (data-plane-contract).
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { CloseReason } from '../../src/core/connection.ts';
import { AppError } from '../../src/core/errors.ts';
import type {
  Binding,
  Bound,
  DataPlane,
  DataPlaneEvents,
  WorkerStatus,
} from '../../src/core/ports.ts';
import type { WorkerRecord } from '../../src/core/record.ts';
import { FakeClient } from './fake-client.ts';

export type DataPlaneCall =
  | { readonly kind: 'open'; readonly listenerId: string; readonly binding: Binding }
  | { readonly kind: 'serve'; readonly listenerId: string }
  | {
      readonly kind: 'update';
      readonly listenerId: string;
      readonly change: Parameters<DataPlane['update']>[1];
    }
  | {
      readonly kind: 'close';
      readonly listenerId: string;
      readonly drainMs: number;
      readonly reason: CloseReason;
    }
  | {
      readonly kind: 'closeConnection';
      readonly connectionId: string;
      readonly mode: 'fin' | 'rst';
    };

const firstPort = 40_000;

const nobody: DataPlaneEvents = {
  onRecords: async () => undefined,
  onWorkerLost: () => undefined,
  onRebound: () => undefined,
};

export class FakeDataPlane implements DataPlane {
  readonly calls: DataPlaneCall[] = [];
  /** Open listeners: what is bound to which. */
  readonly bound = new Map<string, Bound>();
  readonly served = new Set<string>();
  /** Each open takes the first of these and throws it; null: that one succeeds. */
  readonly openErrors: (Error | null)[] = [];
  /** Each open takes the first of these and waits for it. */
  readonly openGates: Promise<unknown>[] = [];
  /** Waited for within each call of that kind, before it does anything. */
  readonly gates: Partial<Record<DataPlaneCall['kind'], Promise<unknown>>> = {};
  isUp = true;
  readonly #events: DataPlaneEvents;
  readonly #bindings = new Map<string, Binding>();
  readonly #clients = new Set<FakeClient>();
  #workerId: string = randomUUID();
  #pid = 100;
  #restarts = 0;
  #nextPort = firstPort;
  #nextFd = 20;

  constructor(events: DataPlaneEvents = nobody) {
    this.#events = events;
  }

  async open(binding: Binding): Promise<Bound> {
    const { listenerId, host, port } = binding;
    this.calls.push({ kind: 'open', listenerId, binding });
    await (this.openGates.shift() ?? this.gates.open);
    const error = this.openErrors.shift() ?? null;
    if (error !== null) throw error;
    if (!this.isUp) throw new AppError('unavailable', 'no worker is up');
    if (this.bound.has(listenerId)) throw new TypeError(`listener ${listenerId} is open already`);
    if (port !== 0 && this.#listenerAt(port) !== undefined) {
      throw new AppError('port_in_use', `${host} port ${port} is in use`, { owner: 'foreign' });
    }
    this.#bindings.set(listenerId, binding);
    return this.#bind(listenerId, { ip: host, port: port === 0 ? this.#nextPort++ : port });
  }

  #listenerAt(port: number): string | undefined {
    for (const [id, { laddr }] of this.bound) if (laddr.port === port) return id;
    return undefined;
  }

  #bind(listenerId: string, laddr: Bound['laddr']): Bound {
    const bound: Bound = { laddr, sockets: [{ pid: this.#pid, fd: this.#nextFd++ }] };
    this.bound.set(listenerId, bound);
    return bound;
  }

  async serve(listenerId: string): Promise<void> {
    this.calls.push({ kind: 'serve', listenerId });
    await this.gates.serve;
    if (!this.bound.has(listenerId)) return;
    this.served.add(listenerId);
    for (const client of this.#clientsOf(listenerId)) this.#accept(client);
  }

  async update(listenerId: string, change: Parameters<DataPlane['update']>[1]): Promise<void> {
    const { limits, faults } = change;
    this.calls.push({ kind: 'update', listenerId, change: { limits, faults } });
    await this.gates.update;
    const binding = this.#bindings.get(listenerId);
    if (binding !== undefined) this.#bindings.set(listenerId, { ...binding, limits, faults });
  }

  async close(
    listenerId: string,
    { drainMs, reason }: { drainMs: number; reason: CloseReason },
  ): Promise<void> {
    this.calls.push({ kind: 'close', listenerId, drainMs, reason });
    await this.gates.close;
    this.bound.delete(listenerId);
    this.#bindings.delete(listenerId);
    this.served.delete(listenerId);
    await this.#drain(this.#clientsOf(listenerId), drainMs);
    const initiator = reason === 'listener_deleted' ? 'operator' : 'system';
    for (const client of this.#clientsOf(listenerId)) client.close(initiator, reason);
  }

  async #drain(clients: readonly FakeClient[], drainMs: number): Promise<void> {
    if (clients.length === 0 || drainMs === 0) return;
    const drained = new AbortController();
    void Promise.all(clients.map(({ ended }) => ended)).then(() => drained.abort());
    await delay(drainMs, undefined, drained).catch(() => undefined);
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
    const { limits } = this.#bindings.get(client.listenerId) ?? {};
    const open = this.#clientsOf(client.listenerId).filter(({ isOpen }) => isOpen);
    if (open.length < (limits?.maxConnections ?? 0)) client.accept();
    else client.refuse('max_connections');
  }

  #report(record: WorkerRecord): void {
    void this.#events.onRecords(this.#workerId, [record]);
  }

  #clientsOf(listenerId: string): readonly FakeClient[] {
    return [...this.#clients].filter((client) => client.listenerId === listenerId);
  }

  /** Its worker is gone, and its successor comes up in a later turn. */
  loseWorker(): void {
    const lostId = this.#workerId;
    this.isUp = false;
    for (const client of this.#clients) client.cut();
    this.#workerId = randomUUID();
    this.#pid += 1;
    this.#restarts += 1;
    this.#events.onWorkerLost(lostId);
    setImmediate(() => {
      this.isUp = true;
      for (const [id, { laddr }] of this.bound) this.#events.onRebound(id, this.#bind(id, laddr));
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
