/**
 * What a caller is told of a failure: a status of gRPC from one table of codes, with the details of google.rpc
 * (error_details.proto) in grpc-status-details-bin, and the same as plain trailers for people with a terminal.
 */
import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { AppError, type ErrorCode, type ErrorDetails } from '../core/errors.ts';

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
}

export function toStatus(
  error: unknown,
  requestId: string,
  added: Pick<Facts, 'resumeAfterSeq'> = {},
): StatusObject {
  const known = error instanceof AppError && error.code !== 'internal' ? error : null;
  const code = known?.code ?? 'internal';
  const message = shorten(known?.message ?? internalText);
  const details = { ...known?.details, ...added };
  const metadata = new Metadata();
  metadata.set('kodama-code', code);
  metadata.set('kodama-request-id', requestId);
  for (const [name, value] of facts(details)) metadata.set(`kodama-${name}`, value);
  const rich = { code: statuses[code], message, details: richDetails(code, details, requestId) };
  metadata.set('grpc-status-details-bin', Buffer.from(rpc.Status.encode(rich).finish()));
  return { code: statuses[code], details: message, metadata };
}

/** True for what is a bug, or a failure that nobody foresaw: its cause belongs into the log. */
export function isInternal(error: unknown): boolean {
  return !(error instanceof AppError) || error.code === 'internal';
}

function facts(details: Facts): (readonly [string, string])[] {
  const { owner, oldestSeq, headSeq, resumeAfterSeq, limit, limitValue, retryAfterMs } = details;
  const all = {
    owner,
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
  const metadata = facts(details).map(([name, value]) => ({
    key: name.replaceAll('-', '_'),
    value,
  }));
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

function shorten(text: string): string {
  return (text.length > textMax ? `${text.slice(0, textMax)}…` : text).toWellFormed();
}

function any(name: keyof typeof rpc, message: object): object {
  return {
    type_url: `type.googleapis.com/google.rpc.${name}`,
    value: rpc[name].encode(message).finish(),
  };
}

/** What we use of google/rpc/status.proto and error_details.proto. */
const rpcRoot = protobuf.Root.fromJSON({
  nested: {
    Any: { fields: { type_url: { type: 'string', id: 1 }, value: { type: 'bytes', id: 2 } } },
    Duration: { fields: { seconds: { type: 'int64', id: 1 }, nanos: { type: 'int32', id: 2 } } },
    Status: {
      fields: {
        code: { type: 'int32', id: 1 },
        message: { type: 'string', id: 2 },
        details: { rule: 'repeated', type: 'Any', id: 3 },
      },
    },
    ErrorInfo: {
      fields: {
        reason: { type: 'string', id: 1 },
        domain: { type: 'string', id: 2 },
        // On the wire a map is a list of entries.
        metadata: { rule: 'repeated', type: 'Entry', id: 3 },
      },
    },
    Entry: { fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } } },
    RetryInfo: { fields: { retryDelay: { type: 'Duration', id: 1 } } },
    RequestInfo: { fields: { requestId: { type: 'string', id: 1 } } },
    BadRequest: {
      fields: { fieldViolations: { rule: 'repeated', type: 'FieldViolation', id: 1 } },
      nested: {
        FieldViolation: {
          fields: { field: { type: 'string', id: 1 }, description: { type: 'string', id: 2 } },
        },
      },
    },
  },
});

const rpc = {
  Status: rpcRoot.lookupType('Status'),
  ErrorInfo: rpcRoot.lookupType('ErrorInfo'),
  RetryInfo: rpcRoot.lookupType('RetryInfo'),
  RequestInfo: rpcRoot.lookupType('RequestInfo'),
  BadRequest: rpcRoot.lookupType('BadRequest'),
};
