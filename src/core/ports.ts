/** What core needs of the world. Each method names the AppError codes that it throws. */
import type { Address } from './address.ts';
import type { CloseReason } from './connection.ts';
import type { Fault } from './fault.ts';
import type {
  ListenerLimits,
  ListenerReason,
  ListenerSecrets,
  ListenerSpec,
  ListeningSocket,
  NewTls,
  TlsSettings,
} from './listener.ts';
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
export interface Binding extends ListenerSpec, ListenerSecrets {
  readonly listenerId: string;
}

export interface Bound {
  readonly laddr: Address;
  readonly sockets: readonly ListeningSocket[];
}

/** Makes what a TLS listener needs: checks a given pair, or makes a self-signed one. */
export interface Certificates {
  /** @throws invalid_argument for PEM that does not parse, or a key of another certificate */
  prepare(tls: NewTls, host: string): Promise<{ settings: TlsSettings; key: string }>;
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
  /** Resolve it once all is committed: then the worker may send more. */
  onRecords(workerId: string, records: readonly WorkerRecord[]): Promise<void>;
  /** The worker is gone, all that it reported has been passed on; its connections are no more. */
  onWorkerLost(workerId: string): void;
  /** A listener's sockets changed: bound again by a new worker; or not, and then it is open here no more. */
  onRebound(listenerId: string, outcome: Bound | ListenerReason): void;
}

/** The echo sockets. */
export interface DataPlane {
  /**
   * Binds, and holds back what arrives until `serve`.
   * @throws port_in_use (owner foreign), invalid_argument (an address that is not ours), permission_denied,
   *   resource_exhausted, unavailable
   */
  open(binding: Binding): Promise<Bound>;
  serve(listenerId: string): Promise<void>;
  update(
    listenerId: string,
    change: { readonly limits: ListenerLimits; readonly faults: readonly Fault[] },
  ): Promise<void>;
  /**
   * Stops listening at once; gives connections `drainMs` to end by themselves, then closes them with the
   * reason. Resolves when the port is free and all its records have been passed on. Idempotent.
   */
  close(listenerId: string, options: { drainMs: number; reason: CloseReason }): Promise<void>;
  /** Resolves when the worker has begun it; a connection or a worker that is gone is no error. */
  closeConnection(
    place: { readonly workerId: string; readonly connectionId: string },
    mode: 'fin' | 'rst',
  ): Promise<void>;
  status(): readonly WorkerStatus[];
}
