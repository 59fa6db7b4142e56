/** How the node is: for people, for probes, and for Prometheus. */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import type { Edge, HttpApp } from './edge.ts';
import { problemType, toRefusal } from './problem.ts';
import { statusResource } from './resources.ts';
import { noQuery, problemResponses } from './route-schemas.ts';
import { statusView } from './views.ts';

const tags = ['Status'];

export function statusRoutes(app: HttpApp, { control, metrics }: Edge): void {
  app.route({
    method: 'GET',
    url: '/v1/status',
    schema: {
      operationId: 'getStatus',
      summary: 'The state of the node',
      tags,
      querystring: noQuery,
      response: { 200: statusResource, ...problemResponses() },
    },
    handler: async () => statusView(control.status()),
  });
  probeRoutes(app, control);
  if (metrics === null) return;
  app.route({
    method: 'GET',
    url: '/metrics',
    schema: {
      operationId: 'getMetrics',
      summary: 'Metrics in the Prometheus text format',
      tags,
      response: {
        200: { description: 'The metrics.', content: { 'text/plain': { schema: z.string() } } },
        ...problemResponses(),
      },
    },
    handler: async (_, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  });
}

function probeRoutes(app: HttpApp, control: Edge['control']): void {
  app.route({
    method: 'GET',
    url: '/healthz',
    schema: {
      operationId: 'getHealth',
      summary: 'Whether the process is alive',
      tags,
      security: [],
      response: { 200: z.object({ status: z.literal('ok') }) },
    },
    handler: async () => ({ status: 'ok' }),
  });
  app.route({
    method: 'GET',
    url: '/readyz',
    schema: {
      operationId: 'getReadiness',
      summary: 'Whether the node can serve: store reachable, workers up',
      tags,
      security: [],
      response: { 200: z.object({ status: z.literal('ready') }), ...problemResponses() },
    },
    async handler(request, reply) {
      const problems = await control.problems();
      if (problems.length === 0) return { status: 'ready' };
      return sendNotReady(problems, request.id, reply);
    },
  });
}

function sendNotReady(
  problems: readonly string[],
  requestId: string,
  reply: FastifyReply,
): FastifyReply {
  const error = new AppError('unavailable', `not ready: ${problems.join(', ')}`);
  const { problem, headers } = toRefusal(error, requestId);
  return reply
    .code(problem.status)
    .headers(headers)
    .type(problemType)
    .send({ ...problem, problems });
}
