/** The routes of a listener's faults, one by one. */
import { z } from 'zod';
import { idOrName, name } from '../api/values.ts';
import type { Edge, HttpApp } from './edge.ts';
import { operationRoute } from './operation-route.ts';
import { listenerJson } from './resource-json.ts';
import { listenerResource } from './resources.ts';
import { answer, bodyMeta, problemResponses } from './route-schemas.ts';

const listener = idOrName.describe('Id or name of the listener.');
const ofListener = z.strictObject({ listener });
const ofFault = z.strictObject({ listener, fault: name.describe('The name of the fault.') });
const tags = ['Listeners'];
const at = { 200: answer('The listener as it is now.', listenerResource) };
const changed = { ...at, ...problemResponses('not_found', 'failed_precondition') };

export function faultRoutes(app: HttpApp, edge: Edge): void {
  const { addFault, updateFault, removeFault, resetFaults } = edge.api.operations;
  operationRoute(app, edge, {
    operation: addFault,
    method: 'POST',
    url: '/v1/listeners/:listener/faults',
    docs: {
      summary: 'Add a fault to a listener',
      description:
        'At the end of the list, or `before` another. Connections that live have it at once. Whoever else changes ' +
        'the faults at the same time is not undone.',
      tags,
      response: {
        ...at,
        ...problemResponses(
          'not_found',
          'already_exists',
          'failed_precondition',
          'idempotency_mismatch',
        ),
      },
    },
    params: ofListener,
    body: addFault.input.meta(bodyMeta('AddedFault', [{ type: 'latency', delayMs: 100 }])),
    give: ({ params, body }) => ({ at: { id: params.listener }, input: body }),
    answer: listenerJson,
  });
  operationRoute(app, edge, {
    operation: updateFault,
    method: 'PATCH',
    url: '/v1/listeners/:listener/faults/:fault',
    docs: {
      summary: 'Change one fault of a listener',
      description:
        'What is absent stays, what is null goes back to its default. Its type never changes.',
      tags,
      consumes: ['application/json', 'application/merge-patch+json'],
      response: {
        ...at,
        ...problemResponses('not_found', 'already_exists', 'failed_precondition'),
      },
    },
    params: ofFault,
    body: updateFault.input.meta(bodyMeta('FaultPatch', [{ enabled: false }])),
    give: ({ params, body }) => ({
      at: { id: params.listener, faultName: params.fault },
      input: body,
    }),
    answer: listenerJson,
  });
  operationRoute(app, edge, {
    operation: removeFault,
    method: 'DELETE',
    url: '/v1/listeners/:listener/faults/:fault',
    docs: {
      summary: 'Take one fault away from a listener',
      description: 'What it holds of living connections goes on its way.',
      tags,
      response: changed,
    },
    params: ofFault,
    give: ({ params }) => ({ at: { id: params.listener, faultName: params.fault }, input: {} }),
    answer: listenerJson,
  });
  operationRoute(app, edge, {
    operation: resetFaults,
    method: 'POST',
    url: '/v1/listeners/:listener/faults::reset',
    docs: {
      summary: 'Take all faults away from a listener',
      description: 'Whatever they are: it is a plain listener again.',
      tags,
      response: { ...changed, ...problemResponses('idempotency_mismatch') },
    },
    params: ofListener,
    give: ({ params }) => ({ at: { id: params.listener }, input: {} }),
    answer: listenerJson,
  });
}
