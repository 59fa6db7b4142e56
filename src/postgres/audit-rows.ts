/** The audit in the database: written with what it tells of, read, and deleted only when it is old or too much. */

import type { Prisma, AuditEntry as StoredEntry } from '../../generated/prisma/client.ts';
import type {
  AuditEntry,
  AuditExcess,
  AuditedResource,
  AuditLog,
  AuditQuery,
  Change,
} from '../core/audit.ts';
import type { Actor } from '../core/caller.ts';
import { type PageItems, type PageRequest, readWithNext } from '../core/page.ts';
import { projectRef } from '../core/project.ts';
import type { Micros } from '../core/time.ts';
import type { Database } from './database.ts';
import type { LazyPrisma } from './lazy-prisma.ts';
import { jsonText, type Row, rowsLiteral } from './row-literal.ts';

const addSql = 'INSERT INTO audit_entries SELECT r.* FROM unnest($1::audit_entries[]) r';

const purgeSql = `DELETE FROM audit_entries WHERE id IN (
  SELECT id FROM audit_entries WHERE time < $1::bigint ORDER BY time LIMIT $2::bigint)
RETURNING 1`;

const purgeExcessSql = (whose: string) => `DELETE FROM audit_entries WHERE id IN (
  SELECT id FROM audit_entries WHERE ${whose} AND id <= (
    SELECT id FROM audit_entries WHERE ${whose} ORDER BY id DESC OFFSET $1::bigint LIMIT 1)
  ORDER BY id LIMIT $2::bigint)
RETURNING 1`;

export class AuditRows implements AuditLog {
  readonly #database: Database;
  readonly #prisma: LazyPrisma;

  constructor(database: Database, prisma: LazyPrisma) {
    this.#database = database;
    this.#prisma = prisma;
  }

  async add(entry: AuditEntry): Promise<void> {
    const row = auditFields(entry, entry.project?.ref ?? null);
    await this.#database.query({ text: addSql, values: [rowsLiteral([row])] });
  }

  async list(query: AuditQuery, page: PageRequest): Promise<PageItems<AuditEntry>> {
    return await readWithNext(page, async ({ after, pageSize: take }) => {
      const where = { ...whereOf(query), ...(after !== null && { id: { lt: after } }) };
      const rows = await this.#prisma.run(query.project, (prisma) =>
        prisma.auditEntry.findMany({ where, take, orderBy: { id: 'desc' } }),
      );
      return rows.map(entryOf);
    });
  }

  async purge(before: Micros, limit: number): Promise<boolean> {
    const gone = await this.#database.query({ text: purgeSql, values: [before, limit] });
    return gone.length === limit;
  }

  async purgeExcess({ project, entriesMax }: AuditExcess, limit: number): Promise<boolean> {
    const whose = project === null ? 'project IS NULL' : 'project = $3::integer';
    const values = [entriesMax, limit, ...(project === null ? [] : [project])];
    const gone = await this.#database.query({ text: purgeExcessSql(whose), values });
    return gone.length === limit;
  }
}

/** Its row, where Prisma Client writes what it tells of. */
export function auditRow(entry: AuditEntry): Prisma.AuditEntryCreateInput {
  const { id, time, count, project, caller, operation, resource, outcome, change } = entry;
  const { actor, sourceIp, userAgent, requestId } = caller;
  return {
    ...{ id, count, operation, outcome, sourceIp, userAgent, requestId },
    time: BigInt(time),
    project: project?.ref ?? null,
    projectName: project?.name ?? null,
    actorKind: actor.kind,
    actorId: actor.id,
    actorHint: actor.hint,
    resourceKind: resource?.kind ?? null,
    resourceId: resource?.id ?? null,
    resourceName: resource?.name ?? null,
    // Without it the row has no value there.
    ...(change !== null && { change: change as unknown as Prisma.InputJsonObject }),
  };
}

/** The same in the order of the table's columns; the project is its number, or its place in an append. */
export function auditFields(entry: AuditEntry, project: number | null): Row {
  const { id, time, count, caller, operation, resource, outcome, change } = entry;
  const { actor, sourceIp, userAgent, requestId } = caller;
  return [
    ...[id, time, count, project, entry.project?.name ?? null],
    ...[actor.kind, actor.id, actor.hint, operation],
    ...[resource?.kind ?? null, resource?.id ?? null, resource?.name ?? null],
    ...[outcome, sourceIp, userAgent, requestId, change === null ? null : jsonText(change)],
  ];
}

function whereOf(query: AuditQuery): Prisma.AuditEntryWhereInput {
  const { project, actor, operation, resource, outcome, after, before } = query;
  const isKind = actor === 'operator' || actor === 'system';
  return {
    ...(project !== null && { project }),
    ...(actor !== undefined && (isKind ? { actorKind: actor } : { actorId: actor })),
    ...(operation !== undefined && { operation }),
    ...(outcome !== undefined && { outcome }),
    ...(resource !== undefined && { OR: [{ resourceId: resource }, { resourceName: resource }] }),
    time: {
      ...(after !== undefined && { gte: BigInt(after) }),
      ...(before !== undefined && { lt: BigInt(before) }),
    },
  };
}

function entryOf(row: StoredEntry): AuditEntry {
  const { id, count, operation, sourceIp, userAgent, requestId, change } = row;
  const { resourceKind: kind, resourceId, resourceName } = row;
  const actor = { kind: row.actorKind, id: row.actorId, hint: row.actorHint } as Actor;
  const { project, projectName: name } = row;
  return {
    ...{ id, count, operation },
    time: Number(row.time),
    project: project === null || name === null ? null : { ref: projectRef(project), name },
    caller: { actor, sourceIp, userAgent, requestId: requestId ?? '' },
    resource:
      kind === null || resourceId === null
        ? null
        : { kind: kind as AuditedResource['kind'], id: resourceId, name: resourceName },
    outcome: row.outcome as AuditEntry['outcome'],
    change: change as unknown as Change | null,
  };
}
