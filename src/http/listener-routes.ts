/** The routes of listeners. */
import { z } from 'zod';
import { listenerFilter, pageFields } from '../api/queries.ts';
import { idOrName } from '../api/values.ts';
import type { Edge, HttpApp } from './edge.ts';
import { listParts } from './json-text.ts';
import { labelParameter, toLabels } from './label-query.ts';
import { operationRoute } from './operation-route.ts';
import { listenerJson } from './resource-json.ts';
import { listenerResource } from './resources.ts';
import { answer, bodyMeta, nextPageToken, problemResponses } from './route-schemas.ts';

const tags = ['Listeners'];
const createProblems = problemResponses(
  'already_exists',
  'port_in_use',
  'port_reserved',
  'port_privileged',
  'failed_precondition',
  'idempotency_mismatch',
  'resource_exhausted',
);
const listenerParams = z.strictObject({
  listener: idOrName.describe('Its id, or its name while it is not closed.'),
});

const newListenerExamples = [
  { name: 'tour', labels: { env: 'ci' } },
  { port: 4000, limits: { idleTimeoutMs: 60_000 }, faults: [{ type: 'latency', delayMs: 100 }] },
  { name: 'secure', protocol: 'tls' },
];
const batchExamples = [
  { ports: { from: 4000, to: 4009 }, labels: { env: 'ci' } },
  { listeners: [{ name: 'first' }, { name: 'second', protocol: 'udp' }] },
];
const patchExamples = [
  { limits: { maxConnections: 100 } },
  { faults: [{ type: 'close', afterBytes: 10, mode: 'rst' }] },
  { ttlMs: 3_600_000 },
];

const closeExamples = [{ labels: { env: 'ci' } }, { ids: ['tour'] }];

export function listenerRoutes(app: HttpApp, edge: Edge): void {
  createRoutes(app, edge);
  readRoutes(app, edge);
  changeRoutes(app, edge);
}

function createRoutes(app: HttpApp, edge: Edge): void {
  const { createListener, createListeners } = edge.api.operations;
  const { specBytesMax, batchBytesMax } = edge.bounds;
  operationRoute(app, edge, {
    operation: createListener,
    method: 'POST',
    url: '/v1/listeners',
    docs: {
      summary: 'Open a listener',
      description:
        'Binds and serves: the answer comes after the bind, with the address that the kernel gave. ' +
        'Without a body it is a TCP echo on 127.0.0.1 at any free port. Labels, limits, faults, tls and ' +
        `proxyProtocol hold at most ${specBytesMax} bytes as JSON.`,
      tags,
      response: {
        201: answer('The listener; `Location` says where it is from now on.', listenerResource),
        ...createProblems,
      },
    },
    body: createListener.input.meta(bodyMeta('NewListener', newListenerExamples)),
    give: ({ body }) => ({ at: {}, input: body }),
    answer(listener, reply) {
      reply.code(201).header('location', `/v1/listeners/${listener.id}`);
      return listenerJson(listener);
    },
  });
  operationRoute(app, edge, {
    operation: createListeners,
    method: 'POST',
    url: '/v1/listeners::batch',
    docs: {
      summary: 'Open many listeners, all or nothing',
      description:
        'Either `listeners`, each with its own spec, or `ports` with one spec for every port of the range. ' +
        `All specs of a batch hold at most ${batchBytesMax} bytes.`,
      tags,
      response: {
        201: answer(
          'The listeners, in the order of the request.',
          z.object({ listeners: z.array(listenerResource).describe('All of them listen.') }),
        ),
        ...createProblems,
      },
    },
    body: createListeners.input.meta(bodyMeta('NewListeners', batchExamples)),
    give: ({ body }) => ({ at: {}, input: body }),
    answer(listeners, reply, pace) {
      reply.code(201);
      return listParts('listeners', pace.pieces(listeners), listenerJson);
    },
  });
}

function readRoutes(app: HttpApp, edge: Edge): void {
  const { getListener, listListeners } = edge.api.operations;
  const { state, protocol, port, name } = listenerFilter;
  operationRoute(app, edge, {
    operation: listListeners,
    method: 'GET',
    url: '/v1/listeners',
    docs: {
      summary: 'List listeners, newest first',
      description: 'Closed listeners are listed only with `state=closed`.',
      tags,
      response: {
        200: answer(
          'A page of listeners.',
          z.object({
            listeners: z.array(listenerResource).describe('Newest first.'),
            nextPageToken,
          }),
        ),
        ...problemResponses(),
      },
    },
    query: z.strictObject({
      state,
      protocol,
      port,
      name,
      label: labelParameter(edge.bounds.labelsMax, 'all of them must hold.'),
      ...pageFields(edge.bounds),
    }),
    give: ({ query: { label, ...rest } }) => ({
      at: {},
      input: { ...rest, labels: toLabels(label) },
    }),
    answer: ({ items, ...page }, _, pace) =>
      listParts('listeners', pace.pieces(items), listenerJson, page),
  });
  operationRoute(app, edge, {
    operation: getListener,
    method: 'GET',
    url: '/v1/listeners/:listener',
    docs: {
      summary: 'Get one listener',
      description: 'A closed one is found by its id only.',
      tags,
      response: {
        200: answer('The listener.', listenerResource),
        ...problemResponses('not_found'),
      },
    },
    params: listenerParams,
    give: ({ params }) => ({ at: { id: params.listener }, input: {} }),
    answer: listenerJson,
  });
}

function changeRoutes(app: HttpApp, edge: Edge): void {
  const { updateListener, deleteListener, closeListeners } = edge.api.operations;
  operationRoute(app, edge, {
    operation: updateListener,
    method: 'PATCH',
    url: '/v1/listeners/:listener',
    docs: {
      summary: 'Change a listener without touching its connections',
      description:
        'What is absent stays. `limits` are changed one by one; `labels` and `faults` are replaced whole. ' +
        'Address and protocol never change. What changes nothing leaves no event.',
      tags,
      consumes: ['application/json', 'application/merge-patch+json'],
      response: {
        200: answer('The listener as it is now.', listenerResource),
        ...problemResponses('not_found', 'already_exists', 'failed_precondition'),
      },
    },
    params: listenerParams,
    body: updateListener.input.meta(bodyMeta('ListenerPatch', patchExamples)),
    give: ({ params, body }) => ({ at: { id: params.listener }, input: body }),
    answer: listenerJson,
  });
  operationRoute(app, edge, {
    operation: deleteListener,
    method: 'DELETE',
    url: '/v1/listeners/:listener',
    docs: {
      summary: 'Close a listener',
      description:
        'Stops listening at once, closes its connections, and answers when the port is free. The listener ' +
        'and its history stay readable. Closing a closed one, by its id, is no error.',
      tags,
      response: {
        202: z
          .undefined()
          .describe('Its node is not connected: it is closed when that is back, or lost.'),
        204: z.undefined().describe('Closed; the port is free.'),
        ...problemResponses('not_found', 'failed_precondition'),
      },
    },
    params: listenerParams,
    query: deleteListener.input,
    give: ({ params, query }) => ({ at: { id: params.listener }, input: query }),
    answer(isClosed, reply) {
      reply.code(isClosed ? 204 : 202);
      return null;
    },
  });
  operationRoute(app, edge, {
    operation: closeListeners,
    method: 'POST',
    url: '/v1/listeners::close',
    docs: {
      summary: 'Close many listeners',
      description:
        'Either `ids`, of which each must be there, or `labels`: up to 1,000 at a time, each as by DELETE. One that ' +
        'can not be closed fails the call after the others are closed; asking again does no harm.',
      tags,
      response: {
        200: answer(
          'What has become of each.',
          z.object({
            closed: z.array(z.string()).describe('The ids of those whose ports are free.'),
            draining: z
              .array(z.string())
              .describe('Of those that are closed later: their nodes are not connected, or slow.'),
            nextPageToken,
          }),
        ),
        ...problemResponses('not_found', 'failed_precondition', 'idempotency_mismatch'),
      },
    },
    body: closeListeners.input.meta(bodyMeta('ListenersClose', closeExamples)),
    give: ({ body }) => ({ at: {}, input: body }),
    // What an earlier version kept under a key does not tell them.
    answer: ({ items, draining = [], ...page }, _, pace) =>
      listParts('closed', pace.pieces(items), (id) => JSON.stringify(id), { draining, ...page }),
  });
}
