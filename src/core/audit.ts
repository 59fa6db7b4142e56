/** Who changed what: an entry is written by the very transaction that changes it, and never changed. */
import type { Actor, Caller } from './caller.ts';
import type { ErrorCode } from './errors.ts';
import type { PageItems, PageRequest } from './page.ts';
import type { ProjectRef } from './project.ts';
import { formatTime, type Micros } from './time.ts';

export const auditedKinds = [
  'project',
  'key',
  'listener',
  'connection',
  'node',
  'join_token',
] as const;

export interface AuditedResource {
  readonly kind: (typeof auditedKinds)[number];
  readonly id: string;
  readonly name: string | null;
}

/** What differs, by field; `redacted` stands for a secret. */
export interface Change {
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  /** Fields that differ too, and are too large to be kept. */
  readonly cut: readonly string[];
}

/** What an entry tells of the caller. */
export type AuditedCaller = Pick<Caller, 'requestId' | 'sourceIp' | 'userAgent'> & {
  readonly actor: Actor;
};

export interface AuditEntry {
  /** A UUIDv7. */
  readonly id: string;
  readonly time: Micros;
  /** Null: of none, as what an operator does. */
  readonly project: { readonly ref: ProjectRef; readonly name: string } | null;
  readonly caller: AuditedCaller;
  /** Its name in the table of operations. */
  readonly operation: string;
  readonly resource: AuditedResource | null;
  readonly outcome: 'ok' | ErrorCode;
  readonly change: Change | null;
  /** How many alike refusals it stands for. */
  readonly count: number;
}

/** Which entries a reader wants; what is null or absent wants all. */
export interface AuditQuery {
  /** Null: of all projects, those that are gone, and of none. */
  readonly project: ProjectRef | null;
  /** The id of a key, or the name of a node, or `operator` or `system`. */
  readonly actor?: string | undefined;
  readonly operation?: string | undefined;
  /** Its id or its name. */
  readonly resource?: string | undefined;
  readonly outcome?: string | undefined;
  /** Inclusive. */
  readonly after?: Micros | undefined;
  /** Exclusive. */
  readonly before?: Micros | undefined;
}

/** Whose entries are to be no more than so many. */
export interface AuditExcess {
  /** Null: those of no project. */
  readonly project: ProjectRef | null;
  readonly entriesMax: number;
}

/** The entries on record. All throw `unavailable` when the database is away. */
export interface AuditLog {
  /** Of what changes nothing, such as a refusal. */
  add(entry: AuditEntry): Promise<void>;
  /** Newest first; the page key is an id. */
  list(query: AuditQuery, page: PageRequest): Promise<PageItems<AuditEntry>>;
  /** Deletes at most `limit` of before then; resolves with whether there may be more. */
  purge(before: Micros, limit: number): Promise<boolean>;
  /** The same of the oldest that are too many. */
  purgeExcess(excess: AuditExcess, limit: number): Promise<boolean>;
}

/** Of the two sides of a change together, as JSON. */
export const changeBytesMax = 16_384;
/** A program names itself as it likes. */
const userAgentCharsMax = 256;

export function auditedCaller({ requestId, sourceIp, userAgent, actor }: AuditedCaller) {
  const agent = userAgent === null ? null : userAgent.slice(0, userAgentCharsMax);
  return { requestId, sourceIp, userAgent: agent, actor };
}

type Side = Readonly<Record<string, unknown>> | null;

/**
 * The fields that differ between the two; all of the one where the other is not there. The largest are left out where
 * they are too large together, and times are told as text.
 */
export function changeOf(before: object | null, after: object | null): Change {
  const old = before as Side;
  const now = after as Side;
  const textOf = (side: Side, field: string) => (side === null ? '' : JSON.stringify(side[field]));
  const kept = new Map<string, number>();
  let bytes = 0;
  for (const field of Object.keys({ ...old, ...now })) {
    const [one, other] = [textOf(old, field), textOf(now, field)];
    if (one === other) continue;
    const size = 2 * (field.length + 4) + textBytes(one) + textBytes(other);
    kept.set(field, size);
    bytes += size;
  }
  const cut: string[] = [];
  while (bytes > changeBytesMax) {
    const [[field, size]] = [...kept].toSorted(([, a], [, b]) => b - a) as [[string, number]];
    kept.delete(field);
    bytes -= size;
    cut.push(field);
  }
  const pick = (side: Side) =>
    side === null
      ? null
      : Object.fromEntries(kept.keys().map((field) => [field, told(side[field] ?? null, field)]));
  return { before: pick(old), after: pick(now), cut };
}

/** What JSON leaves out is told as null. */
function textBytes(text = 'null'): number {
  return Buffer.byteLength(text);
}

/** As a reader has it elsewhere: microseconds as text. */
function told(value: unknown, field = ''): unknown {
  if (typeof value === 'number' && field.endsWith('At')) return formatTime(value);
  if (Array.isArray(value)) return value.map((one) => told(one));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, told(one, name)]));
}
