/** EventService: the log, as pages and as a stream. */
import type { EventServiceHandlers } from '../../generated/grpc/kodama/v1/EventService.ts';
import type { ListEventsRequest__Output as ListRequest } from '../../generated/grpc/kodama/v1/ListEventsRequest.ts';
import type { StreamEventsRequest__Output as StreamRequest } from '../../generated/grpc/kodama/v1/StreamEventsRequest.ts';
import { parse } from '../contract/parse.ts';
import type { Caller } from '../core/caller.ts';
import type { StreamWrite } from './calls.ts';
import type { Edge } from './edge.ts';
import { toEventMessage } from './event-messages.ts';
import { operationCall } from './operation-call.ts';
import { listEventsInput, streamInput } from './requests.ts';

/** StreamEvents writes frames, not messages: see framing.ts. */
type Handlers = Omit<EventServiceHandlers, symbol | 'StreamEvents'>;

export function eventHandlers(edge: Edge) {
  const { api, calls, frames } = edge;
  const { listEvents, streamEvents } = api.operations;

  async function* writes(
    request: StreamRequest,
    caller: Caller,
  ): AsyncGenerator<StreamWrite<Buffer>, void, void> {
    const read = () => parse(streamEvents.input, streamInput(request));
    for await (const item of api.stream(streamEvents, caller, read)) yield* frames.writes(item);
  }

  return {
    ListEvents: operationCall(edge, listEvents, {
      plain: (request: ListRequest) => ({ input: listEventsInput(request) }),
      answer: ({ items, nextPageToken }) => ({
        events: items.map((event) => toEventMessage(event, event.listenerName)),
        nextPageToken: nextPageToken ?? '',
      }),
    }) satisfies Handlers['ListEvents'],
    StreamEvents: calls.stream(writes),
  };
}
