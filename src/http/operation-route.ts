/** From an operation to its route: who calls, what of the request is its input, and what it answers. */
import type { FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import type { z } from 'zod';
import type { Pace } from '../api/long-pages.ts';
import type { Given, Operation } from '../api/operation.ts';
import { parse } from '../api/parse.ts';
import type { Edge, HttpApp } from './edge.ts';
import { callerOf } from './http-caller.ts';
import { readBody } from './json-bodies.ts';
import { type JsonParts, sendJson } from './json-text.ts';
import { readQuery } from './query.ts';
import { callHeaders, noQuery, onceHeaders } from './route-schemas.ts';

interface Parts<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
}

type Docs = Pick<FastifySchema, 'summary' | 'description' | 'tags' | 'consumes' | 'response'>;

interface OperationRoute<
  At extends z.ZodType,
  Input extends z.ZodType,
  Output,
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
> extends Partial<Parts<Params, Query, Body>> {
  readonly operation: Operation<At, Input, Output>;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly docs: Docs;
  /** Which part of the request is which of the operation's. */
  give(
    parts: Parts<z.output<Params>, z.output<Query>, z.output<Body>>,
  ): Given<z.output<At>, z.output<Input>>;
  /** The body of the answer, as JSON; null: none. What else it has goes by the reply. */
  answer(output: Output, reply: FastifyReply, pace: Pace): string | Promise<JsonParts> | null;
}

type Nothing = typeof noQuery;

export function operationRoute<
  At extends z.ZodType,
  Input extends z.ZodType,
  Output,
  Params extends z.ZodObject = Nothing,
  Query extends z.ZodObject = Nothing,
  Body extends z.ZodType = z.ZodUndefined,
>(
  app: HttpApp,
  { api, limits }: Edge,
  route: OperationRoute<At, Input, Output, Params, Query, Body>,
): void {
  const { operation, method, url, docs, params, query, body } = route;
  // Where a part is left out, its type is that of what stands in for it.
  const noParams = {} as z.output<Params>;
  const asked = (query ?? noQuery) as Query;
  const read = (request: FastifyRequest) =>
    route.give({
      params: params === undefined ? noParams : parse(params, request.params),
      body: readBody(request, { schema: body, query: asked, fixed: operation.fixed, limits }),
      query: readQuery(asked, request.query),
    });
  app.route({
    method,
    url,
    schema: {
      operationId: operation.name,
      ...docs,
      headers: operation.takesKey ? onceHeaders : callHeaders,
      ...(params !== undefined && { params }),
      querystring: asked,
      ...(body !== undefined && { body }),
    },
    async handler(request, reply) {
      using answered = await api.call(operation, {
        caller: callerOf(request, reply),
        read: () => read(request),
        key: idempotencyKey(request),
      });
      if (answered.isReplayed) reply.header('idempotent-replayed', 'true');
      const { output, pace } = answered;
      return sendJson(reply, await route.answer(output, reply, pace), pace);
    },
  });
}

function idempotencyKey({ headers }: FastifyRequest): string | undefined {
  const { 'idempotency-key': key } = headers;
  return Array.isArray(key) ? key.join() : key;
}
