/**
 * The frames of a session and of a join, as plain data: what comes is checked, field by field, before anybody looks at
 * it. The rows of records are read by themselves (record-rows.ts), since they are what comes most.
 */
import protobuf from 'protobufjs';
import { z } from 'zod';
import { AppError, errorCodes } from '../core/errors.ts';
import type { ListenerReason } from '../core/listener.ts';
import type { Observed } from '../core/ports.ts';
import * as of from './fields.ts';
import { messageType } from './gateway-protos.ts';
import { issuePath, WireError } from './wire-error.ts';

const number = z.int().min(1);
const generation = z.int().min(1);
const own = { version: of.ownText(64), hostname: of.ownText(253) };
const clockOffsetMs = z.int();
const nothing: z.ZodType<unknown> = z.object({});
const rangeUpTo = (most: number) =>
  z
    .object({ from: z.int().min(1), to: z.int().max(most) })
    .refine(({ from, to }) => from <= to)
    .readonly();

const nodeBodies = {
  hello: z.object({
    ...own,
    nodeId: of.name,
    bootId: of.uuid,
    signature: of.bytes(64),
    keyGeneration: z.literal(0),
    addresses: z.array(of.ownText(64)).max(64).readonly(),
    listenHost: of.ip,
    portRange: rangeUpTo(65_535).nullable(),
    protocols: rangeUpTo(2 ** 32 - 1).nullable(),
    clockOffsetMs,
    connectionsMax: of.count32,
  }),
  heartbeat: z.object({
    number,
    openConnections: of.count32,
    spoolRecords: of.count32,
    clockOffsetMs,
    workers: z
      .array(
        z.object({
          pid: of.count32,
          listeners: of.count32,
          openConnections: of.count32,
          restarts: of.count32,
        }),
      )
      .max(64)
      .readonly(),
  }),
  records: z.object({ first: number, rows: of.raw, isAwaited: z.boolean() }),
  observed: z.object({
    listenerId: of.uuid,
    generation,
    /** Absent: one that is not known here. */
    state: z.enum(['bound', 'failed', 'gone']).optional(),
    bound: of.json(of.bound).optional(),
    failed: of.problem.optional(),
    gone: nothing.optional(),
  }),
  reply: z.object({
    number,
    bound: of.jsonOrNull(of.bound),
    problem: of.problem.nullable(),
  }),
};

const controlBodies = {
  challenge: z.object({ nonce: of.bytes(32), installation: of.uuid }),
  welcome: z.object({
    session: number,
    heartbeatMs: z.int().min(1).max(3_600_000),
    lostAfterMs: number,
    serverTime: of.micros,
    protocol: of.count,
  }),
  wish: z.object({ number, listenerId: of.uuid, generation, binding: of.knownBinding }),
  endWish: z.object({ listenerId: of.uuid, generation, drainMs: of.count }),
  wishEnd: nothing,
  limitProject: z.object({ project: of.project, limits: of.jsonOrNull(of.projectLimits) }),
  command: z.object({
    number,
    /** Absent: one that is not known here. */
    command: z.enum(['open', 'release', 'closeConnection']).optional(),
    open: z.object({ binding: of.knownBinding }).optional(),
    release: z.object({ listenerId: of.uuid }).optional(),
    closeConnection: z.object({ connectionId: of.uuid, isReset: z.boolean() }).optional(),
  }),
  committed: z.object({ through: number }),
  lease: z.object({
    ...{ number, stored: z.boolean(), serverTime: of.micros },
    lostAfterMs: of.count,
  }),
  goAway: z.object({
    reason: of.text(512),
    retryAfterMs: of.retryAfterMs,
    isFinal: z.boolean(),
  }),
};

const joinBodies = {
  request: z.object({
    ...own,
    token: of.shortText(256),
    publicKey: of.bytes(32),
    name: of.name,
  }),
  joined: z.object({ nodeId: of.name, name: of.name, installation: of.uuid }),
  problem: of.problem,
};

type Bodies = Readonly<Record<string, z.ZodType>>;
type Frame<All extends Bodies> = {
  [Kind in keyof All & string]: { readonly kind: Kind } & Readonly<z.output<All[Kind]>>;
}[keyof All & string];

export type NodeFrame = Frame<typeof nodeBodies>;
export type ControlFrame = Frame<typeof controlBodies>;
export type FrameOf<All extends { readonly kind: string }, Kind extends All['kind']> = Extract<
  All,
  { readonly kind: Kind }
>;
export type Problem = z.output<typeof of.problem>;
export type JoinRequest = z.output<typeof joinBodies.request>;
export type JoinOutcome = Frame<Pick<typeof joinBodies, 'joined' | 'problem'>>;

/** Fields that are JSON in the bytes of a field, wherever they stand. */
const jsonFields: ReadonlySet<string> = new Set(['binding', 'limits', 'bound', 'details']);

function toWire(body: object): object {
  const fields = Object.entries(body).map(([name, value]) => {
    if (jsonFields.has(name)) return [name, value === undefined ? value : of.jsonBytes(value)];
    const isMessage = typeof value === 'object' && value !== null && !isPlain(value);
    return [name, isMessage ? toWire(value) : value];
  });
  return Object.fromEntries(fields);
}

const isPlain = (value: object): boolean => Array.isArray(value) || value instanceof Uint8Array;

const conversion = { longs: Number, defaults: true, oneofs: true } as const;

/** Of one message that is a oneof of frames. */
function codecOf<All extends Bodies>(
  type: protobuf.Type,
  oneof: string,
  bodies: All,
  assertBounded?: (encoded: Buffer) => void,
) {
  return {
    encode({ kind, ...body }: Frame<All>): Buffer {
      return Buffer.from(type.encode({ [kind]: toWire(body) }).finish());
    },
    /** Null: it is of a kind that is not known here, as another version may have. @throws WireError */
    decode(encoded: Buffer): Frame<All> | null {
      const message = decodeAs(type, encoded, assertBounded);
      const kind = String(message[oneof]);
      const body = Object.hasOwn(bodies, kind) ? bodies[kind] : undefined;
      if (body === undefined) return null;
      return { kind, ...(checked(kind, body, message[kind]) as object) } as Frame<All>;
    },
  };
}

function decodeAs(
  type: protobuf.Type,
  encoded: Buffer,
  assertBounded?: (encoded: Buffer) => void,
): Readonly<Record<string, unknown>> {
  try {
    assertBounded?.(encoded);
    return type.toObject(type.decode(encoded), conversion);
  } catch (error) {
    if (error instanceof WireError) throw error;
    // It says where in the bytes, which helps nobody.
    throw new WireError(`this is no ${type.name}`);
  }
}

function checked<Body extends z.ZodType>(name: string, body: Body, value: unknown): z.output<Body> {
  const { success, data, error } = body.safeParse(value);
  if (success) return data;
  throw new WireError(`${name}: ${issuePath(error)} is not what it has to be`);
}

const sessionRequest = messageType('SessionRequest');
const recordsId = sessionRequest.fields.records?.id;
/** Of a frame without records. */
const smallBytesMax = 65_536;
/** One is the frame; a later agent may add some beside it. */
const partsMax = 16;

/**
 * Before anything is made of what came: an empty item of a list takes two bytes there and some hundred in memory. Rows
 * of records are bytes here, and are counted where they are read.
 */
function assertBounded(encoded: Buffer): void {
  const reader = protobuf.Reader.create(encoded);
  for (let parts = 0; reader.pos < reader.len; parts += 1) {
    const tag = reader.uint32();
    const from = reader.pos;
    reader.skipType(tag & 7);
    const isLarge = reader.pos - from > smallBytesMax && tag >>> 3 !== recordsId;
    if (isLarge || parts === partsMax) throw new WireError('a frame that is too large');
  }
}

export const nodeFrames = codecOf(sessionRequest, 'frame', nodeBodies, assertBounded);
export const controlFrames = codecOf(messageType('SessionResponse'), 'frame', controlBodies);
export const joinOutcomes = codecOf(messageType('JoinResponse'), 'outcome', {
  joined: joinBodies.joined,
  problem: joinBodies.problem,
});

const joinRequest = messageType('JoinRequest');

export function encodeJoin(request: JoinRequest): Buffer {
  return Buffer.from(joinRequest.encode(request).finish());
}

/** @throws WireError */
export function decodeJoin(encoded: Buffer): JoinRequest {
  return checked('join', joinBodies.request, decodeAs(joinRequest, encoded));
}

export function observedFrame(observed: Observed): FrameOf<NodeFrame, 'observed'> {
  const { listenerId, generation, state } = observed;
  const of = { kind: 'observed', listenerId, generation, state } as const;
  if (observed.state === 'gone') return { ...of, gone: {} };
  if (observed.state === 'failed') return { ...of, failed: problemOf(reasonError(observed)) };
  const { laddr, sockets } = observed;
  return { ...of, bound: { laddr, sockets } };
}

function reasonError({ reason }: { readonly reason: ListenerReason }): AppError {
  const code = errorCodes.find((one) => one === reason.code) ?? 'internal';
  return new AppError(code, reason.message);
}

/** Null: what is not known here was observed. @throws WireError */
export function observedOf(frame: FrameOf<NodeFrame, 'observed'>): Observed | null {
  const { listenerId, generation, state, bound, failed } = frame;
  const of = { listenerId, generation };
  if (state === undefined) return null;
  if (state === 'gone') return { ...of, state };
  if (state === 'bound' && bound !== undefined) return { ...of, state, ...bound };
  if (state !== 'failed' || failed === undefined) throw new WireError('observed: nothing');
  const { code, message } = failed;
  return { ...of, state, reason: { code, message } };
}

/** What the other side is told of a failure: anything but an AppError is a bug, whose words stay here. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof AppError)) {
    return { code: 'internal', message: 'something broke on the other side', details: {} };
  }
  const { errors, owner, limit, limitValue, retryAfterMs } = error.details;
  const told = { errors: errors && [...errors], owner, limit, limitValue, retryAfterMs };
  return { code: error.code, message: error.message, details: withoutAbsent(told) };
}

export function errorOf({ code, message, details }: Problem): AppError {
  return new AppError(code, message, withoutAbsent(details));
}

function withoutAbsent<Fields extends object>(fields: Fields): Fields {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Fields;
}
