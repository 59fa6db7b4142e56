/** The routes of connections. */
import { z } from 'zod';
import { connectionFilter, pageFields, toConnectionAsk } from '../contract/queries.ts';
import { uuid } from '../contract/values.ts';
import type { Edge, HttpApp } from './edge.ts';
import { labelled, labelParameter, toLabels } from './label-query.ts';
import { replyOnce } from './reply-once.ts';
import { connectionResource } from './resources.ts';
import {
  answer,
  bodyMeta,
  idempotencyHeaders,
  nextPageToken,
  noQuery,
  problemResponses,
} from './route-schemas.ts';
import { connectionView } from './views.ts';

const tags = ['Connections'];
const params = z.strictObject({ id: uuid.describe('The id of the connection.') });

export function connectionRoutes(app: HttpApp, edge: Edge): void {
  const { control, bounds } = edge;
  app.route({
    method: 'GET',
    url: '/v1/connections',
    schema: {
      operationId: 'listConnections',
      summary: 'List connections, live and past, newest first',
      description: 'All the filters that are given must hold.',
      tags,
      querystring: z.strictObject({
        ...connectionFilter,
        label: labelParameter(bounds.labelsMax, labelled),
        ...pageFields(bounds),
      }),
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
    async handler({ query }) {
      const { label, ...rest } = query;
      const asked = toConnectionAsk({ ...rest, labels: toLabels(label) });
      const page = await control.listConnections(asked, query);
      return {
        connections: page.items.map((one) => connectionView(one, one.listenerName)),
        nextPageToken: page.nextPageToken ?? undefined,
      };
    },
  });
  app.route({
    method: 'GET',
    url: '/v1/connections/:id',
    schema: {
      operationId: 'getConnection',
      summary: 'Get one connection',
      description: 'Counters of an open one are refreshed every few seconds.',
      tags,
      params,
      querystring: noQuery,
      response: {
        200: answer('The connection.', connectionResource),
        ...problemResponses('not_found'),
      },
    },
    async handler({ params: { id } }) {
      const connection = await control.getConnection(id);
      return connectionView(connection, connection.listenerName);
    },
  });
  closeRoute(app, edge);
}

function closeRoute(app: HttpApp, edge: Edge): void {
  app.route({
    method: 'POST',
    url: '/v1/connections/:id([^:]+)::close',
    schema: {
      operationId: 'closeConnection',
      summary: 'Close a connection',
      description: 'Answers with its final record; one that is closed already stays as it is.',
      tags,
      headers: idempotencyHeaders,
      querystring: noQuery,
      params,
      body: z
        .strictObject({
          mode: z
            .enum(['fin', 'rst'])
            .default('fin')
            .describe('fin: in order, after what is under way; rst: at once.'),
        })
        .meta(bodyMeta('ConnectionClose', [{ mode: 'fin' }, { mode: 'rst' }])),
      response: {
        200: answer('Its final record.', connectionResource),
        ...problemResponses('not_found', 'failed_precondition', 'idempotency_mismatch'),
      },
    },
    handler: (request, reply) =>
      replyOnce(edge, request, reply, async () => {
        const { params: at, body } = request;
        const closed = await edge.control.closeConnection(at.id, body.mode);
        return { status: 200, body: connectionView(closed, closed.listenerName) };
      }),
  });
}
