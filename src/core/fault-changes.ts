/** Changes of a list of faults, one fault at a time and by its name. What they make may lack names, which are made then. */
import { canonicalJson } from './canonical-json.ts';
import { AppError } from './errors.ts';
import type { Fault, UnnamedFault } from './fault.ts';

/** What comes of the list. It may throw. */
export type FaultChange = (faults: readonly Fault[]) => readonly UnnamedFault[];

/** At the end, or before the one of that name. @throws already_exists, not_found */
export function addFault(fault: UnnamedFault, before: string | null): FaultChange {
  return (faults) => {
    assertFree(fault.name, faults);
    const place = before === null ? faults.length : placeOf(before, faults);
    return [...faults.slice(0, place), fault, ...faults.slice(place)];
  };
}

/** Whether the add of it may have been done: one that is its like in all that was given. */
export function hasFault(faults: readonly Fault[], fault: UnnamedFault): boolean {
  const wanted = canonicalJson(fault);
  const isLike = (one: Fault) => canonicalJson(withNameOf(one, fault)) === wanted;
  return faults.some(isLike);
}

/** Who was given no name has got one. */
function withNameOf(one: Fault, { name }: UnnamedFault): UnnamedFault {
  return name === undefined ? { ...one, name } : one;
}

/** @throws not_found, already_exists, and what the change throws */
export function changeFault(name: string, change: (fault: Fault) => UnnamedFault): FaultChange {
  return (faults) => {
    const place = placeOf(name, faults);
    return faults.flatMap((fault, index): UnnamedFault | readonly UnnamedFault[] => {
      if (index !== place) return fault;
      const changed = change(fault);
      assertFree(changed.name, faults.toSpliced(place, 1));
      return changed;
    });
  };
}

/** @throws not_found */
export function removeFault(name: string): FaultChange {
  return (faults) => faults.toSpliced(placeOf(name, faults), 1);
}

function placeOf(name: string, faults: readonly Fault[]): number {
  const place = faults.findIndex((fault) => fault.name === name);
  if (place === -1) throw new AppError('not_found', `no fault ${name}`);
  return place;
}

function assertFree(name: string | undefined, faults: readonly Fault[]): void {
  if (name === undefined || faults.every((fault) => fault.name !== name)) return;
  const errors = [{ path: 'name', message: 'is taken' }];
  throw new AppError('already_exists', `the listener has a fault ${name}`, { errors });
}
