/** The schemas of what a caller asks: pages, filters, and where a stream starts. */
import { z } from 'zod';
import { closeReasons, connectionStates } from '../core/connection.ts';
import type { ListenerQuery } from '../core/directories.ts';
import { eventTypes } from '../core/event.ts';
import { type EventStart, eventOrders } from '../core/event-page.ts';
import { listenerStates, protocols } from '../core/listener.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import type { ConnectionAsk, EventAsk } from '../core/listener-choice.ts';
import type { StreamStart } from '../core/stream-start.ts';
import { list } from './list.ts';
import { idOrName, labels, name, port, soughtCidr, time, uuid, wholeNumber } from './values.ts';

const pageTokenMax = 512;
export const filterValuesMax = 100;

/** Above the largest page a size is cut down to it (AIP-158); below 1 it is an error. */
export function pageFields(bounds: ListenerBounds) {
  return {
    pageSize: wholeNumber(1, 2 ** 31 - 1)
      .transform((size) => Math.min(size, bounds.pageSize.max))
      .default(bounds.pageSize.default)
      .describe(
        `At most so many; ${bounds.pageSize.default} by default, and above ${bounds.pageSize.max} it is ${bounds.pageSize.max}. ` +
          'A page may hold fewer before the end, since its bytes are bounded too.',
      ),
    pageToken: z
      .string()
      .max(pageTokenMax)
      .nullable()
      .default(null)
      .describe('The nextPageToken of the page before, with the same filters.'),
  };
}

export const listenerFilter = {
  state: z
    .enum(listenerStates)
    .nullable()
    .default(null)
    .describe('Without it closed listeners are left out.'),
  protocol: z.enum(protocols).nullable().default(null).describe('Only of this protocol.'),
  port: port.nullable().default(null).describe('The port that is bound.'),
  name: name.nullable().default(null).describe('Of this name; of closed ones, at their end.'),
};

const network = soughtCidr.nullable().default(null);

export const connectionFilter = {
  listener: idOrName
    .nullable()
    .default(null)
    .describe('Id or name of the listener: who has the name now, else the newest closed one.'),
  state: z.enum(connectionStates).nullable().default(null).describe('Only in this state.'),
  protocol: z.enum(protocols).nullable().default(null).describe('Only of this protocol.'),
  raddr: network.describe('Remote address, or network that it lies in.'),
  declaredRaddr: network.describe('The same of the client that a PROXY header declared.'),
  lport: port.nullable().default(null).describe('Local port.'),
  closeReason: z.enum(closeReasons).nullable().default(null).describe('Only closed for this.'),
  acceptedAfter: time.nullable().default(null).describe('Accepted at this time or later.'),
  acceptedBefore: time.nullable().default(null).describe('Accepted before this time.'),
};

export const eventFilter = {
  listenerIds: list(uuid, filterValuesMax)
    .default([])
    .describe('Events of these listeners, and of their connections.'),
  listeners: list(idOrName, filterValuesMax)
    .default([])
    .describe('As listenerIds, by id or name: who has it now, else the newest closed one.'),
  connectionIds: list(uuid, filterValuesMax).default([]).describe('Events of these connections.'),
  types: list(z.enum(eventTypes), filterValuesMax).default([]).describe('Events of these types.'),
  protocols: list(z.enum(protocols), filterValuesMax)
    .default([])
    .describe('Events of these protocols.'),
  remoteCidrs: list(soughtCidr, filterValuesMax)
    .default([])
    .describe('Events of these remote addresses or networks; the declared address counts too.'),
};

const seq = wholeNumber(0, Number.MAX_SAFE_INTEGER);
const lastMax = 100_000;
const streamEventsMax = 1_000_000;
const streamTimeoutMsMax = 86_400_000;

/** Of which log a cursor is. What it looks like is nobody's to know. */
export const cursorLog = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, { error: 'must be the id of a log' })
  .nullable()
  .default(null)
  .describe(
    'The id of the log that the cursor is of, as answers and `/v1/status` have it: where that is another one by now, ' +
      'such as after a restore from a backup, `cursor_expired` with `why` `log_changed`.',
  );

/** Where a stream starts: at most one of the four; none is from now. */
export const streamStart = {
  afterSeq: seq.optional().describe('Exclusive; 0 is from the oldest event kept.'),
  since: time
    .optional()
    .describe('From the first event at or after this time; one that has not come yet is now.'),
  last: wholeNumber(0, lastMax).optional().describe('From the newest n that match.'),
  fromNow: z.literal(true).optional().describe('Only what comes; so it is without any start.'),
};

export const streamOptions = {
  endAtHead: z
    .boolean()
    .default(false)
    .describe('End once all that was committed at the start has been sent.'),
  heartbeatMs: wholeNumber(1000, 60_000)
    .default(15_000)
    .describe('Send a heartbeat when nothing else was sent for so long.'),
  maxEvents: wholeNumber(1, streamEventsMax)
    .optional()
    .describe('End after so many events, and say so: `ended`, why `max_events`.'),
  timeoutMs: wholeNumber(1, streamTimeoutMsMax)
    .optional()
    .describe('End after so long, and say so: `ended`, why `timeout`.'),
};

/** Where pages start: at most one of the first two, and neither in the order that starts at the newest. */
export const pageStart = {
  afterSeq: seq.optional().describe('Exclusive; 0 is from the oldest. Not with order desc.'),
  last: streamStart.last.describe('From the newest n that match. Not with order desc.'),
  order: z
    .enum(eventOrders)
    .default('asc')
    .describe('asc: by seq. desc: the newest first, from the newest on.'),
};

type Starts = Partial<Record<keyof typeof streamStart | keyof typeof pageStart, unknown>>;

/** Refines the input of a stream or a page: it has one start. */
export function oneStart<Input extends Starts>(
  input: Input,
  context: z.RefinementCtx<Input>,
): void {
  const starts = (['afterSeq', 'since', 'last', 'fromNow'] as const).filter(
    (field) => input[field] !== undefined,
  );
  const [first, second] = starts;
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message });
  if (second !== undefined) {
    const what = 'order' in input ? 'a page' : 'a stream';
    refuse(second, `${what} has one start, not both ${starts.join(' and ')}`);
  } else if (first !== undefined && input.order === 'desc') {
    refuse(first, 'order desc starts at the newest event');
  }
}

export function labelsCarried(bounds: ListenerBounds) {
  return labels(bounds.labelsMax)
    .default({})
    .describe('Of listeners that carry all of them, now or at their end.');
}

export function listSchemas(bounds: ListenerBounds) {
  const page = pageFields(bounds);
  const carried = labelsCarried(bounds);
  return {
    listeners: z.strictObject({
      ...listenerFilter,
      labels: labels(bounds.labelsMax).default({}).describe('All of them must hold.'),
      ...page,
    }),
    connections: z.strictObject({ ...connectionFilter, labels: carried, ...page }),
    events: z
      .strictObject({ ...pageStart, log: cursorLog, ...eventFilter, labels: carried, ...page })
      .superRefine(oneStart),
    stream: z
      .strictObject({
        ...{ ...streamStart, log: cursorLog, ...eventFilter, labels: carried, ...streamOptions },
      })
      .superRefine(oneStart),
  };
}

export type ListSchemas = ReturnType<typeof listSchemas>;
export type StreamInput = z.output<ListSchemas['stream']>;

export function toListenerQuery(input: z.output<ListSchemas['listeners']>): ListenerQuery {
  const { state, protocol, port: number, name: called, labels: wanted } = input;
  return { state, protocol, port: number, name: called, labels: wanted };
}

type ConnectionFilter = z.output<z.ZodObject<typeof connectionFilter>>;

export function toConnectionAsk(
  input: ConnectionFilter & Pick<ConnectionAsk, 'labels'>,
): ConnectionAsk {
  const { listener, state, protocol, raddr, declaredRaddr, lport, closeReason } = input;
  const { acceptedAfter, acceptedBefore, labels: wanted } = input;
  return {
    ...{ state, protocol, raddr, declaredRaddr, lport, closeReason, acceptedAfter, acceptedBefore },
    ...{ listeners: listener === null ? [] : [listener], labels: wanted },
  };
}

export function toEventAsk(input: EventAsk): EventAsk {
  const { listenerIds, connectionIds, types, protocols: names, remoteCidrs } = input;
  const filter = { listenerIds, connectionIds, types, protocols: names, remoteCidrs };
  return { ...filter, listeners: input.listeners, labels: input.labels };
}

export function toEventStart(input: Partial<EventStart> & Pick<EventStart, 'order'>): EventStart {
  const { order, afterSeq = null, last = null } = input;
  return { order, afterSeq, last };
}

export function toStreamStart({ afterSeq, since, last }: Partial<StreamInput>): StreamStart {
  if (afterSeq !== undefined) return { kind: 'after_seq', seq: afterSeq };
  if (since !== undefined) return { kind: 'since', time: since };
  if (last !== undefined) return { kind: 'last', count: last };
  return { kind: 'from_now' };
}
