/** All faults that there are. The build puts them in: what a fault does is made of Node, and its fields are not. */
import type { FaultKind } from './fault-draft.ts';

declare const builtFaultKinds: readonly FaultKind[];

export const faultKinds = builtFaultKinds;

export function kindOf(type: unknown): FaultKind | undefined {
  return faultKinds.find((kind) => kind.type === type);
}
