/** Who changed what: an entry is written by the very transaction that changes it, and never changed. */
import type { Actor, Caller } from './caller.ts';
import type { ErrorCode } from './errors.ts';
import type { ProjectRef } from './project.ts';
import type { Micros } from './time.ts';

export interface AuditedResource {
  readonly kind: 'project' | 'key' | 'listener' | 'connection' | 'node';
  readonly id: string;
  readonly name: string | null;
}

/** What differs, by field; `redacted` stands for a secret. */
export interface Change {
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
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

/** The fields that differ between the two; all of the one where the other is not there. */
export function changeOf(before: object | null, after: object | null): Change {
  const fields = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  const [old, now] = [before, after].map((one) => one as Record<string, unknown> | null);
  const isSame = (field: string) => JSON.stringify(old?.[field]) === JSON.stringify(now?.[field]);
  const differing = [...fields].filter((field) => old == null || now == null || !isSame(field));
  const pick = (from: Record<string, unknown> | null | undefined) =>
    from == null
      ? null
      : Object.fromEntries(differing.map((field) => [field, from[field] ?? null]));
  return { before: pick(old), after: pick(now) };
}
