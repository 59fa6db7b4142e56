/** Where a request may come from: the checks that come before any route. */
import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback } from '../core/address.ts';
import { AppError, invalidField } from '../core/errors.ts';

/**
 * Headers of one value that somebody acts on, kodama or what stands before it. Of two lines Node would take the first,
 * or join them: who checked the other one would have checked nothing (RFC 9110, 5.3; for Host RFC 9112, 3.2). Two
 * Content-Length are refused by Node itself, and Accept is a list.
 */
const singleHeaders: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'origin',
  'sec-fetch-site',
  'content-type',
  'idempotency-key',
  'last-event-id',
]);

/** Names and values in turns, as Node has them. @throws invalid_argument */
export function checkSingleHeaders(rawHeaders: readonly string[]): void {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? '';
    if (!singleHeaders.has(name)) continue;
    if (seen.has(name)) throw invalidField(name, 'is given more than once');
    seen.add(name);
  }
}

/**
 * A web page that had its own name point to 127.0.0.1 (DNS rebinding) still sends its own name as Host. Those of
 * loopback are allowed, and the given ones.
 * @throws permission_denied
 */
export function checkHost(host: string | undefined, allowed: ReadonlySet<string>): void {
  const name = host === undefined ? null : hostName(host);
  if (name !== null && (isLoopback(name) || allowed.has(name))) return;
  throw new AppError(
    'permission_denied',
    'host: this server answers to localhost, 127.0.0.1, [::1] and what KODAMA_ALLOWED_HOSTS names',
  );
}

/** The name or address of a Host header, brackets and port taken off; null where it is none. */
function hostName(host: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::\d{1,5})?$/i.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase() ?? null;
}

/**
 * A web page may send simple requests to any server, without asking. Browsers say so in these headers. Pages of the
 * given origins may.
 * @throws permission_denied
 */
export function checkOrigin(
  method: string,
  headers: IncomingHttpHeaders,
  allowed: ReadonlySet<string>,
): void {
  if (method === 'GET' || method === 'HEAD') return;
  const { origin, host } = headers;
  if (origin !== undefined && allowed.has(origin)) return;
  const isForeign =
    headers['sec-fetch-site'] === 'cross-site' ||
    (origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host));
  if (!isForeign) return;
  throw new AppError('permission_denied', 'origin: a web page of another site may not do this');
}
