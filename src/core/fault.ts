/**
 * A fault is a behaviour that a listener adds to its echo on purpose. A listener's faults apply in the order
 * of its list. Durations are milliseconds, sizes bytes.
 */
import { invalidField } from './errors.ts';
import type { Micros } from './time.ts';

/** Which connections (UDP: sessions) a fault is for; all that is given must hold. Counts are per listener and fault. */
export interface FaultMatch {
  readonly cidr?: string;
  readonly everyNth?: number;
  readonly firstN?: number;
  readonly afterN?: number;
}

interface FaultCommon {
  /** Chance, 0 to 1, drawn once a connection; for UDP once a datagram. */
  readonly probability: number;
  /** The same seed gives the same run; null draws one. */
  readonly seed: number | null;
  readonly match: FaultMatch;
  readonly enabled: boolean;
  readonly expiresAt: Micros | null;
}

export type LatencyDistribution = 'uniform' | 'normal' | 'pareto';
export type CloseMode = 'fin' | 'rst' | 'half_close';

export type FaultEffect =
  | {
      readonly type: 'latency';
      readonly delayMs: number;
      readonly jitterMs: number;
      readonly distribution: LatencyDistribution;
    }
  | {
      readonly type: 'bandwidth';
      readonly bytesPerSecond: number;
      readonly scope: 'connection' | 'listener';
    }
  | {
      readonly type: 'slice';
      readonly averageBytes: number;
      readonly variationBytes: number;
      readonly delayMs: number;
    }
  | { readonly type: 'limit'; readonly bytes: number; readonly action: 'fin' | 'rst' | 'blackhole' }
  | {
      readonly type: 'close';
      /** Exactly one of the three is given. */
      readonly afterMs?: number;
      readonly afterBytes?: number;
      readonly afterMessages?: number;
      readonly mode: CloseMode;
    }
  | { readonly type: 'accept_delay'; readonly delayMs: number }
  | { readonly type: 'refuse' }
  | { readonly type: 'blackhole'; readonly how: 'drop' | 'stall' }
  | { readonly type: 'drop' }
  | { readonly type: 'duplicate' }
  | { readonly type: 'corrupt'; readonly bytes: number }
  | { readonly type: 'slow_close'; readonly delayMs: number }
  | {
      readonly type: 'banner';
      /** Exactly one of text and base64 is given. */
      readonly text?: string;
      readonly base64?: string;
      readonly delayMs: number;
    };

export type Fault = FaultEffect & FaultCommon;

const udpFaults: ReadonlySet<Fault['type']> = new Set([
  'latency',
  'bandwidth',
  'limit',
  'refuse',
  'blackhole',
  'drop',
  'duplicate',
  'corrupt',
]);
const udpOnlyFaults: ReadonlySet<Fault['type']> = new Set(['drop', 'duplicate']);

/** What is wrong with a fault on a protocol; null where nothing is. */
export function faultMismatch(type: Fault['type'], protocol: 'tcp' | 'udp' | 'tls'): string | null {
  if (protocol === 'udp') {
    return udpFaults.has(type) ? null : `${type} has no meaning for udp, which has no connections`;
  }
  return udpOnlyFaults.has(type) ? `${type} is for udp: a byte stream has no datagrams` : null;
}

/** @throws invalid_argument for one that has no meaning on the protocol */
export function assertFaultsSuit(faults: readonly Fault[], protocol: 'tcp' | 'udp' | 'tls'): void {
  for (const [index, { type }] of faults.entries()) {
    const mismatch = faultMismatch(type, protocol);
    if (mismatch !== null) throw invalidField(`faults[${index}].type`, mismatch);
  }
}
