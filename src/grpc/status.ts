/**
 * What a caller is told of a failure: a status of gRPC from one table of codes, with the details of google.rpc
 * (google/rpc/error_details.proto) in grpc-status-details-bin, and the same as plain trailers for people with a
 * terminal.
 */
import { join } from 'node:path';
import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { ReplayedError } from '../api/idempotency.ts';
import { AppError, type ErrorCode, type ErrorDetails } from '../core/errors.ts';
import { NotMet } from '../core/waits.ts';

export const statuses: Readonly<Record<ErrorCode, status>> = {
  invalid_argument: status.INVALID_ARGUMENT,
  unauthenticated: status.UNAUTHENTICATED,
  permission_denied: status.PERMISSION_DENIED,
  port_reserved: status.PERMISSION_DENIED,
  port_privileged: status.PERMISSION_DENIED,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  port_in_use: status.ALREADY_EXISTS,
  failed_precondition: status.FAILED_PRECONDITION,
  not_met: status.FAILED_PRECONDITION,
  idempotency_mismatch: status.FAILED_PRECONDITION,
  cursor_expired: status.OUT_OF_RANGE,
  resource_exhausted: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  internal: status.INTERNAL,
};

const internalText = 'something broke on this side; the log has the cause under the request id';
const domain = 'kodama';
/** Callers' own words come back in errors; trailers must stay small. */
const textMax = 512;

/** What this edge adds to the details of an error. */
interface Facts extends ErrorDetails {
  /** Of a stream: the last seq that was written to it. */
  readonly resumeAfterSeq?: number | undefined;
  /** A failure that gRPC has a status of its own for: it stands in place of its code's. */
  readonly status?: status;
}

export function toStatus(
  error: unknown,
  requestId: string,
  added: Pick<Facts, 'resumeAfterSeq' | 'status'> = {},
): StatusObject {
  const known = error instanceof AppError && error.code !== 'internal' ? error : null;
  const code = known?.code ?? 'internal';
  const message = shorten(known?.message ?? internalText);
  const details = { ...known?.details, ...added };
  const metadata = new Metadata();
  metadata.set('kodama-code', code);
  metadata.set('kodama-request-id', requestId);
  if (error instanceof ReplayedError) metadata.set('idempotent-replayed', 'true');
  for (const [name, value] of facts(details)) metadata.set(`kodama-${name}`, value);
  const { status: grpcCode = statuses[code] } = added;
  const seen = known instanceof NotMet ? [nearOf(known)] : [];
  const rich = {
    code: grpcCode,
    message,
    details: [...richDetails(code, details, requestId), ...seen],
  };
  metadata.set('grpc-status-details-bin', Buffer.from(rpc.Status.encode(rich).finish()));
  return { code: grpcCode, details: message, metadata };
}

/** True for what is a bug, or a failure that nobody foresaw: its cause belongs into the log. */
export function isInternal(error: unknown): boolean {
  return !(error instanceof AppError) || error.code === 'internal';
}

function facts(details: Facts): (readonly [string, string])[] {
  const { oldestSeq, headSeq, resumeAfterSeq, limitValue, retryAfterMs } = details;
  const { owner, scope, why, count, min, max, seq, log, limit } = details;
  const all = {
    ...{ owner, scope, why, count, min, max, seq, log },
    'oldest-seq': oldestSeq,
    'head-seq': headSeq,
    'resume-after-seq': resumeAfterSeq,
    limit,
    'limit-value': limitValue,
    'retry-after-ms': retryAfterMs,
  };
  return Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as const],
  );
}

function richDetails(code: ErrorCode, details: Facts, requestId: string) {
  const metadata = Object.fromEntries(
    facts(details).map(([name, value]) => [name.replaceAll('-', '_'), value]),
  );
  const { errors = [], retryAfterMs } = details;
  const fieldViolations = errors.map(({ path, message }) => ({
    field: shorten(path),
    description: shorten(message),
  }));
  const all = [
    any('ErrorInfo', {
      reason: code.toUpperCase(),
      domain,
      metadata,
    }),
    any('RequestInfo', { requestId }),
  ];
  if (errors.length > 0) all.push(any('BadRequest', { fieldViolations }));
  if (retryAfterMs !== undefined) {
    const seconds = Math.floor(retryAfterMs / 1000);
    const nanos = Math.round((retryAfterMs % 1000) * 1_000_000);
    all.push(any('RetryInfo', { retryDelay: { seconds, nanos } }));
  }
  return all;
}

/** What differs, in each that might have been meant. */
function nearOf({ seen }: NotMet): object {
  const violations = seen.near.map(({ item, differs }) => ({
    type: 'NOT_MET',
    subject: 'seq' in item ? `events/${item.seq}` : `connections/${item.id}`,
    description: shorten(differs.join('; ')),
  }));
  return any('PreconditionFailure', { violations });
}

function shorten(text: string): string {
  return (text.length > textMax ? `${text.slice(0, textMax)}…` : text).toWellFormed();
}

function any(name: keyof typeof rpc, message: object): object {
  return {
    type_url: `type.googleapis.com/google.rpc.${name}`,
    value: rpc[name].encode(message).finish(),
  };
}

const rpcRoot = new protobuf.Root();
rpcRoot.resolvePath = (_origin, target) => join(import.meta.dirname, target);
rpcRoot.loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto']);

const rpc = {
  Status: rpcRoot.lookupType('google.rpc.Status'),
  ErrorInfo: rpcRoot.lookupType('google.rpc.ErrorInfo'),
  RetryInfo: rpcRoot.lookupType('google.rpc.RetryInfo'),
  RequestInfo: rpcRoot.lookupType('google.rpc.RequestInfo'),
  BadRequest: rpcRoot.lookupType('google.rpc.BadRequest'),
  PreconditionFailure: rpcRoot.lookupType('google.rpc.PreconditionFailure'),
};
