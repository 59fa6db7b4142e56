/** The fields of frames: what each may be, as protobufjs decodes it. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { errorCodes } from '../core/errors.ts';
import { listenerModes, protocols } from '../core/listener.ts';
import type { Binding, Bound, ProjectLimits } from '../core/ports.ts';
import { projectRef } from '../core/project.ts';

const jsonBytesMax = 1_048_576;

export const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
export const name = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/);
export const count = z.int().min(0);
const int32Max = 2_147_483_647;
/** What a column of the database, or a pid or an fd of the system, has room for. */
export const count32 = z.int().min(0).max(int32Max);
/** -1: none. */
export const fd = z.int().min(-1).max(int32Max);
/** A time. */
export const micros = z.int().min(0);
/** Without a zone (RFC 4007, 11), which means nothing beyond its host: who tells of an address has left it out. */
export const ip = z.string().refine((text) => isIP(text) !== 0 && !text.includes('%'));
export const address = z.object({
  ip,
  port: z.int().min(0).max(65_535),
});

/** Others' words are cut rather than refused: they come again in each session. */
export const text = (max: number) => z.string().transform((words) => words.slice(0, max));
/** The same where it is written, too. */
export const shortText = (max: number) => z.string().max(max);
/** What a host says of itself, which goes into the log and the database. */
export const ownText = (max: number) => shortText(max).regex(/^\P{Cc}*$/u);

export const raw = z.custom<Uint8Array>((value) => value instanceof Uint8Array);

export const bytes = (length: number) =>
  raw.refine((value) => value.length === length).transform((value): Buffer => Buffer.from(value));

/** A value as JSON in a field of bytes. */
export function json<Schema extends z.ZodType>(schema: Schema) {
  return raw.transform(parse).pipe(schema);
}

/** The same, where no bytes are null. */
export function jsonOrNull<Schema extends z.ZodType>(schema: Schema) {
  const read = (value: Uint8Array, context: z.RefinementCtx) =>
    value.length === 0 ? null : parse(value, context);
  return raw.transform(read).pipe(schema.nullable());
}

export function jsonBytes(value: unknown): Buffer {
  return value === null ? Buffer.alloc(0) : Buffer.from(JSON.stringify(value));
}

function parse(value: Uint8Array, context: z.RefinementCtx): unknown {
  try {
    if (value.length > jsonBytesMax) throw new RangeError(`more than ${jsonBytesMax} bytes`);
    return JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.length).toString());
  } catch (error) {
    context.issues.push({ code: 'custom', input: null, message: String(error) });
    return z.NEVER;
  }
}

export const project = z.int().min(1).transform(projectRef);
const rate = z.object({ perSecond: z.number().positive(), burst: z.number().positive() });
const connectionLimits = {
  maxConnections: count,
  maxConnectionsPerSource: count.nullable(),
  acceptRate: rate.nullable(),
};
export const projectLimits: z.ZodType<ProjectLimits> = z.object(connectionLimits);

/** Its effect's own fields are those of its type, which a worker knows. */
const fault = z.looseObject({
  name: shortText(256),
  type: shortText(64),
  probability: z.number(),
  seed: z.number().nullable(),
  match: z.record(z.string(), z.unknown()),
  enabled: z.boolean(),
  expiresAt: micros.nullable(),
});

const tls = z.object({
  cert: z.string(),
  isSelfSigned: z.boolean(),
  fingerprint256: z.string(),
  clientAuth: z.enum(['none', 'request', 'require']),
  ca: z.string().nullable(),
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']),
});

/** The faults are as they were checked where they were made. */
export const binding = z.object({
  listenerId: uuid,
  project,
  protocol: z.enum(protocols),
  host: ip,
  port: z.int().min(0).max(65_535),
  mode: z.enum(listenerModes),
  limits: z.object({
    ...connectionLimits,
    idleTimeoutMs: count.nullable(),
    maxDurationMs: count.nullable(),
    maxBytes: count.nullable(),
    writeTimeoutMs: count.nullable(),
    udpIdleTimeoutMs: count,
    allowCidrs: z.array(shortText(64)),
    denyCidrs: z.array(shortText(64)),
  }),
  faults: z.array(fault),
  tls: tls.nullable(),
  tlsKey: z.string().nullable(),
  proxyProtocol: z.object({
    mode: z.enum(['off', 'optional', 'required']),
    trustedCidrs: z.array(shortText(64)),
  }),
  recording: z.enum(['batched', 'durable']),
}) as unknown as z.ZodType<Binding>;

/** Null: another version has said what this one does not understand. */
export const knownBinding = json(binding).nullable().catch(null);

export const bound: z.ZodType<Bound> = z.object({
  laddr: address,
  sockets: z.array(z.object({ pid: count32, fd })).max(1024),
});

export const retryAfterMs = z.int().min(0).max(3_600_000);

const details = z
  .object({
    errors: z.array(z.object({ path: text(256), message: text(512) })).max(64),
    owner: text(64),
    limit: text(64),
    limitValue: z.number(),
    retryAfterMs,
  })
  .partial();

export const problem = z.object({
  /** What another version has beyond these, nobody here can act on. */
  code: z.enum(errorCodes).catch('internal'),
  message: text(1024),
  details: json(details),
});
