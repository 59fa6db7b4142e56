/** All that a caller can do, whichever edge it comes through. A new operation is said here, and bound by each edge. */
import { z } from 'zod';
import type { Caller } from '../core/caller.ts';
import { hasCode } from '../core/errors.ts';
import type { Listener, NewListener } from '../core/listener.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import { closeSchema, toCloseMany } from './close-input.ts';
import { faultOperations } from './fault-operations.ts';
import type { Run } from './idempotency.ts';
import { listenerSchemas, toBatch, toListenerPatch, toNewListener } from './listener-input.ts';
import { operation, streamOperation, type World } from './operation.ts';
import {
  listSchemas,
  toConnectionAsk,
  toEventAsk,
  toEventStart,
  toListenerQuery,
  toStreamStart,
} from './queries.ts';
import { idOrName, uuid, wholeNumber } from './values.ts';
import { toConnectionWait, toEventWait, waitSchemas } from './wait-input.ts';

export type Operations = ReturnType<typeof operations>;

const listener = z.strictObject({ id: idOrName });
const connection = z.strictObject({ id: uuid });

export function operations(
  bounds: ListenerBounds,
  { drainMsMax }: { readonly drainMsMax: number },
) {
  return {
    ...listenerOperations(bounds, drainMsMax),
    ...connectionOperations(bounds),
    ...eventOperations(bounds),
    getStatus: operation({
      name: 'getStatus',
      scope: null,
      run: async ({ control }, caller) => await control.getStatus(caller),
    }),
  };
}

function listenerOperations(bounds: ListenerBounds, drainMsMax: number) {
  const { newListener, batch, patch } = listenerSchemas(bounds);
  return {
    createListener: operation({
      name: 'createListener',
      scope: 'listeners:write',
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
      takesKey: true,
      input: batch,
      run: (world, caller, { input }, run) =>
        createOnce(world, caller, toBatch(input, bounds, world.clock.now()), run),
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
      at: listener,
      input: patch,
      run: ({ control, clock }, caller, { at, input }) =>
        control.updateListener(caller, at.id, toListenerPatch(input, clock.now())),
    }),
    ...faultOperations(),
    closeListeners: operation({
      name: 'closeListeners',
      scope: 'listeners:write',
      takesKey: true,
      input: closeSchema(bounds),
      run: ({ control }, caller, { input }) => control.closeListeners(caller, toCloseMany(input)),
    }),
    deleteListener: operation({
      name: 'deleteListener',
      scope: 'listeners:write',
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

function connectionOperations(bounds: ListenerBounds) {
  return {
    getConnection: operation({
      name: 'getConnection',
      scope: 'connections:read',
      at: connection,
      run: ({ control }, caller, { at }) => control.getConnection(caller, at.id),
    }),
    listConnections: operation({
      name: 'listConnections',
      scope: 'connections:read',
      input: listSchemas(bounds).connections,
      run: ({ control }, caller, { input }) =>
        control.listConnections(caller, toConnectionAsk(input), input),
    }),
    waitConnections: operation({
      name: 'waitConnections',
      scope: 'connections:read',
      input: waitSchemas(bounds).connections,
      run: ({ control }, caller, { input }) =>
        control.waitConnections(caller, toConnectionWait(input)),
    }),
    closeConnection: operation({
      name: 'closeConnection',
      scope: 'connections:write',
      takesKey: true,
      at: connection,
      input: z.strictObject({
        mode: z
          .enum(['fin', 'rst'])
          .default('fin')
          .describe('fin: in order, after what is under way; rst: at once.'),
      }),
      run: ({ control }, caller, { at, input }) =>
        control.closeConnection(caller, at.id, input.mode),
    }),
  };
}

function eventOperations(bounds: ListenerBounds) {
  const { events, stream } = listSchemas(bounds);
  return {
    listEvents: operation({
      name: 'listEvents',
      scope: 'events:read',
      input: events,
      run: ({ control }, caller, { input }) =>
        control.listEvents(caller, { ...toEventAsk(input), ...toEventStart(input) }, input),
    }),
    waitEvents: operation({
      name: 'waitEvents',
      scope: 'events:read',
      input: waitSchemas(bounds).events,
      run: ({ control }, caller, { input }) => control.waitEvents(caller, toEventWait(input)),
    }),
    streamEvents: streamOperation({
      name: 'streamEvents',
      scope: 'events:read',
      input: stream,
      run: ({ control }, caller, input) =>
        control.followEvents(caller, {
          start: toStreamStart(input),
          filter: toEventAsk(input),
          endAtHead: input.endAtHead,
          heartbeatMs: input.heartbeatMs,
          ...{ maxEvents: input.maxEvents, timeoutMs: input.timeoutMs },
        }),
    }),
  };
}

/** Creates them, unless a run that was lost did: then they are there, all of them. */
async function createOnce(
  { control }: World,
  caller: Caller,
  inputs: readonly NewListener[],
  run: Run | null,
): Promise<readonly Listener[]> {
  if (run === null) return await control.createListeners(caller, inputs);
  const ids = run.ids(inputs.length);
  const [first] = ids;
  if (run.isResumed && first !== undefined && (await isThere(control, caller, first))) {
    return await Promise.all(ids.map((id) => control.getListener(caller, id)));
  }
  return await control.createListeners(caller, inputs, ids);
}

async function isThere(control: World['control'], caller: Caller, id: string): Promise<boolean> {
  try {
    await control.getListener(caller, id);
    return true;
  } catch (error) {
    if (hasCode(error, 'not_found')) return false;
    throw error;
  }
}
