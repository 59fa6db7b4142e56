/** The route of the audit. */
import { z } from 'zod';
import type { Edge, HttpApp } from './edge.ts';
import { jsonOf } from './json-of.ts';
import { listParts } from './json-text.ts';
import { operationRoute } from './operation-route.ts';
import { answer, nextPageToken, problemResponses } from './route-schemas.ts';
import { auditEntryResource } from './tenancy-resources.ts';

const auditEntryJson = jsonOf(auditEntryResource);

export function auditRoutes(app: HttpApp, edge: Edge): void {
  const { listAuditEntries } = edge.api.operations;
  operationRoute(app, edge, {
    operation: listAuditEntries,
    method: 'GET',
    url: '/v1/audit',
    docs: {
      summary: 'List who changed what, newest first',
      description:
        'A key sees its project; an operator that which he names, or without one all, those that are gone too.',
      tags: ['Audit'],
      response: {
        200: answer(
          'A page of entries.',
          z.object({
            entries: z.array(auditEntryResource).describe('Newest first.'),
            nextPageToken,
          }),
        ),
        ...problemResponses('not_found'),
      },
    },
    query: listAuditEntries.input,
    give: ({ query }) => ({ at: {}, input: query }),
    answer: ({ items, ...page }, _, pace) =>
      listParts('entries', pace.pieces(items), auditEntryJson, page),
  });
}
