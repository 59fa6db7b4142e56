/** Makes the entries of the audit. */
import { type AuditEntry, type AuditedResource, auditedCaller, changeOf } from '../core/audit.ts';
import type { Caller } from '../core/caller.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Micros } from '../core/time.ts';
import { idAt } from './id-at.ts';
import type { AuditOf } from './store.ts';

export interface Audited<Thing> {
  readonly caller: Caller;
  readonly operation: string;
  readonly now: Micros;
  readonly kind: AuditedResource['kind'];
  readonly project: (thing: Thing) => { readonly ref: ProjectRef; readonly name: string } | null;
  /** The fields that are told where they change. */
  readonly fields: (thing: Thing) => object;
}

export function auditOf<Thing extends { readonly id: string; readonly name?: string | null }>({
  caller,
  operation,
  now,
  kind,
  project,
  fields,
}: Audited<Thing>): AuditOf<Thing> {
  return (before, after): AuditEntry => {
    const thing = after ?? before;
    if (thing === null) throw new TypeError('a change is of something');
    return {
      id: idAt(now),
      time: now,
      project: project(thing),
      caller: auditedCaller(caller),
      operation,
      resource: { kind, id: thing.id, name: thing.name ?? null },
      outcome: 'ok',
      change: changeOf(before && fields(before), after && fields(after)),
      count: 1,
    };
  };
}
