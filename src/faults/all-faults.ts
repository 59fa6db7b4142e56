/** All faults there are, in the order in which the API tells of them. */
import { acceptDelay } from './accept-delay.ts';
import { bandwidth } from './bandwidth.ts';
import { banner } from './banner.ts';
import { blackhole } from './blackhole.ts';
import { close } from './close.ts';
import { corrupt } from './corrupt.ts';
import { drop } from './drop.ts';
import { duplicate } from './duplicate.ts';
import type { FaultDefinition } from './fault-definition.ts';
import { latency } from './latency.ts';
import { limit } from './limit.ts';
import { refuse } from './refuse.ts';
import { slice } from './slice.ts';
import { slowClose } from './slow-close.ts';
import { speak } from './speak.ts';

export const allFaults = [
  latency,
  bandwidth,
  slice,
  limit,
  close,
  acceptDelay,
  refuse,
  blackhole,
  drop,
  duplicate,
  corrupt,
  slowClose,
  banner,
  speak,
] as const satisfies readonly FaultDefinition[];

const byType: ReadonlyMap<string, FaultDefinition> = new Map(
  allFaults.map((definition) => [definition.type, definition]),
);

export function definitionOf({ type }: { readonly type: string }): FaultDefinition {
  const definition = byType.get(type);
  if (definition === undefined) throw new TypeError(`no fault is of type ${type}`);
  return definition;
}
