/** A DataPlane without sockets: it gives ports, remembers what it was asked, and fails when told to. */
import type { CloseReason, Connection } from '../../src/core/connection.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Binding, Bound, DataPlane, WorkerStatus } from '../../src/core/ports.ts';

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
  /** Told of each connection that it is asked to close. */
  onCloseConnection: (connection: Connection, mode: 'fin' | 'rst') => Promise<void> = async () =>
    undefined;
  pid = 100;
  isUp = true;
  #nextPort = firstPort;
  #nextFd = 20;

  async open(binding: Binding): Promise<Bound> {
    const { listenerId, host, port } = binding;
    this.calls.push({ kind: 'open', listenerId, binding });
    await (this.openGates.shift() ?? this.gates.open);
    const error = this.openErrors.shift() ?? null;
    if (error !== null) throw error;
    if (!this.isUp) throw new AppError('unavailable', 'no worker is up');
    const isTaken = [...this.bound.values()].some(({ laddr }) => laddr.port === port);
    if (port !== 0 && isTaken) {
      throw new AppError('port_in_use', `${host} port ${port} is in use`, { owner: 'foreign' });
    }
    if (this.bound.has(listenerId)) throw new TypeError(`listener ${listenerId} is open already`);
    const laddr = { ip: host, port: port === 0 ? this.#nextPort++ : port };
    const bound: Bound = { laddr, sockets: [{ pid: this.pid, fd: this.#nextFd++ }] };
    this.bound.set(listenerId, bound);
    return bound;
  }

  async serve(listenerId: string): Promise<void> {
    this.calls.push({ kind: 'serve', listenerId });
    await this.gates.serve;
    if (this.bound.has(listenerId)) this.served.add(listenerId);
  }

  async update(listenerId: string, change: Parameters<DataPlane['update']>[1]): Promise<void> {
    const { limits, faults } = change;
    this.calls.push({ kind: 'update', listenerId, change: { limits, faults } });
    await this.gates.update;
  }

  async close(
    listenerId: string,
    { drainMs, reason }: { drainMs: number; reason: CloseReason },
  ): Promise<void> {
    this.calls.push({ kind: 'close', listenerId, drainMs, reason });
    await this.gates.close;
    this.bound.delete(listenerId);
    this.served.delete(listenerId);
  }

  async closeConnection(connection: Connection, mode: 'fin' | 'rst'): Promise<void> {
    this.calls.push({ kind: 'closeConnection', connectionId: connection.id, mode });
    await this.gates.closeConnection;
    await this.onCloseConnection(connection, mode);
  }

  /** The calls of one listener, by kind, in order. */
  kindsOf(listenerId: string): readonly DataPlaneCall['kind'][] {
    return this.calls
      .filter((call) => 'listenerId' in call && call.listenerId === listenerId)
      .map(({ kind }) => kind);
  }

  status(): readonly WorkerStatus[] {
    if (!this.isUp) return [];
    return [{ pid: this.pid, listeners: this.bound.size, openConnections: 0, restarts: 0 }];
  }
}
