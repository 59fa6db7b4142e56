/** What core needs of the world. Each method names the AppError codes that it throws. */
import type { Address } from './address.ts';
import type {
  ListenerLimits,
  ListenerReason,
  ListenerSecrets,
  ListenerSpec,
  ListeningSocket,
  NewTls,
  TlsSettings,
} from './listener.ts';
import type { ProjectRef } from './project.ts';
import type { WorkerRecord } from './record.ts';
import type { Micros } from './time.ts';

export interface Clock {
  now(): Micros;
}

/** Fields first, then a constant message, as pino has it. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A listener as the data plane is asked to bind it. */
export interface Binding extends ListenerSpec, Pick<ListenerSecrets, 'tlsKey'> {
  readonly listenerId: string;
  readonly project: ProjectRef;
}

/** What the connections of all listeners of a project on this node may be together. */
export type ProjectLimits = Pick<
  ListenerLimits,
  'maxConnections' | 'maxConnectionsPerSource' | 'acceptRate'
>;

/** What is to listen from now on. */
export interface Wish {
  /** Rises with each wish of a listener. */
  readonly generation: number;
  readonly binding: Binding;
}

/** What is to listen no more. */
export interface ListenerEnd {
  readonly listenerId: string;
  /** As of a wish: what was observed of those before it says nothing any more. */
  readonly generation: number;
  /** How long connections may go on by themselves; then they are closed as `listener_deleted`. */
  readonly drainMs: number;
}

/** Where a listener is bound. */
export interface Bound {
  readonly laddr: Address;
  readonly sockets: readonly ListeningSocket[];
}

/** What became of a wish. One that `failed` is tried again; one that is `gone` has no socket and no connection left. */
export type Observed = { readonly listenerId: string; readonly generation: number } & (
  | ({ readonly state: 'bound' } & Bound)
  | { readonly state: 'failed'; readonly reason: ListenerReason }
  | { readonly state: 'gone' }
);

/** Makes what a TLS listener needs: checks a given pair in the project's turns, or makes a self-signed one. */
export interface Certificates {
  /** @throws invalid_argument for PEM that does not parse, or a key of another certificate */
  prepare(tls: NewTls, ip: string, by: ProjectRef): Promise<{ settings: TlsSettings; key: string }>;
}

export interface WorkerStatus {
  readonly pid: number;
  readonly listeners: number;
  readonly openConnections: number;
  /** How often a worker in this place was lost and replaced. */
  readonly restarts: number;
}

/**
 * Where a data plane tells what happened. Calls come in the order in which things happened. A worker has an id that no
 * other has, before or after it, on this host or another; its pid is only told.
 */
export interface DataPlaneEvents {
  /** Resolve it once all is committed: then the worker may send more. Awaited are records that a client waits for. */
  onRecords(workerId: string, records: readonly WorkerRecord[], isAwaited: boolean): Promise<void>;
  /** The worker is gone, all that it reported has been passed on; its connections are no more. */
  onWorkerLost(workerId: string): void;
  /** Told once for each wish, and when it changes; the same may be told again. */
  onObserved(observed: Observed): void;
}

/**
 * The echo sockets. It is told what is wished, and makes it so: over workers that are lost, and by binding again, with
 * back-off, what could not be bound.
 */
export interface DataPlane {
  /**
   * Binds, and holds back what arrives until it is wished. Nothing is observed of what is only held.
   * @throws port_in_use (owner foreign), invalid_argument (an address that is not ours), permission_denied,
   *   resource_exhausted, unavailable
   */
  open(binding: Binding): Promise<Bound>;
  /** Lets go of what is held and will not be wished. Resolves when its port is free. Idempotent. */
  release(listenerId: string): Promise<void>;
  /**
   * Binds it where it is not open, and serves it as the binding says; a wish of no higher generation than the last does
   * nothing. Resolves when whoever serves it has taken it over, and what is observed of it now has been told.
   */
  wish(wish: Wish): Promise<void>;
  /**
   * Stops listening at once, and is observed as `gone` when the port is free and all its records have been passed on. A
   * later end with a shorter drain ends it sooner.
   */
  endWish(end: ListenerEnd): void;
  /** From now on, for what arrives; null: no bound. What is open stays. */
  limitProject(project: ProjectRef, limits: ProjectLimits | null): void;
  /** Resolves when the worker has begun it; a connection or a worker that is gone is no error. */
  closeConnection(
    place: { readonly workerId: string; readonly connectionId: string },
    mode: 'fin' | 'rst',
  ): Promise<void>;
  status(): readonly WorkerStatus[];
}
