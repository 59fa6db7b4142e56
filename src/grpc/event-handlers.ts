/** EventService: the log, as pages and as a stream. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { EdgeCaller } from '../api/call.ts';
import { parse } from '../api/parse.ts';
import type { StreamWrite } from './calls.ts';
import type { Edge } from './edge.ts';
import type { Input } from './message-decoder.ts';
import { operationCall } from './operation-call.ts';

export function eventHandlers(edge: Edge): UntypedServiceImplementation {
  const { api, calls, frames } = edge;
  const { listEvents, waitEvents, streamEvents } = api.operations;

  /** Frames, not messages: see framing.ts. */
  async function* writes(
    request: Input,
    caller: EdgeCaller,
  ): AsyncGenerator<StreamWrite<Buffer>, void, void> {
    const read = () => parse(streamEvents.input, request);
    for await (const item of api.stream(streamEvents, caller, read)) yield* frames.writes(item);
  }

  return {
    ListEvents: operationCall(edge, listEvents, {
      answer: ({ items, nextPageToken, log }) => ({
        ...{ events: items, nextPageToken: nextPageToken ?? '', log },
      }),
    }),
    WaitEvents: operationCall(edge, waitEvents, {
      answer: ({ items, ...waited }) => ({ ...waited, events: items }),
    }),
    StreamEvents: calls.stream(writes),
  };
}
