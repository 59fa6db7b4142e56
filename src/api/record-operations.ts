/** The operations of what is on record: connections and events. */
import { z } from 'zod';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import { operation, streamOperation } from './operation.ts';
import {
  listSchemas,
  toConnectionAsk,
  toEventAsk,
  toEventStart,
  toStreamStart,
} from './queries.ts';
import { uuid } from './values.ts';
import { toConnectionWait, toEventWait, waitSchemas } from './wait-input.ts';

const connection = z.strictObject({ id: uuid });

export function connectionOperations(bounds: ListenerBounds) {
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
      waits: true,
      input: waitSchemas(bounds).connections,
      run: ({ control }, caller, { input }) =>
        control.waitConnections(caller, toConnectionWait(input)),
    }),
    closeConnection: operation({
      name: 'closeConnection',
      scope: 'connections:write',
      audited: true,
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

export function eventOperations(bounds: ListenerBounds) {
  const { events, stream } = listSchemas(bounds);
  return {
    listEvents: operation({
      name: 'listEvents',
      scope: 'events:read',
      input: events,
      run: ({ control }, caller, { input }) =>
        control.listEvents(
          caller,
          { ...toEventAsk(input), ...toEventStart(input), log: input.log },
          input,
        ),
    }),
    waitEvents: operation({
      name: 'waitEvents',
      scope: 'events:read',
      waits: true,
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
          log: input.log,
          filter: toEventAsk(input),
          endAtHead: input.endAtHead,
          heartbeatMs: input.heartbeatMs,
          ...{ maxEvents: input.maxEvents, timeoutMs: input.timeoutMs },
        }),
    }),
  };
}
