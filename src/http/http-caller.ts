/** Who calls, from the request that was let in, and which one it was if it fails. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EdgeCaller } from '../api/call.ts';
import type { FailedRequest } from '../api/failure-log.ts';
import { callerGone } from '../core/while-there.ts';

export function callerOf(request: FastifyRequest, reply: FastifyReply): EdgeCaller {
  const { identity } = request;
  if (identity === null) throw new TypeError('a route of operations is open to nobody unknown');
  const gone = new AbortController();
  const { raw: response } = reply;
  const end = () => {
    if (!response.writableFinished) gone.abort(callerGone());
  };
  // It may have left while its key was looked up.
  if (response.closed) end();
  else response.once('close', end);
  return {
    ...identity,
    requestId: request.id,
    sourceIp: request.sourceIp,
    userAgent: request.headers['user-agent'] ?? null,
    signal: gone.signal,
  };
}

export function failedRequest(
  { id: requestId, method, routeOptions }: FastifyRequest,
  isLeft: boolean,
): FailedRequest {
  return { requestId, route: `${method} ${routeOptions.url ?? 'none'}`, isLeft };
}
