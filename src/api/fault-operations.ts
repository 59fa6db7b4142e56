/** The operations of a listener's faults, one by one: what two callers do at once does not undo each other's. */
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { addFault, changeFault, hasFault, removeFault } from '../core/fault-changes.ts';
import { addedFault, changedFault, faultPatch } from './fault-input.ts';
import { foundOrMade } from './idempotency.ts';
import { operation } from './operation.ts';
import { idOrName, name } from './values.ts';

const listener = z.strictObject({ id: idOrName });
const one = z.strictObject({ id: idOrName, faultName: name });

/** What is wrong with the fault that was given is told as its fields, and not by its place among others. */
async function ofOne<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'invalid_argument') throw error;
    const { errors = [] } = error.details;
    const told = errors.map((one) => ({ ...one, path: withoutPlace(one.path) }));
    throw new AppError(error.code, withoutPlace(error.message), { ...error.details, errors: told });
  }
}

function withoutPlace(text: string): string {
  return text.replace(/^faults\[\d+\]\./, '');
}

export function faultOperations() {
  return {
    addFault: operation({
      name: 'addFault',
      scope: 'listeners:write',
      audited: true,
      takesKey: true,
      at: listener,
      input: addedFault,
      async run({ control }, caller, { at, input: { before = null, ...fault } }, run) {
        const find = async () => {
          const listener = await control.getListener(caller, at.id);
          return hasFault(listener.faults, fault) ? listener : null;
        };
        const make = () => control.updateFaults(caller, at.id, addFault(fault, before));
        return await foundOrMade(run, find, () => ofOne(make()));
      },
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
        return ofOne(control.updateFaults(caller, at.id, change));
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
      takesKey: true,
      at: listener,
      run: ({ control }, caller, { at }) => control.updateFaults(caller, at.id, () => []),
    }),
  };
}
