/** The operations of listeners. */
import { z } from 'zod';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import { closeSchema, toCloseMany } from './close-input.ts';
import { createOnce } from './create-once.ts';
import { faultOperations } from './fault-operations.ts';
import { listenerSchemas, toBatch, toListenerPatch, toNewListener } from './listener-input.ts';
import { operation } from './operation.ts';
import { listSchemas, toListenerQuery } from './queries.ts';
import { idOrName, wholeNumber } from './values.ts';

const listener = z.strictObject({ id: idOrName });

export function listenerOperations(bounds: ListenerBounds, drainMsMax: number) {
  const { newListener, batch, patch, fixed } = listenerSchemas(bounds);
  return {
    createListener: operation({
      name: 'createListener',
      scope: 'listeners:write',
      audited: true,
      takesKey: true,
      input: newListener,
      async run(world, caller, { input }, run) {
        const one = toNewListener(input, bounds, world.clock.now());
        const [made] = await createOnce(world, caller, [one], run);
        if (made === undefined) throw new TypeError('one in, one out');
        return made;
      },
    }),
    createListeners: operation({
      name: 'createListeners',
      scope: 'listeners:write',
      audited: true,
      takesKey: true,
      input: batch,
      run: (world, caller, { input }, run) =>
        createOnce(world, caller, toBatch(input, bounds, world.clock.now()), run, {
          // Those of a range differ in their ports, which the message says.
          from: 'listeners' in input ? 'listeners' : 'ports',
        }),
    }),
    getListener: operation({
      name: 'getListener',
      scope: 'listeners:read',
      at: listener,
      run: ({ control }, caller, { at }) => control.getListener(caller, at.id),
    }),
    listListeners: operation({
      name: 'listListeners',
      scope: 'listeners:read',
      input: listSchemas(bounds).listeners,
      run: ({ control }, caller, { input }) =>
        control.listListeners(caller, toListenerQuery(input), input),
    }),
    updateListener: operation({
      name: 'updateListener',
      scope: 'listeners:write',
      audited: true,
      at: listener,
      input: patch,
      fixed,
      run: ({ control, clock }, caller, { at, input }) =>
        control.updateListener(caller, at.id, toListenerPatch(input, bounds, clock.now())),
    }),
    ...faultOperations(),
    closeListeners: operation({
      name: 'closeListeners',
      scope: 'listeners:write',
      audited: true,
      takesKey: true,
      input: closeSchema(bounds),
      run: ({ control }, caller, { input }, run) =>
        control.closeListeners(caller, toCloseMany(input, run)),
    }),
    deleteListener: operation({
      name: 'deleteListener',
      scope: 'listeners:write',
      audited: true,
      at: listener,
      input: z.strictObject({
        drainMs: wholeNumber(0, drainMsMax)
          .default(0)
          .describe('Let connections end by themselves for so long before they are closed.'),
      }),
      run: ({ control }, caller, { at, input }) =>
        control.deleteListener(caller, at.id, input.drainMs),
    }),
  };
}
