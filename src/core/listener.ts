/**
 * A listener is an echo server bound to an address. Its address and protocol never change; name, labels,
 * limits, faults and expiry may.
 *
 *   pending → listening ⇄ failed          (a failed one is bound again, with back-off)
 *        any of them → draining → closed  (closed is the end; the row and its history stay)
 */
import type { Address } from './address.ts';
import type { Fault } from './fault.ts';
import type { ProjectRef } from './project.ts';
import type { Micros } from './time.ts';

export const protocols = ['tcp', 'udp', 'tls'] as const;
export type Protocol = (typeof protocols)[number];

export const listenerStates = ['pending', 'listening', 'failed', 'draining', 'closed'] as const;
export type ListenerState = (typeof listenerStates)[number];

export const listenerModes = ['echo', 'discard', 'info'] as const;
export type ListenerMode = (typeof listenerModes)[number];

/** What bounds each connection of a listener. Null or an empty list: no bound of this kind. */
export interface ListenerLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerSource: number | null;
  readonly acceptRate: { readonly perSecond: number; readonly burst: number } | null;
  readonly idleTimeoutMs: number | null;
  readonly maxDurationMs: number | null;
  readonly maxBytes: number | null;
  readonly writeTimeoutMs: number | null;
  readonly udpIdleTimeoutMs: number;
  readonly allowCidrs: readonly string[];
  readonly denyCidrs: readonly string[];
}

/** What the API shows of a TLS listener. The private key is a secret: see ListenerSecrets. */
export interface TlsSettings {
  /** PEM, leaf first. */
  readonly cert: string;
  readonly isSelfSigned: boolean;
  /** SHA-256 of the leaf's DER, as openssl prints it. */
  readonly fingerprint256: string;
  readonly clientAuth: 'none' | 'request' | 'require';
  readonly ca: string | null;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

export interface ProxyProtocolSettings {
  readonly mode: 'off' | 'optional' | 'required';
  /** Only peers in these networks may send the header; none named: every peer may. */
  readonly trustedCidrs: readonly string[];
}

/** What a worker must know to serve a listener, secrets aside. */
export interface ListenerSpec {
  readonly protocol: Protocol;
  readonly host: string;
  /** As asked for: 0 is a port of the kernel's choice. */
  readonly port: number;
  readonly mode: ListenerMode;
  readonly limits: ListenerLimits;
  readonly faults: readonly Fault[];
  readonly tls: TlsSettings | null;
  readonly proxyProtocol: ProxyProtocolSettings;
  /** durable: no byte is echoed before the opened event is committed. */
  readonly recording: 'batched' | 'durable';
}

/** Never in an event, an answer or a log line. */
export interface ListenerSecrets {
  /** PEM. */
  readonly tlsKey: string | null;
  /** Why they could not be read from the record: then it can not be bound. */
  readonly unreadable?: ListenerReason;
}

/** One listening socket, in one worker process. */
export interface ListeningSocket {
  readonly pid: number;
  readonly fd: number;
}

export interface ListenerReason {
  readonly code: string;
  readonly message: string;
}

export interface Listener extends ListenerSpec {
  /** UUIDv7. */
  readonly id: string;
  readonly project: ProjectRef;
  /** Of its row, as it was read: each append that changes it raises it by one. 0 of one that was not on record. */
  readonly revision: number;
  /** Rises with each change of labels, limits or faults: the spec of one generation is always the same. */
  readonly generation: number;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** What the kernel really bound; kept when the listener is bound again. */
  readonly laddr: Address | null;
  readonly state: ListenerState;
  readonly reason: ListenerReason | null;
  readonly sockets: readonly ListeningSocket[];
  readonly nodeId: string;
  /** It never changes. */
  readonly nodeName: string;
  /** As it was asked for; null: wherever. */
  readonly placement: ListenerPlacement | null;
  /** The newest generation of which its node has told that it is bound, or can not be; null: of none yet. */
  readonly observedGeneration: number | null;
  readonly openConnections: number;
  readonly totalConnections: number;
  readonly createdAt: Micros;
  readonly updatedAt: Micros;
  readonly closedAt: Micros | null;
  readonly expiresAt: Micros | null;
}

/** Where a listener is to be: on a node by its name or id, or on one that carries the labels. */
export interface ListenerPlacement {
  readonly node?: string | undefined;
  readonly selector?: Readonly<Record<string, string>> | undefined;
  /** It stays where it is, and is `failed` there until the node is back. */
  readonly onNodeLost: 'stay';
}

/** A listener to be made: what the caller gave, checked, with every default in its place but its node's. */
export interface NewListener extends Omit<ListenerSpec, 'tls' | 'host'> {
  /** Null: where its node listens. */
  readonly host: string | null;
  /** Null: wherever. */
  readonly placement: ListenerPlacement | null;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly tls: NewTls | null;
  readonly expiresAt: Micros | null;
}

/** cert and key are given together or not at all: then a self-signed certificate is made. */
export interface NewTls extends Pick<TlsSettings, 'clientAuth' | 'ca' | 'minVersion'> {
  readonly cert: string | null;
  readonly key: string | null;
}

/** What a change may set. An absent field stays as it is. */
export interface ListenerPatch {
  readonly name?: string | null;
  readonly labels?: Readonly<Record<string, string>>;
  readonly limits?: Partial<ListenerLimits>;
  readonly faults?: readonly Fault[];
  readonly expiresAt?: Micros | null;
}

export function isOver(listener: Listener): boolean {
  return listener.state === 'closed';
}

/** When one ends, at the latest, that is to end within so many milliseconds: whoever takes up its drain goes by it. */
export function drainEnd({ expiresAt }: Listener, now: Micros, drainMs: number): Micros {
  const end = now + drainMs * 1000;
  return expiresAt === null ? end : Math.min(expiresAt, end);
}

export function isExpired({ expiresAt }: Listener, now: Micros): boolean {
  return expiresAt !== null && expiresAt <= now;
}

/** The limits with those of the change in their place; an absent one stays. */
export function mergeLimits(
  limits: ListenerLimits,
  change: Partial<ListenerLimits>,
): ListenerLimits {
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  return { ...limits, ...Object.fromEntries(given) };
}
