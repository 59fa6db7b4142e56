/** How the node is: for people, for probes, and for Prometheus. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { assertAllowedTold } from '../api/allowed.ts';
import { AppError } from '../core/errors.ts';
import { metricsRead } from '../tenancy/metrics-readers.ts';
import type { Edge, HttpApp } from './edge.ts';
import { callerOf } from './http-caller.ts';
import { operationRoute } from './operation-route.ts';
import { problemType, toProblemAnswer } from './problem.ts';
import { statusJson } from './resource-json.ts';
import { statusResource } from './resources.ts';
import { answer, problemResponses } from './route-schemas.ts';

const tags = ['Status'];

export function statusRoutes(app: HttpApp, edge: Edge): void {
  const { readiness, metrics } = edge;
  operationRoute(app, edge, {
    operation: edge.api.operations.getStatus,
    method: 'GET',
    url: '/v1/status',
    docs: {
      summary: 'The state of the node',
      description: 'Its workers, its place in the log, and its store.',
      tags,
      response: { 200: answer('How the node is.', statusResource), ...problemResponses() },
    },
    give: () => ({ at: {}, input: {} }),
    answer: statusJson,
  });
  probeRoutes(app, readiness);
  if (metrics === null) return;
  app.route({
    method: 'GET',
    url: '/metrics',
    schema: {
      operationId: metricsRead.name,
      summary: 'Metrics in the Prometheus text format',
      description:
        'Connections, log, streams, workers and the process itself, of all projects together. It wants the scope ' +
        '`metrics:read`, unless KODAMA_METRICS_OPEN is set.',
      tags,
      response: {
        200: { description: 'The metrics.', content: { 'text/plain': { schema: z.string() } } },
        ...problemResponses(),
      },
    },
    async handler(request, reply) {
      if (request.identity !== null) {
        const caller = { ...callerOf(request, reply), operation: metricsRead.name };
        assertAllowedTold(edge.api.refusals, caller, metricsRead);
      }
      return reply.type(metrics.contentType).send(await metrics.text());
    },
  });
}

function probeResource<Word extends string>(word: Word) {
  return z.object({ status: z.literal(word).describe('Always this word.') });
}

const alive = { status: 'ok' } as const;

function probeRoutes(app: HttpApp, readiness: Edge['readiness']): void {
  async function ready(request: FastifyRequest, reply: FastifyReply) {
    const problems = await readiness.problems();
    if (problems.length === 0) return { status: 'ready' } as const;
    return sendNotReady(problems, request.id, reply);
  }

  app.route({
    method: 'GET',
    url: '/healthz',
    schema: {
      operationId: 'getHealth',
      summary: 'Whether the process is alive',
      description: 'For liveness probes; it needs no token.',
      tags,
      security: [],
      response: { 200: answer('It is alive.', probeResource('ok')), ...problemResponses() },
    },
    handler: async () => alive,
  });
  app.route({
    method: 'GET',
    url: '/readyz',
    schema: {
      operationId: 'getReadiness',
      summary: 'Whether the node can serve',
      description:
        'For readiness probes: workers are up, the store is reachable, and the log gets on. It needs no token.',
      tags,
      security: [],
      response: {
        200: answer('It is ready.', probeResource('ready')),
        ...problemResponses(),
      },
    },
    handler: ready,
  });
  // As HAProxy's `option httpchk` asks unless it is told a method.
  const hidden = { hide: true };
  app.route({ method: 'OPTIONS', url: '/healthz', schema: hidden, handler: async () => alive });
  app.route({ method: 'OPTIONS', url: '/readyz', schema: hidden, handler: ready });
}

function sendNotReady(
  problems: readonly string[],
  requestId: string,
  reply: FastifyReply,
): FastifyReply {
  const error = new AppError('unavailable', `not ready: ${problems.join(', ')}`);
  const { problem, headers } = toProblemAnswer(error, requestId);
  return reply
    .code(problem.status)
    .headers(headers)
    .type(problemType)
    .send({ ...problem, problems });
}
