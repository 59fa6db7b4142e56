/** All that a caller can do, whichever edge it comes through. A new operation is said here, and bound by each edge. */
import type { ListenerBounds } from '../core/listener-bounds.ts';
import { auditOperations } from './audit-operations.ts';
import { joinTokenOperations, nodeOperations } from './fleet-operations.ts';
import { listenerOperations } from './listener-operations.ts';
import { operation } from './operation.ts';
import { connectionOperations, eventOperations } from './record-operations.ts';
import { keyOperations, projectOperations } from './tenancy-operations.ts';

export type Operations = ReturnType<typeof operations>;

export function operations(
  bounds: ListenerBounds,
  { drainMsMax }: { readonly drainMsMax: number },
) {
  const others = {
    ...listenerOperations(bounds, drainMsMax),
    ...connectionOperations(bounds),
    ...eventOperations(bounds),
    ...projectOperations(bounds),
    ...keyOperations(bounds),
    ...nodeOperations(bounds),
    ...joinTokenOperations(bounds),
    getStatus: operation({
      name: 'getStatus',
      scope: null,
      run: async ({ control }, caller) => await control.getStatus(caller),
    }),
  };
  const names = Object.values(others).map(({ name }) => name);
  return { ...others, ...auditOperations(bounds, names) };
}
