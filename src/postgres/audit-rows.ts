/** The audit in the database. */

import type { Prisma } from '../../generated/prisma/client.ts';
import type { AuditEntry } from '../core/audit.ts';

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
