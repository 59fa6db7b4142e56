/** What gRPC answers, as REST would show it: so that a test can hold the two against each other. */
import type { ServiceError } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { formatTime } from '../../src/core/time.ts';

type Plain =
  | null
  | boolean
  | number
  | string
  | readonly Plain[]
  | { readonly [key: string]: Plain };

const longs = new Set([
  'seq',
  'bytesIn',
  'bytesOut',
  'openConnections',
  'totalConnections',
  'maxBytes',
  'count',
  'bytesPerSecond',
  'bytes',
  'afterBytes',
]);
/** Names of oneofs, which the loader adds to messages. */
const oneofs = new Set(['effect', 'subject', 'payload', 'start']);
const enumPrefix =
  /^(PROTOCOL|LISTENER_STATE|LISTENER_MODE|PROXY_PROTOCOL_MODE|RECORDING|TLS_CLIENT_AUTH|CONNECTION_STATE|CLOSE_INITIATOR|CLOSE_REASON|EVENT_TYPE|REFUSAL_RULE|LATENCY_DISTRIBUTION|BANDWIDTH_SCOPE|LIMIT_ACTION|CLOSE_FAULT_MODE|BLACKHOLE_HOW|ACTOR_KIND|AUDITED_KIND|ON_NODE_LOST)_/;

/** A decoded message, with words for enums, numbers for numbers and RFC 3339 for times. */
export function plainMessage(value: unknown, key = ''): Plain {
  if (Array.isArray(value)) return value.map((one) => plainMessage(one));
  if (typeof value === 'string') {
    if (longs.has(key)) return Number(value);
    const word = /^TLS_VERSION_1_(\d)$/.exec(value);
    if (word !== null) return `TLSv1.${word[1]}`;
    return enumPrefix.test(value) ? value.replace(enumPrefix, '').toLowerCase() : value;
  }
  if (typeof value !== 'object' || value === null) return value as Plain;
  if ('seconds' in value) {
    const { seconds, nanos = 0 } = value as { seconds: string; nanos?: number };
    return formatTime(Number(seconds) * 1_000_000 + Math.floor(nanos / 1000));
  }
  if (key !== 'labels' && 'effect' in value && typeof value.effect === 'string') {
    const { [value.effect]: effect, effect: type, ...common } = value as Record<string, unknown>;
    const word = String(type).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return { type: word, ...fields({ ...common, ...(effect as object) }) };
  }
  return fields(value, key === 'labels');
}

function fields(value: object, isMap = false): { readonly [key: string]: Plain } {
  const entries = Object.entries(value)
    .filter(([name]) => isMap || (!name.startsWith('_') && !oneofs.has(name)))
    .map(([name, one]) => [name, plainMessage(one, isMap ? '' : name)] as const);
  return Object.fromEntries(entries);
}

/** Without what protobuf cannot tell from nothing: null, empty lists and maps, empty text. */
export function withoutNothing(value: Plain): Plain {
  if (Array.isArray(value)) return value.map(withoutNothing);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .map(([key, one]) => [key, withoutNothing(one)] as const)
    .filter(([, one]) => one !== null && one !== '' && !isEmpty(one));
  return Object.fromEntries(entries);
}

function isEmpty(value: Plain): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message BadRequest {
    message FieldViolation { string field = 1; string description = 2; }
    repeated FieldViolation field_violations = 1;
  }
`);

/** A status as REST's problem shows it. */
export function plainError(error: ServiceError): { readonly [key: string]: unknown } {
  const text = (name: string): string | undefined => {
    const [value] = error.metadata.get(`kodama-${name}`);
    return value === undefined ? undefined : String(value);
  };
  const number = (name: string) => (text(name) === undefined ? undefined : Number(text(name)));
  return {
    code: text('code'),
    detail: error.details,
    errors: fieldErrors(error.metadata.get('grpc-status-details-bin')[0] as Buffer),
    owner: text('owner'),
    oldestSeq: number('oldest-seq'),
    headSeq: number('head-seq'),
    why: text('why'),
    ...{ count: number('count'), min: number('min'), max: number('max'), seq: number('seq') },
    limit: text('limit'),
    limitValue: number('limit-value'),
  };
}

interface RichStatus {
  readonly details?: readonly { readonly typeUrl: string; readonly value: Uint8Array }[];
}

interface BadRequest {
  readonly fieldViolations: readonly { readonly field?: string; readonly description?: string }[];
}

function fieldErrors(bytes: Buffer) {
  const read = (type: string, value: Uint8Array): object => {
    const found = root.lookupType(type);
    return found.toObject(found.decode(value));
  };
  const { details = [] } = read('Status', bytes) as RichStatus;
  const bad = details.find(({ typeUrl }) => typeUrl.endsWith('/google.rpc.BadRequest'));
  if (bad === undefined) return undefined;
  const { fieldViolations } = read('BadRequest', bad.value) as BadRequest;
  return fieldViolations.map(({ field = '', description = '' }) => ({
    path: field,
    message: description,
  }));
}
