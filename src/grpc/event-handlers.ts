/** EventService over the control plane. */
import { parse } from '../contract/parse.ts';
import { listSchemas, type StreamInput, toEventFilter } from '../contract/queries.ts';
import { invalidField } from '../core/errors.ts';
import type { StreamStart } from '../core/follow.ts';
import { pageKey, pageToken } from '../core/page.ts';
import type { StreamWrite } from './calls.ts';
import type { Edge } from './edge.ts';
import { toEventMessage } from './event-messages.ts';
import type { EventServiceHandlers } from './generated/kodama/v1/EventService.ts';
import type { ListEventsRequest__Output as ListRequest } from './generated/kodama/v1/ListEventsRequest.ts';
import type { StreamEventsRequest__Output as StreamRequest } from './generated/kodama/v1/StreamEventsRequest.ts';
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
    const filter = toEventFilter(input);
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
      const { pageSize, afterSeq = 0 } = input;
      const filter = toEventFilter(input);
      const asked = { afterSeq, ...filter };
      const seq = tokenSeq(input.pageToken, asked) ?? afterSeq;
      const page = await control.listEvents(seq, pageSize, filter);
      const hasNext = page.throughSeq < page.headSeq;
      return {
        events: page.events.map(toEventMessage),
        nextPageToken: hasNext ? pageToken(String(page.throughSeq), asked) : '',
      };
    }) satisfies Handlers['ListEvents'],
    StreamEvents: calls.stream(streamEvents),
  };
}

/** The token of an event page is the same as that of REST. */
function tokenSeq(token: string | null, asked: object): number | null {
  const key = pageKey(token, asked);
  if (key === null) return null;
  if (!/^\d{1,16}$/.test(key)) throw invalidField('pageToken', 'is not a token of this API');
  return Number(key);
}

function startOf({ afterSeq, since, last }: StreamInput): StreamStart {
  if (afterSeq !== undefined) return { kind: 'after_seq', seq: afterSeq };
  if (since !== undefined) return { kind: 'since', time: since };
  if (last !== undefined) return { kind: 'last', count: last };
  return { kind: 'from_now' };
}
