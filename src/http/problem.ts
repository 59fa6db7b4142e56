/** What a caller is told of a failure: problem details (RFC 9457), from one table of codes. */
import { STATUS_CODES } from 'node:http';
import { AppError, type ErrorCode, type ErrorDetails } from '../core/errors.ts';
import { NotMet } from '../core/waits.ts';
import { seenView } from './resource-json.ts';

export const problemType = 'application/problem+json';

export interface Problem extends Omit<ErrorDetails, 'retryAfterMs'> {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly requestId: string;
  /** Of a stream that had begun: the last seq that was written to it. */
  readonly resumeAfterSeq?: number;
  /** Of a node that is not ready. */
  readonly problems?: readonly string[];
}

/** A failure as the wire shows it. */
export interface ProblemAnswer {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
}

export const statuses: Readonly<Record<ErrorCode, readonly [status: number, title: string]>> = {
  invalid_argument: [400, 'The request is not valid'],
  unauthenticated: [401, 'The caller is not known'],
  permission_denied: [403, 'The caller may not do this'],
  port_reserved: [403, 'The port is reserved'],
  port_privileged: [403, 'The port is privileged'],
  not_found: [404, 'There is no such thing'],
  already_exists: [409, 'The name is taken'],
  port_in_use: [409, 'The port is in use'],
  failed_precondition: [409, 'The state does not allow it'],
  not_met: [409, 'It is not what was waited for'],
  idempotency_mismatch: [422, 'The idempotency key was used with another request'],
  cursor_expired: [410, 'The events asked for are gone'],
  resource_exhausted: [429, 'A limit is reached'],
  unavailable: [503, 'Not available for now'],
  internal: [500, 'Something broke'],
};

const internalText = 'something broke on this side; the log has the cause under the request id';
const retryAfterMsDefault = 1000;

/** A failure that HTTP has a status of its own for: it stands in place of its code's. */
export class HttpError extends AppError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    error: { readonly code: ErrorCode; readonly message: string } & ErrorDetails,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const { code, message, ...details } = error;
    super(code, message, details);
    this.status = status;
    this.headers = headers;
  }
}

/** invalid_argument for a part of the request that is no field of it, such as a header; named like one. */
export function refusedPart(
  status: number,
  part: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): HttpError {
  const errors = [{ path: part, message }];
  const detail = part === '' ? message : `${part}: ${message}`;
  return new HttpError(status, { code: 'invalid_argument', message: detail, errors }, headers);
}

export function toProblemAnswer(error: unknown, requestId: string): ProblemAnswer {
  const known = asAppError(error);
  const [codeStatus, title] = statuses[known.code];
  const status = known instanceof HttpError ? known.status : codeStatus;
  const { retryAfterMs, ...details } = known.details;
  const problem: Problem = {
    type: `urn:kodama:error:${known.code}`,
    title,
    status,
    detail: known.message,
    code: known.code,
    requestId,
    ...details,
    ...(known instanceof NotMet && seenView(known.seen)),
  };
  const headers: Record<string, string> = known instanceof HttpError ? { ...known.headers } : {};
  if (known.code === 'unauthenticated') headers['www-authenticate'] = 'Bearer realm="kodama"';
  if (retryAfterMs !== undefined || status === 429 || status === 503) {
    const seconds = Math.ceil((retryAfterMs ?? retryAfterMsDefault) / 1000);
    headers['retry-after'] = String(Math.max(1, seconds));
  }
  return { problem, headers };
}

/** True for what is a bug, or a failure that nobody foresaw: its cause belongs into the log. */
export function isInternal(error: unknown): boolean {
  return asAppError(error).code === 'internal';
}

function asAppError(error: unknown): AppError {
  if (error instanceof AppError) {
    return error.code === 'internal' ? new AppError('internal', internalText) : error;
  }
  return frameworkError(error) ?? new AppError('internal', internalText, { cause: error });
}

/** What fastify and node refuse before a route sees it, by their error codes. */
function frameworkError(error: unknown): AppError | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new HttpError(413, {
        code: 'resource_exhausted',
        message: 'the body is larger than this server takes',
        limit: 'bodyBytesMax',
      });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return refusedPart(415, 'content-type', 'a body must be application/json');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return refusedPart(400, 'content-length', 'the body is of another length');
    case 'FST_ERR_BAD_URL':
      return refusedPart(400, 'path', 'holds an escape that is none');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return refusedPart(414, 'path', 'is too long');
    case 'FST_ERR_REQ_ABORTED':
    case 'ECONNRESET':
    case 'ECONNABORTED':
      return new AppError('unavailable', 'the client went away');
    default:
      return refusedByStatus(error);
  }
}

/** The rest of what fastify refuses: its status is good, its words are for its users, not for ours. */
function refusedByStatus(error: Error): AppError | null {
  const status = 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status !== 'number' || status < 400 || status > 499) return null;
  const message = (STATUS_CODES[status] ?? 'bad request').toLowerCase();
  if (status !== 404) return refusedPart(status, '', message);
  return new HttpError(status, { code: 'not_found', message });
}

/** What node's parser refuses; the answer is written by hand, since no request came of it. */
export function parserError(error: { readonly code?: string | undefined }): HttpError {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpError(408, {
        code: 'unavailable',
        message: 'the request did not arrive in time',
      });
    case 'HPE_HEADER_OVERFLOW':
      return new HttpError(431, {
        code: 'resource_exhausted',
        message: 'the headers are larger than this server takes',
        limit: 'headerBytesMax',
      });
    default:
      return refusedPart(400, '', 'this is not HTTP/1.1');
  }
}
