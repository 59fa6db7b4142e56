/** Lists of faults as a listener may have them, so tuned that a client is done with them within a moment. */
import fc from 'fast-check';
import { fault as schema } from '../../../src/api/fault-input.ts';
import { definitionOf } from '../../../src/faults/all-faults.ts';
import type { Json } from '../../hostile/hostile-values.ts';
import { valuesOf } from '../../hostile/schema-values.ts';

const faultsMax = 16;
const delayMsMax = 10;
const afterMsMax = 300;
const bytesPerSecondMin = 100_000;

export type FaultSpec = { readonly type: string } & Readonly<Record<string, Json>>;

function tuned(fault: FaultSpec): FaultSpec {
  const entries = Object.entries(fault).map(([key, value]): [string, Json] => {
    if (typeof value !== 'number') return [key, value];
    if (/delayMs|jitterMs/.test(key)) return [key, value % (delayMsMax + 1)];
    if (key === 'afterMs') return [key, value % afterMsMax];
    if (key === 'bytesPerSecond') return [key, Math.max(value, bytesPerSecondMin)];
    return [key, value];
  });
  const { match: _, expiresAt: __, ...rest } = Object.fromEntries(entries);
  return { ...rest, type: fault.type, seed: rest.seed ?? 1 };
}

/** By the schema of the API, so that a fault that is new there is here, too. */
export function faultLists(protocol: 'tcp' | 'udp'): fc.Arbitrary<readonly FaultSpec[]> {
  const kind = protocol === 'tcp' ? 'stream' : 'datagram';
  const one = valuesOf({ $ref: '#/components/schemas/FaultSpec' })
    .map((fault) => tuned(fault as FaultSpec))
    .filter((fault) => schema.safeParse(fault).success)
    .filter((fault) => definitionOf(fault).on.includes(kind));
  return fc.array(one, { maxLength: faultsMax });
}
