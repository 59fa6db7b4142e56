/** The routes of keys. */
import { z } from 'zod';
import { oneExpiry } from '../api/expiry.ts';
import { pageFields } from '../api/queries.ts';
import type { Edge, HttpApp } from './edge.ts';
import { jsonOf } from './json-of.ts';
import { listParts } from './json-text.ts';
import { operationRoute } from './operation-route.ts';
import { answer, bodyMeta, nextPageToken, problemResponses } from './route-schemas.ts';
import { keyResource, toldKeyResource } from './tenancy-resources.ts';

const tags = ['Keys'];
const newExamples = [
  { name: 'ci', scopes: ['read', 'write'] },
  { name: 'dashboard', scopes: ['read'], ttlMs: 2_592_000_000 },
];
const keyJson = jsonOf(keyResource);
const toldKeyJson = jsonOf(toldKeyResource);

export function keyRoutes(app: HttpApp, edge: Edge): void {
  createRoutes(app, edge);
  readRoutes(app, edge);
  changeRoutes(app, edge);
}

function createRoutes(app: HttpApp, edge: Edge): void {
  const { createKey, rotateKey } = edge.api.operations;
  const { ofNoProject: _, ...shape } = createKey.input.shape;
  const project = z
    .null({
      error: 'may only be null, for a key of no project: else a key is for the project of its call',
    })
    .optional()
    .describe('null: a key of no project, for operators.');
  operationRoute(app, edge, {
    operation: createKey,
    method: 'POST',
    url: '/v1/keys',
    docs: {
      summary: 'Make a key',
      description:
        'Its secret is in the answer, and told never again. A key gives at most what it has, in scopes and in time.',
      tags,
      response: {
        201: answer('The key; `Location` says where it is.', toldKeyResource),
        ...problemResponses(
          ...([
            'already_exists',
            'not_found',
            'idempotency_mismatch',
            'resource_exhausted',
          ] as const),
        ),
      },
    },
    body: z
      .strictObject({ ...shape, project })
      .superRefine(oneExpiry)
      .meta(bodyMeta('NewKey', newExamples)),
    give: ({ body: { project: of, ...input } }) => ({
      at: {},
      input: { ...input, ofNoProject: of === null },
    }),
    answer(key, reply) {
      reply.code(201).header('location', `/v1/keys/${key.id}`);
      return toldKeyJson(key);
    },
  });
  operationRoute(app, edge, {
    operation: rotateKey,
    method: 'POST',
    url: '/v1/keys/:id([^:]+)::rotate',
    docs: {
      summary: 'Give a key a second secret',
      description: 'The first one ends after the overlap; until then there is no third.',
      tags,
      response: {
        200: answer('The key, with its new secret.', toldKeyResource),
        ...problemResponses('not_found', 'failed_precondition', 'idempotency_mismatch'),
      },
    },
    params: rotateKey.at,
    body: rotateKey.input.meta(bodyMeta('KeyRotation', [{ overlapMs: 3_600_000 }])),
    give: ({ params, body }) => ({ at: params, input: body }),
    answer: toldKeyJson,
  });
}

function readRoutes(app: HttpApp, edge: Edge): void {
  const { getKey, listKeys } = edge.api.operations;
  const { operators } = listKeys.input.shape;
  operationRoute(app, edge, {
    operation: listKeys,
    method: 'GET',
    url: '/v1/keys',
    docs: {
      summary: 'List keys, newest first',
      description: 'Those that ended are there for 30 days more.',
      tags,
      response: {
        200: answer(
          'A page of keys.',
          z.object({ keys: z.array(keyResource).describe('Newest first.'), nextPageToken }),
        ),
        ...problemResponses('not_found'),
      },
    },
    query: z.strictObject({ operators, ...pageFields(edge.bounds) }),
    give: ({ query }) => ({ at: {}, input: query }),
    answer: ({ items, ...page }, _, pace) => listParts('keys', pace.pieces(items), keyJson, page),
  });
  operationRoute(app, edge, {
    operation: getKey,
    method: 'GET',
    url: '/v1/keys/:id',
    docs: {
      summary: 'Get one key',
      description: 'Without its secret, which is nowhere.',
      tags,
      response: { 200: answer('The key.', keyResource), ...problemResponses('not_found') },
    },
    params: getKey.at,
    give: ({ params }) => ({ at: params, input: {} }),
    answer: keyJson,
  });
}

function changeRoutes(app: HttpApp, edge: Edge): void {
  const { updateKey, revokeKey } = edge.api.operations;
  operationRoute(app, edge, {
    operation: updateKey,
    method: 'PATCH',
    url: '/v1/keys/:id',
    docs: {
      summary: 'Give a key another name',
      description: 'What it allows never changes: make another.',
      tags,
      consumes: ['application/json', 'application/merge-patch+json'],
      response: {
        200: answer('The key as it is now.', keyResource),
        ...problemResponses('not_found', 'already_exists'),
      },
    },
    params: updateKey.at,
    body: updateKey.input.meta(bodyMeta('KeyPatch', [{ name: 'ci-2' }])),
    give: ({ params, body }) => ({ at: params, input: body }),
    answer: keyJson,
  });
  operationRoute(app, edge, {
    operation: revokeKey,
    method: 'DELETE',
    url: '/v1/keys/:id',
    docs: {
      summary: 'Revoke a key',
      description:
        'It is refused from now on, on every node within 10 s, and its streams end. Revoking it again is no error.',
      tags,
      response: { 204: z.undefined().describe('Revoked.'), ...problemResponses('not_found') },
    },
    params: revokeKey.at,
    give: ({ params }) => ({ at: params, input: {} }),
    answer(_, reply) {
      reply.code(204);
      return null;
    },
  });
}
