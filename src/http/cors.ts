/**
 * Pages of other origins that may call (CORS: Fetch Standard, 3.3). Each is named; whoever is not is told nothing, and the
 * browser keeps the answer from it. A key goes in a header: kodama knows no cookie, so none is ever asked for.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { varyBy } from './accept.ts';

const preflightAnswer = {
  'access-control-allow-methods': 'GET, HEAD, POST, PATCH, DELETE',
  'access-control-allow-headers':
    'authorization, content-type, idempotency-key, kodama-project, last-event-id',
  // As long as Chromium and Firefox both take it: two hours.
  'access-control-max-age': '7200',
};

/** What a page may read of an answer beside what it always may. */
const exposed = 'allow, idempotent-replayed, location, retry-after, www-authenticate, x-request-id';

/** Before anything can refuse the request: a page is to read why. */
export function markForPages(
  origins: ReadonlySet<string>,
  { headers: { origin } }: FastifyRequest,
  reply: FastifyReply,
): void {
  if (origins.size === 0) return;
  varyBy(reply, 'origin');
  if (origin === undefined || !origins.has(origin)) return;
  reply.headers({
    'access-control-allow-origin': origin,
    'access-control-expose-headers': exposed,
  });
}

/** Whether a browser asks if a page may send what it is about to. The question itself brings no key. */
export function isPreflight(
  origins: ReadonlySet<string>,
  { method, headers }: FastifyRequest,
): boolean {
  const { origin, 'access-control-request-method': asked } = headers;
  return method === 'OPTIONS' && asked !== undefined && origins.has(origin ?? '');
}

export function answerPreflight(reply: FastifyReply): void {
  void reply.code(204).headers(preflightAnswer).send();
}
