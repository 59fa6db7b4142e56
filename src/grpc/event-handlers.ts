/** EventService: the log, as pages and as a stream. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { EdgeCaller } from '../api/call.ts';
import { parse } from '../api/parse.ts';
import type { Edge } from './edge.ts';
import type { Input } from './message-decoder.ts';
import { operationCall } from './operation-call.ts';

export function eventHandlers(edge: Edge): UntypedServiceImplementation {
  const { api, calls, frames } = edge;
  const { listEvents, waitEvents, streamEvents } = api.operations;

  /** Frames, not messages: see framing.ts. */
  const writes = (request: Input, caller: EdgeCaller) =>
    frames.writes(api.stream(streamEvents, caller, () => parse(streamEvents.input, request)));

  return {
    ListEvents: operationCall(edge, listEvents, {
      answer: (events) => ({ events }),
    }),
    WaitEvents: operationCall(edge, waitEvents, {
      answer: ({ items, ...waited }) => ({ ...waited, events: items }),
    }),
    StreamEvents: calls.stream(writes),
  };
}
