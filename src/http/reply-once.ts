/** A POST route that answers once for an idempotency key. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Edge } from './edge.ts';
import { answerOnce, type Run } from './idempotency.ts';
import { problemType, toRefusal } from './problem.ts';

/** Sends what `run` resolves with, or what it did under the same key before. */
export async function replyOnce(
  { idempotency: keys, clock, logger, limits }: Edge,
  request: Pick<FastifyRequest, 'id' | 'method' | 'routeOptions' | 'params' | 'headers' | 'body'>,
  reply: FastifyReply,
  run: (run: Run | null) => Promise<{ readonly status: number; readonly body: unknown }>,
): Promise<FastifyReply> {
  const { 'idempotency-key': key } = request.headers;
  const answer = await answerOnce(
    {
      keys,
      clock,
      logger,
      ttlMs: limits.idempotencyTtlMs,
      runTimeoutMs: limits.idempotencyRunTimeoutMs,
      keysMax: limits.idempotencyKeysMax,
      answerBytesMax: limits.idempotencyAnswerBytesMax,
    },
    {
      key: Array.isArray(key) ? key.join() : key,
      scope: `${request.method} ${plainPath(request)}`,
      body: request.body,
      refuse(error) {
        const { problem } = toRefusal(error, request.id);
        return { status: problem.status, body: JSON.stringify(problem) };
      },
      run,
    },
  );
  if (answer.isReplayed) reply.header('idempotent-replayed', 'true');
  const location = locationOf(answer);
  if (location !== null) reply.header('location', location);
  reply.type(answer.status < 400 ? 'application/json' : problemType);
  return reply.code(answer.status).send(`${answer.body}\n`);
}

/** However the path was spelt: as its route has it, with the parameters as they were read. */
function plainPath({ routeOptions, params }: Pick<FastifyRequest, 'routeOptions' | 'params'>) {
  const values = new Map(Object.entries(params as object));
  return (routeOptions.url ?? '').replace(/::|:(\w+)(?:\([^)]*\))?/g, (part, name: string) =>
    part === '::' ? ':' : String(values.get(name)),
  );
}

/** Where one new listener is to be found. */
function locationOf({ status, body }: { status: number; body: string }): string | null {
  if (status !== 201) return null;
  const { id }: { id?: unknown } = JSON.parse(body);
  return typeof id === 'string' ? `/v1/listeners/${id}` : null;
}
