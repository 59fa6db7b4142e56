/** EventService over the control plane. */

import type { EventServiceHandlers } from '../../generated/grpc/kodama/v1/EventService.ts';
import type { ListEventsRequest__Output as ListRequest } from '../../generated/grpc/kodama/v1/ListEventsRequest.ts';
import type { StreamEventsRequest__Output as StreamRequest } from '../../generated/grpc/kodama/v1/StreamEventsRequest.ts';
import { parse } from '../contract/parse.ts';
import { listSchemas, type StreamInput, toEventAsk, toEventPlace } from '../contract/queries.ts';
import type { StreamStart } from '../core/follow.ts';
import type { StreamWrite } from './calls.ts';
import type { Edge } from './edge.ts';
import { toEventMessage } from './event-messages.ts';
import { listEventsInput, streamInput } from './requests.ts';

/** StreamEvents writes frames, not messages: see framing.ts. */
type Handlers = Omit<EventServiceHandlers, symbol | 'StreamEvents'>;

export function eventHandlers(edge: Edge) {
  const { control, calls, bounds, frames } = edge;
  const schemas = listSchemas(bounds);

  async function* streamEvents(
    request: StreamRequest,
    signal: AbortSignal,
  ): AsyncGenerator<StreamWrite<Buffer>, void, void> {
    const input = parse(schemas.stream, streamInput(request));
    const { endAtHead, heartbeatMs } = input;
    const filter = toEventAsk(input);
    const start = startOf(input);
    for await (const item of control.followEvents({
      start,
      filter,
      endAtHead,
      heartbeatMs,
      signal,
    })) {
      yield* frames.writes(item);
    }
  }

  return {
    ListEvents: calls.unary(async (request: ListRequest) => {
      const input = parse(schemas.events, listEventsInput(request));
      const asked = { ...toEventAsk(input), ...toEventPlace(input) };
      const page = await control.listEvents(asked, input);
      return {
        events: page.items.map((event) => toEventMessage(event, event.listenerName)),
        nextPageToken: page.nextPageToken ?? '',
      };
    }) satisfies Handlers['ListEvents'],
    StreamEvents: calls.stream(streamEvents),
  };
}

function startOf({ afterSeq, since, last }: StreamInput): StreamStart {
  if (afterSeq !== undefined) return { kind: 'after_seq', seq: afterSeq };
  if (since !== undefined) return { kind: 'since', time: since };
  if (last !== undefined) return { kind: 'last', count: last };
  return { kind: 'from_now' };
}
