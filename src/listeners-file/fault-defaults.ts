/** What a fault has where its file says nothing, so that what is and what is wanted can be held against each other. */
import { isDeepStrictEqual } from 'node:util';
import { parseTime } from '../core/time.ts';
import { allFaults } from '../faults/all-faults.ts';
import type { FaultDefinition } from '../faults/fault-definition.ts';
import { plainNetwork } from './plain-network.ts';

type Fault = Readonly<Record<string, unknown>>;

const common: Fault = { probability: 1, seed: null, match: {}, enabled: true, expiresAt: null };

/** Of its fields: one that may be left out, and has no other, is not there. A fault that is not known here has the common ones. */
function defaultsOf({ type }: Fault): Fault {
  const all: readonly FaultDefinition[] = allFaults;
  const own = Object.entries(all.find((each) => each.type === type)?.fields ?? {});
  const known = own.map(([name, field]) => [name, 'default' in field ? field.default : undefined]);
  return { ...common, ...Object.fromEntries(known) };
}

/** Whether a fault is as it is wanted. Its name, and what is not known here, is as it should be where that is not wanted. */
export function isAsWanted(fault: Fault, wanted: Fault): boolean {
  const defaults = defaultsOf(wanted);
  const full: Fault = { ...defaults, ...wanted };
  return Object.keys(full).every((name) => isSame(name, fault[name], full[name]));
}

/** A time or a network may be written in many ways. */
function isSame(name: string, value: unknown, wanted: unknown): boolean {
  if (name === 'expiresAt' && typeof value === 'string' && typeof wanted === 'string') {
    return parseTime(value) === parseTime(wanted);
  }
  if (name === 'match') return isDeepStrictEqual(plainNetwork(value), plainNetwork(wanted));
  return isDeepStrictEqual(value, wanted);
}

/** The fault without what it has by default; its type is the name that the first of it is given. */
export function withoutDefaults(fault: Fault): Fault {
  const defaults: Fault = { ...defaultsOf(fault), name: fault.type };
  const given = Object.entries(fault).filter(
    ([name, value]) => !(name in defaults && isDeepStrictEqual(value, defaults[name])),
  );
  return Object.fromEntries(given);
}
