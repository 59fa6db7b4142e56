/** What the console is built with: of each fault what a page can know of it. */
import type { FaultKind } from '../src/console/fault-draft.ts';
import { allFaults } from '../src/faults/all-faults.ts';
import type { FaultDefinition } from '../src/faults/fault-definition.ts';

export function faultKindsOf(): readonly FaultKind[] {
  const all: readonly FaultDefinition[] = allFaults;
  return all.map((fault) => {
    const { type, about, on, fields } = fault;
    const isForNewOnly = fault.isForNewOnly === true || 'atAccept' in fault;
    return { type, about, on, fields, isForNewOnly };
  });
}
