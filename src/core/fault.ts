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
  /** Unique in its list. */
  readonly name: string;
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

/** One that may have no name yet. */
export type UnnamedFault = FaultEffect &
  Omit<FaultCommon, 'name'> & { readonly name?: string | undefined };

/**
 * Whoever has no name is named for its type, and by number where that is taken: `latency`, `latency-2`. The same list
 * is always named alike.
 */
export function nameFaults(faults: readonly UnnamedFault[]): readonly Fault[] {
  const taken = new Set(faults.map(({ name }) => name));
  return faults.map((fault) => {
    if (fault.name !== undefined) return { ...fault, name: fault.name };
    let name: string = fault.type;
    for (let number = 2; taken.has(name); number += 1) name = `${fault.type}-${number}`;
    taken.add(name);
    return { ...fault, name };
  });
}

/** What is wrong with some in a list that are right by themselves: where, and why. */
export function listFaultIssues(
  faults: readonly UnnamedFault[],
): readonly (readonly [index: number, field: 'name' | 'type', message: string])[] {
  const names = new Set<string>();
  const twice = faults.flatMap(({ name }, index) => {
    if (name === undefined || !names.has(name)) {
      if (name !== undefined) names.add(name);
      return [];
    }
    return [[index, 'name', 'is the name of another fault of the list'] as const];
  });
  const doubling = faults.flatMap((fault, index) => {
    const message = `only one ${fault.type} may be enabled: a datagram is answered twice at most`;
    const isDoubling = fault.enabled && definitionOf(fault).isDoubling === true;
    return isDoubling ? [[index, 'type', message] as const] : [];
  });
  return [...twice, ...doubling.slice(1)];
}

/** @throws invalid_argument for a list that is too long, or that does not go together */
export function assertFaultList(faults: readonly Fault[], faultsMax: number): void {
  if (faults.length > faultsMax) throw invalidField('faults', `holds at most ${faultsMax}`);
  for (const [index, field, message] of listFaultIssues(faults)) {
    throw invalidField(`faults[${index}].${field}`, message);
  }
}

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
