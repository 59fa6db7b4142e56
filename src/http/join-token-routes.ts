/** The routes of join tokens. */
import { z } from 'zod';
import type { Edge, HttpApp } from './edge.ts';
import { joinTokenResource, toldJoinTokenResource } from './fleet-resources.ts';
import { jsonOf } from './json-of.ts';
import { listParts } from './json-text.ts';
import { operationRoute } from './operation-route.ts';
import { answer, bodyMeta, nextPageToken, problemResponses } from './route-schemas.ts';

const tags = ['Nodes'];
const newExamples = [{}, { uses: 10, ttlMs: 86_400_000, labels: { site: 'dmz' } }];
const tokenJson = jsonOf(joinTokenResource);
const toldTokenJson = jsonOf(toldJoinTokenResource);

export function joinTokenRoutes(app: HttpApp, edge: Edge): void {
  changeRoutes(app, edge);
  readRoutes(app, edge);
}

function changeRoutes(app: HttpApp, edge: Edge): void {
  const { createJoinToken, deleteJoinToken } = edge.api.operations;
  operationRoute(app, edge, {
    operation: createJoinToken,
    method: 'POST',
    url: '/v1/join-tokens',
    docs: {
      summary: 'Make a join token',
      description:
        'With it nodes join the project: `KODAMA_JOIN_TOKEN=<secret> kodama agent --join <joinUrl>`. Its secret is in the ' +
        'answer, and told never again.',
      tags,
      response: {
        201: answer('The join token; `Location` says where it is.', toldJoinTokenResource),
        ...problemResponses('not_found', 'idempotency_mismatch', 'resource_exhausted'),
      },
    },
    body: createJoinToken.input.meta(bodyMeta('NewJoinToken', newExamples)),
    give: ({ body }) => ({ at: {}, input: body }),
    answer(token, reply) {
      reply.code(201).header('location', `/v1/join-tokens/${token.id}`);
      return toldTokenJson(token);
    },
  });
  operationRoute(app, edge, {
    operation: deleteJoinToken,
    method: 'DELETE',
    url: '/v1/join-tokens/:id',
    docs: {
      summary: 'Revoke a join token',
      description:
        'Nobody joins with it from now on; nodes that have stay. Revoking it again is no error.',
      tags,
      response: { 204: z.undefined().describe('Revoked.'), ...problemResponses('not_found') },
    },
    params: deleteJoinToken.at,
    give: ({ params }) => ({ at: params, input: {} }),
    answer(_, reply) {
      reply.code(204);
      return null;
    },
  });
}

function readRoutes(app: HttpApp, edge: Edge): void {
  const { getJoinToken, listJoinTokens } = edge.api.operations;
  operationRoute(app, edge, {
    operation: listJoinTokens,
    method: 'GET',
    url: '/v1/join-tokens',
    docs: {
      summary: 'List join tokens, newest first',
      description: 'Those that ended are there for 30 days more.',
      tags,
      response: {
        200: answer(
          'A page of join tokens.',
          z.object({
            joinTokens: z.array(joinTokenResource).describe('Newest first.'),
            nextPageToken,
          }),
        ),
        ...problemResponses('not_found'),
      },
    },
    query: listJoinTokens.input,
    give: ({ query }) => ({ at: {}, input: query }),
    answer: ({ items, ...page }, _, pace) =>
      listParts('joinTokens', pace.pieces(items), tokenJson, page),
  });
  operationRoute(app, edge, {
    operation: getJoinToken,
    method: 'GET',
    url: '/v1/join-tokens/:id',
    docs: {
      summary: 'Get one join token',
      description: 'Without its secret, which is nowhere.',
      tags,
      response: {
        200: answer('The join token.', joinTokenResource),
        ...problemResponses('not_found'),
      },
    },
    params: getJoinToken.at,
    give: ({ params }) => ({ at: params, input: {} }),
    answer: tokenJson,
  });
}
