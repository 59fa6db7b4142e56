/**
 * What the control plane and a worker say to each other: plain data, which any transport can carry as JSON. A batch of
 * records is acknowledged when it is committed; a reply never overtakes the records that came before it.
 */
import type { CloseReason } from '../core/connection.ts';
import type { Fault } from '../core/fault.ts';
import type { ListenerLimits } from '../core/listener.ts';
import type { Binding, ProjectLimits } from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import type { WorkerLease } from '../core/worker-lease.ts';
import type { RecordRow } from './record-rows.ts';

/** What a worker is told before all else. Every bound of a worker has its name here. */
export interface WorkerSettings {
  readonly nodeId: string;
  readonly connectionsMax: number;
  readonly recordBatchMax: number;
  /** Records that are not committed yet; beyond it new connections wait unread. */
  readonly recordsUnackedMax: number;
  readonly countersIntervalMs: number;
  /** How old the first counters of a connection are when they are told. */
  readonly firstCountersMs: number;
  /** How often it tells that its loop turns. */
  readonly heartbeatMs: number;
  /** How many workers there are: each has its part of what a listener shares. */
  readonly workers: number;
  /** Refusals of a project that are recorded one by one; what comes above is counted. */
  readonly refusalsPerSecondMax: number;
  /** Bytes of a connection, and of all together, that faults hold back at most, before it is read from no more. */
  readonly faultHeldBytesMax: number;
  readonly faultHeldBytesTotalMax: number;
  /** Of a turn of the loop, for the work of faults, and for a change or the end of many connections: the rest comes in the next. */
  readonly faultTurnMs: number;
  readonly roundTurnMs: number;
  /** TLS handshakes and PROXY headers under way; others wait unread. */
  readonly preamblesMax: number;
  /** So long one may wait for its client while others wait for its place. */
  readonly preamblePatienceMs: number;
  /** How long a TLS handshake or a PROXY header may take, and wait. */
  readonly preambleTimeoutMs: number;
  /** How long a client may say nothing before it is taken for one without a PROXY header, where that is optional. */
  readonly optionalHeaderWaitMs: number;
  /** Bytes of a client in its handshake, where it is asked for a certificate. */
  readonly tlsHandshakeBytesMax: number;
  /** Bytes of OpenSSL's own answers that a client does not take, and how often they are looked at. */
  readonly tlsAnswerBytesMax: number;
  readonly tlsAnswerLookMs: number;
  /** How often some are looked at that nothing tells of. */
  readonly resetLookMs: number;
  /** How long a client is read from after our FIN, so that what it still sends does not reset it. */
  readonly lingerMs: number;
  /** UDP sessions of all listeners; answers for each source a second, and its burst, in number and in bytes. */
  readonly udpSessionsMax: number;
  readonly udpDatagramsPerSecondMax: number;
  readonly udpDatagramsBurstMax: number;
  readonly udpBytesPerSecondMax: number;
  readonly udpBytesBurstMax: number;
  /** What comes again so soon, so often in a row, is taken for a loop. */
  readonly udpLoopWindowMs: number;
  readonly udpLoopReturnsMax: number;
  /** Datagrams in one turn of the event loop, of all wildcard sockets that are read past Node. */
  readonly udpWildcardTurnMax: number;
  /** Bytes of datagrams of a listener, and of all together, that wait, for its serve or a commit; more are dropped. */
  readonly udpHeldBytesMax: number;
  readonly udpHeldBytesTotalMax: number;
  /** Bytes of a socket's answers, and of all together, that the kernel has not taken: while there are more, none is added. */
  readonly udpSendQueueBytesMax: number;
  readonly udpSendQueueBytesTotalMax: number;
}

/**
 * Who else binds the port: nobody; other workers, later; or other workers, before. The first must find that no other
 * process has it, which the kernel does not tell where all share it.
 */
export type Share = 'alone' | 'first' | 'next';

export type Request =
  | { readonly kind: 'lease'; readonly lease: WorkerLease }
  | { readonly kind: 'open'; readonly binding: Binding; readonly share: Share }
  | { readonly kind: 'serve'; readonly listenerId: string }
  | {
      readonly kind: 'update';
      readonly listenerId: string;
      readonly limits: ListenerLimits;
      readonly faults: readonly Fault[];
    }
  | {
      readonly kind: 'close';
      readonly listenerId: string;
      readonly drainMs: number;
      readonly reason: CloseReason;
    }
  | {
      readonly kind: 'limit_project';
      readonly project: ProjectRef;
      readonly limits: ProjectLimits | null;
    }
  | {
      readonly kind: 'close_connection';
      readonly connectionId: string;
      readonly mode: 'fin' | 'rst';
    };

export type Command =
  | { readonly kind: 'start'; readonly settings: WorkerSettings }
  | { readonly kind: 'request'; readonly number: number; readonly request: Request }
  | { readonly kind: 'committed'; readonly batch: number };

/** A bound socket. */
export interface BoundSocket {
  readonly ip: string;
  readonly port: number;
  readonly fd: number;
  /** Sockets beside it, for single addresses of a wildcard. */
  readonly moreFds?: readonly number[];
}

export type Report =
  | { readonly kind: 'ready' }
  /** The loop turns. */
  | { readonly kind: 'alive' }
  /** For the log of those who run it. */
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'done'; readonly number: number; readonly bound: BoundSocket | null }
  /** `code` is the system's, such as EADDRINUSE. */
  | { readonly kind: 'failed'; readonly number: number; readonly code: string }
  | {
      readonly kind: 'records';
      readonly batch: number;
      readonly rows: readonly RecordRow[];
      /** A connection waits for its record before it may echo. */
      readonly isAwaited?: boolean;
    };

/** What carries messages, in order and none twice, as one of its two ends sees it. */
export interface Transport<Sent, Received> {
  /** Nobody receives what is sent after the end. */
  send(message: Sent): void;
  /** Set once, in the turn in which the transport was made. */
  onMessage(receive: (message: Received) => void): void;
  /** The same; told once, after all that was received. */
  onEnd(tellEnd: () => void): void;
}
