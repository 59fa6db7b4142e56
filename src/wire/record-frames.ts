/** Records as the text that goes over the wire, and back, each checked before anybody believes it. */
import { z } from 'zod';
import { closeInitiators, closeReasons } from '../core/connection.ts';
import { refusalRules } from '../core/event.ts';
import { protocols } from '../core/listener.ts';
import type { WorkerRecord } from '../core/record.ts';
import { fromRows, type RecordRow, refusalCountMax, toRows } from '../echo/record-rows.ts';
import { address, count, count32, fd, micros, text, uuid } from './fields.ts';
import { issuePath, WireError } from './wire-error.ts';

const counters = {
  id: uuid,
  bytesIn: count,
  bytesOut: count,
  firstByteAt: micros.nullable(),
  lastByteAt: micros.nullable(),
};
const tls = z.object({
  version: text(32),
  cipher: text(64),
  sni: text(255).nullable(),
  alpn: text(255).nullable(),
  clientFingerprint256: text(128).nullable(),
  clientAuthorized: z.boolean(),
});
const opened = z.object({
  id: uuid,
  listenerId: uuid,
  protocol: z.enum(protocols),
  laddr: address,
  pid: count32,
  raddr: address.nullable(),
  fd,
  acceptedAt: micros,
  declaredRaddr: address.nullable(),
  tls: tls.nullable(),
});
const closed = z.object({
  ...counters,
  closedAt: micros,
  halfClosedAt: micros.nullable(),
  closeInitiator: z.enum(closeInitiators),
  closeReason: z.enum(closeReasons),
  error: text(200).nullable(),
});
const refusal = z.object({
  protocol: z.enum(protocols),
  laddr: address,
  raddr: address.nullable(),
  rule: z.enum(refusalRules),
  count: z.int().min(1).max(refusalCountMax),
});

const record: z.ZodType<WorkerRecord> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('opened'), connection: opened }),
  z.object({ kind: z.literal('closed'), connection: closed }),
  z.object({
    kind: z.literal('half_closed'),
    connection: z.object({ ...counters, halfClosedAt: micros }),
  }),
  z.object({ kind: z.literal('counters'), connection: z.object(counters) }),
  z.object({ kind: z.literal('refused'), at: micros, listenerId: uuid, refusal }),
]);
const records = z.array(record).min(1);

/** As they are between the brackets of a JSON array: of two such texts one is made with a comma. */
export function rowsText(given: readonly WorkerRecord[]): string {
  return JSON.stringify(toRows(given)).slice(1, -1);
}

export function rowsBytes(texts: readonly string[]): Buffer {
  return Buffer.from(`[${texts.join(',')}]`);
}

export interface RowLimits {
  readonly frameRecordsMax: number;
  readonly frameBytesMax: number;
}

/** @throws WireError */
export function readRows(rows: Uint8Array, limits: RowLimits): readonly WorkerRecord[] {
  if (rows.length > limits.frameBytesMax) {
    throw new WireError(`records: more than ${limits.frameBytesMax} bytes`);
  }
  const { success, data, error } = records.safeParse(parse(rows, limits));
  if (success) return data;
  throw new WireError(`records: ${issuePath(error)} is not what it has to be`);
}

/** They are counted before anybody looks at one: a record is one row, or two with what it has in common with others. */
function parse(bytes: Uint8Array, { frameRecordsMax }: RowLimits): readonly WorkerRecord[] {
  let given: readonly WorkerRecord[] | null = null;
  try {
    const rows = JSON.parse(Buffer.from(bytes).toString()) as readonly RecordRow[];
    if (!(rows.length > 2 * frameRecordsMax)) given = fromRows(rows);
  } catch {
    throw new WireError('records: the rows are no JSON of rows');
  }
  if (given === null || given.length > frameRecordsMax) {
    throw new WireError(`records: more than ${frameRecordsMax}`);
  }
  return given;
}
