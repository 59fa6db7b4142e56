/** The routes of nodes. */
import { z } from 'zod';
import { nodeFilter } from '../api/fleet-operations.ts';
import { pageFields } from '../api/queries.ts';
import { nodeIdOrName } from '../api/values.ts';
import type { Edge, HttpApp } from './edge.ts';
import { nodeResource } from './fleet-resources.ts';
import { jsonOf } from './json-of.ts';
import { listParts } from './json-text.ts';
import { labelParameter, toLabels } from './label-query.ts';
import { operationRoute } from './operation-route.ts';
import { answer, bodyMeta, nextPageToken, problemResponses } from './route-schemas.ts';

const tags = ['Nodes'];
const nodeParams = z.strictObject({
  node: nodeIdOrName.describe('Its id, or its name while it is not removed.'),
});
const patchExamples = [{ cordoned: true }, { labels: { site: 'dmz' }, lostAfterMs: 600_000 }];
const nodeJson = jsonOf(nodeResource);

export function nodeRoutes(app: HttpApp, edge: Edge): void {
  readRoutes(app, edge);
  changeRoutes(app, edge);
}

function readRoutes(app: HttpApp, edge: Edge): void {
  const { getNode, listNodes } = edge.api.operations;
  operationRoute(app, edge, {
    operation: listNodes,
    method: 'GET',
    url: '/v1/nodes',
    docs: {
      summary: 'List nodes, in the order in which they joined',
      description:
        'Those of the project and the shared ones. Removed nodes are listed only with `state=removed`.',
      tags,
      response: {
        200: answer(
          'A page of nodes.',
          z.object({ nodes: z.array(nodeResource).describe('Oldest first.'), nextPageToken }),
        ),
        ...problemResponses('not_found'),
      },
    },
    query: z.strictObject({
      ...nodeFilter,
      label: labelParameter(edge.bounds.labelsMax, 'all of them must hold.'),
      ...pageFields(edge.bounds),
    }),
    give: ({ query: { label, ...rest } }) => ({
      at: {},
      input: { ...rest, labels: toLabels(label) },
    }),
    answer: ({ items, ...page }, _, pace) => listParts('nodes', pace.pieces(items), nodeJson, page),
  });
  operationRoute(app, edge, {
    operation: getNode,
    method: 'GET',
    url: '/v1/nodes/:node',
    docs: {
      summary: 'Get one node',
      description: 'Of a shared one the counts are of what the project has there.',
      tags,
      response: { 200: answer('The node.', nodeResource), ...problemResponses('not_found') },
    },
    params: nodeParams,
    give: ({ params }) => ({ at: { id: params.node }, input: {} }),
    answer: nodeJson,
  });
}

function changeRoutes(app: HttpApp, edge: Edge): void {
  const { updateNode, deleteNode } = edge.api.operations;
  operationRoute(app, edge, {
    operation: updateNode,
    method: 'PATCH',
    url: '/v1/nodes/:node',
    docs: {
      summary: 'Change a node',
      description: 'What is absent stays. Shared and built-in nodes are for operators to change.',
      tags,
      consumes: ['application/json', 'application/merge-patch+json'],
      response: {
        200: answer('The node as it is now.', nodeResource),
        ...problemResponses('not_found'),
      },
    },
    params: nodeParams,
    body: updateNode.input.meta(bodyMeta('NodePatch', patchExamples)),
    give: ({ params, body }) => ({ at: { id: params.node }, input: body }),
    answer: nodeJson,
  });
  operationRoute(app, edge, {
    operation: deleteNode,
    method: 'DELETE',
    url: '/v1/nodes/:node',
    docs: {
      summary: 'Remove a node',
      description:
        'Its key is void, its session ends, and what it has is closed. A built-in node is removed only when its process is ' +
        'gone. Removing one by its id again is no error.',
      tags,
      response: {
        204: z.undefined().describe('Removed.'),
        ...problemResponses('not_found', 'failed_precondition'),
      },
    },
    params: nodeParams,
    give: ({ params }) => ({ at: { id: params.node }, input: {} }),
    answer(_, reply) {
      reply.code(204);
      return null;
    },
  });
}
