/** The routes of listeners. */
import { z } from 'zod';
import {
  listenerSchemas,
  toBatch,
  toListenerPatch,
  toNewListener,
} from '../contract/listener-input.ts';
import { listenerFilter, pageFields } from '../contract/queries.ts';
import { idOrName, wholeNumber } from '../contract/values.ts';
import { hasCode } from '../core/errors.ts';
import type { Listener, NewListener } from '../core/listener.ts';
import type { Control, Edge, HttpApp } from './edge.ts';
import type { Run } from './idempotency.ts';
import { labelParameter, toLabels } from './label-query.ts';
import { replyOnce } from './reply-once.ts';
import { listenerResource } from './resources.ts';
import {
  answer,
  bodyMeta,
  idempotencyHeaders,
  nextPageToken,
  noQuery,
  problemResponses,
} from './route-schemas.ts';
import { listenerView } from './views.ts';

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

export function listenerRoutes(app: HttpApp, edge: Edge): void {
  createRoutes(app, edge);
  readRoutes(app, edge);
  changeRoutes(app, edge);
}

function createRoutes(app: HttpApp, edge: Edge): void {
  const { control, bounds, clock } = edge;
  const schemas = listenerSchemas(bounds);
  app.route({
    method: 'POST',
    url: '/v1/listeners',
    schema: {
      operationId: 'createListener',
      summary: 'Open a listener',
      description:
        'Binds and serves: the answer comes after the bind, with the address that the kernel gave. ' +
        'Without a body it is a TCP echo on 127.0.0.1 at any free port. Labels, limits, faults, tls and ' +
        `proxyProtocol hold at most ${bounds.specBytesMax} bytes as JSON.`,
      tags,
      headers: idempotencyHeaders,
      querystring: noQuery,
      body: schemas.newListener.meta(bodyMeta('NewListener', newListenerExamples)),
      response: {
        201: answer('The listener; `Location` says where it is from now on.', listenerResource),
        ...createProblems,
      },
    },
    handler: (request, reply) =>
      replyOnce(edge, request, reply, async (run) => {
        const input = toNewListener(request.body, bounds, clock.now());
        const [listener] = await createOnce(control, [input], run);
        if (listener === undefined) throw new TypeError('one in, one out');
        return { status: 201, body: listenerView(listener) };
      }),
  });
  app.route({
    method: 'POST',
    url: '/v1/listeners::batch',
    schema: {
      operationId: 'createListeners',
      summary: 'Open many listeners, all or nothing',
      description:
        'Either `listeners`, each with its own spec, or `ports` with one spec for every port of the range. ' +
        `All specs of a batch hold at most ${bounds.batchBytesMax} bytes.`,
      tags,
      headers: idempotencyHeaders,
      querystring: noQuery,
      body: schemas.batch.meta(bodyMeta('NewListeners', batchExamples)),
      response: {
        201: answer(
          'The listeners, in the order of the request.',
          z.object({ listeners: z.array(listenerResource).describe('All of them listen.') }),
        ),
        ...createProblems,
      },
    },
    handler: (request, reply) =>
      replyOnce(edge, request, reply, async (run) => {
        const inputs = toBatch(request.body, bounds, clock.now());
        const listeners = await createOnce(control, inputs, run);
        return { status: 201, body: { listeners: listeners.map(listenerView) } };
      }),
  });
}

/** Creates them, unless a run that was lost did: then they are there, all of them. */
async function createOnce(
  control: Control,
  inputs: readonly NewListener[],
  run: Run | null,
): Promise<readonly Listener[]> {
  if (run === null) return await control.createListeners(inputs);
  const ids = run.ids(inputs.length);
  const [first] = ids;
  if (run.isResumed && first !== undefined && (await isThere(control, first))) {
    return await Promise.all(ids.map((id) => control.getListener(id)));
  }
  return await control.createListeners(inputs, ids);
}

async function isThere(control: Control, id: string): Promise<boolean> {
  try {
    await control.getListener(id);
    return true;
  } catch (error) {
    if (hasCode(error, 'not_found')) return false;
    throw error;
  }
}

function readRoutes(app: HttpApp, { control, bounds }: Edge): void {
  const { state, protocol, port, name } = listenerFilter;
  app.route({
    method: 'GET',
    url: '/v1/listeners',
    schema: {
      operationId: 'listListeners',
      summary: 'List listeners, newest first',
      description: 'Closed listeners are listed only with `state=closed`.',
      tags,
      querystring: z.strictObject({
        state,
        protocol,
        port,
        name,
        label: labelParameter(bounds.labelsMax, 'all of them must hold.'),
        ...pageFields(bounds),
      }),
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
    async handler({ query }) {
      const { label, pageSize, pageToken, ...rest } = query;
      const filter = { ...rest, labels: toLabels(label) };
      const page = await control.listListeners(filter, { pageSize, pageToken });
      return {
        listeners: page.items.map(listenerView),
        nextPageToken: page.nextPageToken ?? undefined,
      };
    },
  });
  app.route({
    method: 'GET',
    url: '/v1/listeners/:listener',
    schema: {
      operationId: 'getListener',
      summary: 'Get one listener',
      description: 'A closed one is found by its id only.',
      tags,
      params: listenerParams,
      querystring: noQuery,
      response: {
        200: answer('The listener.', listenerResource),
        ...problemResponses('not_found'),
      },
    },
    handler: async ({ params }) => listenerView(await control.getListener(params.listener)),
  });
}

function changeRoutes(app: HttpApp, { control, bounds, clock, limits }: Edge): void {
  app.route({
    method: 'PATCH',
    url: '/v1/listeners/:listener',
    schema: {
      operationId: 'updateListener',
      summary: 'Change a listener without touching its connections',
      description:
        'What is absent stays. `limits` are changed one by one; `labels` and `faults` are replaced whole. ' +
        'Address and protocol never change. What changes nothing leaves no event.',
      tags,
      consumes: ['application/json', 'application/merge-patch+json'],
      params: listenerParams,
      querystring: noQuery,
      body: listenerSchemas(bounds).patch.meta(bodyMeta('ListenerPatch', patchExamples)),
      response: {
        200: answer('The listener as it is now.', listenerResource),
        ...problemResponses('not_found', 'already_exists', 'failed_precondition'),
      },
    },
    async handler({ params, body }) {
      const patch = toListenerPatch(body, clock.now());
      return listenerView(await control.updateListener(params.listener, patch));
    },
  });
  app.route({
    method: 'DELETE',
    url: '/v1/listeners/:listener',
    schema: {
      operationId: 'deleteListener',
      summary: 'Close a listener',
      description:
        'Stops listening at once, closes its connections, and answers when the port is free. The listener ' +
        'and its history stay readable. Closing a closed one, by its id, is no error.',
      tags,
      params: listenerParams,
      querystring: z.strictObject({
        drainMs: wholeNumber(0, limits.drainMsMax)
          .default(0)
          .describe('Let connections end by themselves for so long before they are closed.'),
      }),
      response: {
        204: z.undefined().describe('Closed; the port is free.'),
        ...problemResponses('not_found', 'failed_precondition'),
      },
    },
    async handler({ params, query }, reply) {
      await control.deleteListener(params.listener, query.drainMs);
      return reply.code(204).send();
    },
  });
}
