/** The log, as pages and as a live stream: the Accept header says which. */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { EdgeCaller } from '../api/call.ts';
import {
  cursorLog,
  eventFilter,
  oneStart,
  pageFields,
  pageStart,
  streamOptions,
  streamStart,
} from '../api/queries.ts';
import { possibleWait, waitFields } from '../api/wait-input.ts';
import { invalidField } from '../core/errors.ts';
import type { Event } from '../core/event.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import type { Named } from '../core/listener-names.ts';
import { preferredType, varyBy } from './accept.ts';
import type { Edge, HttpApp } from './edge.ts';
import { eventFormats, sendStream } from './event-stream.ts';
import { callerOf } from './http-caller.ts';
import { readBody } from './json-bodies.ts';
import { listParts, sendJson } from './json-text.ts';
import { labelled, labelParameter, toLabels } from './label-query.ts';
import { operationRoute } from './operation-route.ts';
import { readQuery } from './query.ts';
import { eventJson, metJson } from './resource-json.ts';
import { eventResource } from './resources.ts';
import {
  answer,
  callHeaders,
  logId,
  nextPageToken,
  problemResponses,
  waited,
} from './route-schemas.ts';

/** The filter, each of its parameters repeatable: OR inside a parameter, AND between them. */
const filterQuery = (bounds: ListenerBounds) => ({
  listener: eventFilter.listeners.describe(
    'Events of these listeners, by id or name: who has it now, else the newest closed one. Repeatable.',
  ),
  label: labelParameter(bounds.labelsMax, labelled),
  listenerId: eventFilter.listenerIds.describe('Events of these listeners. Repeatable.'),
  connectionId: eventFilter.connectionIds.describe('Events of these connections. Repeatable.'),
  type: eventFilter.types.describe('Events of these types. Repeatable.'),
  protocol: eventFilter.protocols.describe('Events of these protocols. Repeatable.'),
  remoteCidr: eventFilter.remoteCidrs
    .describe(
      'Events of these remote addresses or networks; the declared address counts too. Repeatable.',
    )
    .meta({ examples: [['10.0.0.0/8']] }),
});

const querySchemas = (bounds: ListenerBounds) => ({
  page: z
    .strictObject({
      ...{ ...pageStart, log: cursorLog, ...filterQuery(bounds), ...pageFields(bounds) },
    })
    .superRefine(oneStart),
  stream: z
    .strictObject({
      ...{ ...streamStart, log: cursorLog, ...filterQuery(bounds), ...streamOptions },
    })
    .superRefine(oneStart),
});

/** A page first: it is what a caller gets who does not care. */
const offered = ['application/json', ...eventFormats.keys()] as const;

type FilterQuery = z.output<z.ZodObject<ReturnType<typeof filterQuery>>>;

/** The filter in the words of the operation. */
function toFilter(query: FilterQuery) {
  return {
    listeners: query.listener,
    labels: toLabels(query.label),
    listenerIds: query.listenerId,
    connectionIds: query.connectionId,
    types: query.type,
    protocols: query.protocol,
    remoteCidrs: query.remoteCidr,
  };
}

const headers = callHeaders.extend({
  'last-event-id': z
    .string()
    .optional()
    .describe('Streams: go on after the event of this id; it stands in place of any other start.'),
});

export function eventRoutes(app: HttpApp, edge: Edge): void {
  waitRoute(app, edge);
  const { api, bounds, limits, failures } = edge;
  const { listEvents, streamEvents } = api.operations;
  const { page: pageQuery, stream: streamQuery } = querySchemas(bounds);
  const anyQuery = z.object({ ...pageQuery.shape, ...streamQuery.shape });
  const noBody = { schema: undefined, query: anyQuery, fixed: [], limits } as const;

  function readPage(request: FastifyRequest) {
    const { query: raw } = request;
    readBody(request, noBody);
    refuseOther(
      raw,
      streamQuery.shape,
      pageQuery.shape,
      'streams: send Accept: text/event-stream or application/x-ndjson',
    );
    const query = readQuery(pageQuery, raw);
    return { at: {}, input: { ...query, ...toFilter(query) } };
  }

  async function sendPage(request: FastifyRequest, reply: FastifyReply, caller: EdgeCaller) {
    using answered = await api.call(listEvents, { caller, read: () => readPage(request) });
    const { output, pace } = answered;
    const json = (event: Named<Event>) => eventJson(event, event.listenerName);
    return sendJson(reply, await listParts('events', pace.pieces(output), json), pace);
  }

  function readStream(request: FastifyRequest) {
    const { query: raw } = request;
    readBody(request, noBody);
    refuseOther(raw, pageQuery.shape, streamQuery.shape, 'pages: ask for application/json');
    const query = readQuery(streamQuery, raw);
    const { since, last, ...rest } = { ...query, ...toFilter(query) };
    const cursor = lastEvent(request.headers);
    return cursor === null ? { ...rest, since, last } : { ...rest, ...cursor };
  }

  app.route({
    method: 'GET',
    url: '/v1/events',
    schema: {
      operationId: listEvents.name,
      summary: 'Read or follow the log of events',
      description,
      tags: ['Events'],
      headers,
      querystring: anyQuery,
      response: {
        200: {
          description: 'A page, or the stream that Accept asked for.',
          content: {
            'application/json': {
              schema: z.object({
                events: z.array(eventResource).describe('In seq order, or the reverse.'),
                nextPageToken,
                log: logId,
              }),
            },
            'text/event-stream': { schema: z.string() },
            'application/x-ndjson': { schema: z.string() },
          },
        },
        ...problemResponses('not_found', 'cursor_expired', 'resource_exhausted'),
      },
    },
    async handler(request, reply) {
      varyBy(reply, 'accept');
      const type = preferredType(request.headers.accept, offered);
      const format = request.method === 'GET' ? eventFormats.get(type) : undefined;
      const caller = callerOf(request, reply);
      if (format === undefined) return await sendPage(request, reply, caller);
      await sendStream({
        items: api.stream(streamEvents, caller, () => readStream(request)),
        signal: caller.signal,
        format,
        writeTimeoutMs: limits.streamWriteTimeoutMs,
        ...{ reply, failures },
      });
      return reply;
    },
  });
}

function waitRoute(app: HttpApp, edge: Edge): void {
  operationRoute(app, edge, {
    operation: edge.api.operations.waitEvents,
    method: 'GET',
    url: '/v1/events::wait',
    docs: {
      summary: 'Wait for events, of now and of before',
      description:
        'As `GET /v1/connections:wait`, for the events that match: refusals, half-closes, listeners that failed. ' +
        'A refusal that stands for many counts as one event.',
      tags: ['Events'],
      response: {
        200: answer('It is met.', waited('events', eventResource)),
        ...problemResponses('not_found', 'not_met', 'cursor_expired', 'resource_exhausted'),
      },
    },
    query: z
      .strictObject({ ...filterQuery(edge.bounds), ...waitFields(edge.bounds) })
      .superRefine(possibleWait),
    give: ({ query: { afterSeq, log, min, max, settleMs, timeoutMs, pageSize, ...filter } }) => ({
      at: {},
      input: {
        ...{ afterSeq, log, min, max, settleMs, timeoutMs, pageSize },
        ...toFilter(filter),
      },
    }),
    answer: (met) => metJson('events', met, (event) => eventJson(event, event.listenerName)),
  });
}

const description =
  'A page by default. With `Accept: text/event-stream` (server-sent events) or `application/x-ndjson` the ' +
  'same log as a live stream, from now unless a start is given; `afterSeq`, `since`, `last` and `fromNow` ' +
  'exclude each other. `order`, `pageSize` and `pageToken` are for pages; `since`, `fromNow`, `endAtHead`, ' +
  '`heartbeatMs`, `maxEvents` and `timeoutMs` for streams. Server-sent events have the seq and the log as their id, ' +
  'so `Last-Event-ID` resumes; their types are those of the log, `synced` once after the backlog, `ended` where ' +
  '`maxEvents` or `timeoutMs` end the stream, and `error` with a problem at another end; heartbeats are ' +
  'comments. NDJSON has one object a line: `{seq, event}`, `{seq, synced}`, `{seq, heartbeat}`, ' +
  '`{seq, ended}`, `{error}`; the first one has `log`, too.';

/** A parameter of the other kind of answer is none that is not known. @throws invalid_argument */
function refuseOther(raw: unknown, theirs: object, ours: object, what: string): void {
  const name = Object.keys(raw as object).find(
    (one) => Object.hasOwn(theirs, one) && !Object.hasOwn(ours, one),
  );
  if (name !== undefined) throw invalidField(name, `is for ${what}`);
}

/** A browser's EventSource reconnects with the same URL, so what it last saw comes before the URL's start. */
function lastEvent(headers: IncomingHttpHeaders) {
  const { 'last-event-id': id } = headers;
  if (id === undefined || id === '') return null;
  const [, seq, log] = /^(\d{1,16})(?::([\x21-\x7e]{1,128}))?$/.exec(String(id)) ?? [];
  if (seq === undefined) throw invalidField('Last-Event-ID', 'must be the id of an event');
  // A seq alone is of the log that the URL names, if any.
  return { afterSeq: Number(seq), ...(log !== undefined && { log }) };
}
