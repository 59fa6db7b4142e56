/** The operations of a listener's faults, one by one: what two callers do at once does not undo each other's. */
import { z } from 'zod';
import { addFault, changeFault, removeFault } from '../core/fault-changes.ts';
import { addedFault, changedFault, faultPatch } from './fault-input.ts';
import { operation } from './operation.ts';
import { idOrName, name } from './values.ts';

const listener = z.strictObject({ id: idOrName });
const one = z.strictObject({ id: idOrName, faultName: name });

export function faultOperations() {
  return {
    addFault: operation({
      name: 'addFault',
      scope: 'listeners:write',
      audited: true,
      takesKey: true,
      at: listener,
      input: addedFault,
      run: ({ control }, caller, { at, input: { before = null, ...fault } }) =>
        control.updateFaults(caller, at.id, addFault(fault, before)),
    }),
    updateFault: operation({
      name: 'updateFault',
      scope: 'listeners:write',
      audited: true,
      at: one,
      input: faultPatch,
      fixed: ['before'],
      run: ({ control }, caller, { at, input }) => {
        const change = changeFault(at.faultName, (fault) => changedFault(fault, input));
        return control.updateFaults(caller, at.id, change);
      },
    }),
    removeFault: operation({
      name: 'removeFault',
      scope: 'listeners:write',
      audited: true,
      at: one,
      run: ({ control }, caller, { at }) =>
        control.updateFaults(caller, at.id, removeFault(at.faultName)),
    }),
    resetFaults: operation({
      name: 'resetFaults',
      scope: 'listeners:write',
      audited: true,
      at: listener,
      run: ({ control }, caller, { at }) => control.updateFaults(caller, at.id, () => []),
    }),
  };
}
