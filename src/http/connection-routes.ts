/** The routes of connections. */
import { z } from 'zod';
import { connectionFilter, pageFields } from '../api/queries.ts';
import { uuid } from '../api/values.ts';
import { carriedBytes, possibleWait, waitFields } from '../api/wait-input.ts';
import type { Edge, HttpApp } from './edge.ts';
import { listParts } from './json-text.ts';
import { labelled, labelParameter, toLabels } from './label-query.ts';
import { operationRoute } from './operation-route.ts';
import { connectionJson, metJson } from './resource-json.ts';
import { connectionResource } from './resources.ts';
import { answer, bodyMeta, nextPageToken, problemResponses, waited } from './route-schemas.ts';

const tags = ['Connections'];
const params = z.strictObject({ id: uuid.describe('The id of the connection.') });

export function connectionRoutes(app: HttpApp, edge: Edge): void {
  listRoutes(app, edge);
  const { getConnection, closeConnection } = edge.api.operations;
  operationRoute(app, edge, {
    operation: getConnection,
    method: 'GET',
    url: '/v1/connections/:id',
    docs: {
      summary: 'Get one connection',
      description: 'Counters of an open one are refreshed every few seconds.',
      tags,
      response: {
        200: answer('The connection.', connectionResource),
        ...problemResponses('not_found'),
      },
    },
    params,
    give: ({ params: at }) => ({ at, input: {} }),
    answer: connectionJson,
  });
  operationRoute(app, edge, {
    operation: closeConnection,
    method: 'POST',
    url: '/v1/connections/:id([^:]+)::close',
    docs: {
      summary: 'Close a connection',
      description: 'Answers with its final record; one that is closed already stays as it is.',
      tags,
      response: {
        200: answer('Its final record.', connectionResource),
        ...problemResponses('not_found', 'failed_precondition', 'idempotency_mismatch'),
      },
    },
    params,
    body: closeConnection.input.meta(
      bodyMeta('ConnectionClose', [{ mode: 'fin' }, { mode: 'rst' }]),
    ),
    give: ({ params: at, body }) => ({ at, input: body }),
    answer: connectionJson,
  });
}

function listRoutes(app: HttpApp, edge: Edge): void {
  const { listConnections, waitConnections } = edge.api.operations;
  const label = labelParameter(edge.bounds.labelsMax, labelled);
  const filter = { ...connectionFilter, label };
  operationRoute(app, edge, {
    operation: listConnections,
    method: 'GET',
    url: '/v1/connections',
    docs: {
      summary: 'List connections, live and past, newest first',
      description: 'All the filters that are given must hold.',
      tags,
      response: {
        200: answer(
          'A page of connections.',
          z.object({
            connections: z.array(connectionResource).describe('Newest first.'),
            nextPageToken,
          }),
        ),
        ...problemResponses('not_found', 'resource_exhausted'),
      },
    },
    query: z.strictObject({ ...filter, ...pageFields(edge.bounds) }),
    give: ({ query: { label, ...rest } }) => ({
      at: {},
      input: { ...rest, labels: toLabels(label) },
    }),
    answer: (page, _, pace) => listParts('connections', pace.pieces(page), connectionJson),
  });
  operationRoute(app, edge, {
    operation: waitConnections,
    method: 'GET',
    url: '/v1/connections::wait',
    docs: {
      summary: 'Wait for connections, live and past',
      description:
        'Answers as soon as the connections that match are as many as is asked for, those of before the call ' +
        'too, and `not_met` when that has not come in time, or at once when it can not come any more. It changes ' +
        'nothing: ask again after a cut. A wait is one of the streams that may be open.',
      tags,
      response: {
        200: answer('It is met.', waited('connections', connectionResource)),
        ...problemResponses('not_found', 'not_met', 'cursor_expired', 'resource_exhausted'),
      },
    },
    query: z
      .strictObject({ ...filter, ...carriedBytes, ...waitFields(edge.bounds) })
      .superRefine(possibleWait),
    give: ({ query: { label, ...rest } }) => ({
      at: {},
      input: { ...rest, labels: toLabels(label) },
    }),
    answer: (met) => metJson('connections', met, connectionJson),
  });
}
