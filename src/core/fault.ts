/**
 * A fault is a behaviour that a listener adds to its echo on purpose. A listener's faults apply in the order
 * of its list. Durations are milliseconds, sizes bytes.
 */
import { type allFaults, definitionOf } from '../faults/all-faults.ts';
import type { EffectOf, Fields } from '../faults/fields.ts';
import { invalidField } from './errors.ts';
import type { Micros } from './time.ts';

/** Which connections (UDP: sessions) a fault is for; all that is given must hold. Counts are per listener and fault. */
export interface FaultMatch {
  readonly cidr?: string;
  readonly everyNth?: number;
  readonly firstN?: number;
  readonly afterN?: number;
}

type FaultCommon = {
  /** Chance, 0 to 1, drawn once a connection; for UDP once a datagram. */
  readonly probability: number;
  /** The same seed gives the same run; null draws one. */
  readonly seed: number | null;
  readonly match: FaultMatch;
  readonly enabled: boolean;
  readonly expiresAt: Micros | null;
};

type EffectOfEach<Definition> = Definition extends {
  readonly type: infer Type extends string;
  readonly fields: infer Of extends Fields;
}
  ? EffectOf<Type, Of>
  : never;

/** What a fault does: its type, and a value for each of its fields. */
export type FaultEffect = EffectOfEach<(typeof allFaults)[number]>;

export type Fault = FaultEffect & FaultCommon;

type Protocol = 'tcp' | 'udp' | 'tls';

/** What is wrong with a fault on a protocol; null where nothing is. */
export function faultMismatch(fault: Pick<Fault, 'type'>, protocol: Protocol): string | null {
  const kind = protocol === 'udp' ? 'datagram' : 'stream';
  if (definitionOf(fault).on.includes(kind)) return null;
  return kind === 'datagram'
    ? `${fault.type} has no meaning for udp, which has no connections`
    : `${fault.type} is for udp: a byte stream has no datagrams`;
}

/** @throws invalid_argument for one that has no meaning on the protocol */
export function assertFaultsSuit(faults: readonly Fault[], protocol: Protocol): void {
  for (const [index, fault] of faults.entries()) {
    const mismatch = faultMismatch(fault, protocol);
    if (mismatch !== null) throw invalidField(`faults[${index}].type`, mismatch);
  }
}
