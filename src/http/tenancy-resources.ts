/** Projects, keys and quotas as REST shows them; see resources.ts. */
import { z } from 'zod';
import { auditedKinds } from '../core/audit.ts';
import { scopes } from '../core/caller.ts';
import { errorCodes } from '../core/errors.ts';
import { type QuotaName, quotaNames, quotaWords } from '../core/quotas.ts';
import { projectStates } from '../tenancy/project.ts';
import { openWords } from './open-words.ts';
import { actorResource, count, id, time } from './resource-fields.ts';

const scope = z.enum(scopes).meta({ examples: ['listeners:read'] });

const quotas = z
  .object(
    Object.fromEntries(
      quotaNames.map((name) => [name, count.nullable().describe(quotaWords[name])]),
    ) as Record<QuotaName, z.ZodNullable<z.ZodInt>>,
  )
  .meta({ id: 'Quotas', description: 'What a project may have; null is no bound of its own.' });

const projectFields = {
  name: z.string().describe('It never changes.'),
  id: id.describe('UUID.'),
  displayName: z.string().nullable().describe('What people read.'),
  state: z
    .enum(projectStates)
    .describe(`deleting: its keys are refused, and what it has is being deleted. ${openWords}`),
  quotas,
  bindHosts: z
    .array(z.string())
    .nullable()
    .describe('The addresses and networks that its listeners may be bound to; null: any.'),
  createdAt: time.describe('When it was made.'),
  updatedAt: time.describe('When it last changed.'),
};

export const projectResource = z.object(projectFields).meta({
  id: 'Project',
  description: "Whose listeners, connections, events and keys are: of others' nothing is seen.",
});

export const ownProjectResource = z
  .object({
    ...projectFields,
    keyId: z.string().nullable().describe('The key that asks; null where it has none.'),
    keyHint: z.string().nullable().describe("The first and last characters of the key's secret."),
    scopes: z.array(scope).describe('What the caller may do.'),
  })
  .meta({ id: 'OwnProject', description: 'The project of a caller, and what the caller is.' });

export const quotaResource = z
  .object({
    name: z.enum(quotaNames).describe(`Which. ${openWords}`),
    limit: count.nullable().describe('null: no bound of its own.'),
    used: count
      .nullable()
      .describe('null of a rate; of streams, waits among them, that of the node that answers.'),
  })
  .meta({ id: 'Quota', description: 'What a project may have of a kind, and has.' });

const keyFields = {
  id: id.describe('UUIDv7: id order is the order of creation.'),
  project: z.string().nullable().describe("null: of none, an operator's."),
  name: z.string().describe('Unique among the keys of a project that are not revoked.'),
  scopes: z.array(scope).describe(`What it allows. ${openWords}`),
  hint: z
    .string()
    .meta({ description: 'The ends of its secret.', examples: ['kodama_4hXyz…9QkL'] }),
  createdBy: actorResource,
  createdAt: time.describe('When it was made.'),
  expiresAt: time.nullable().describe('When it ends by itself.'),
  formerSecretEndsAt: time
    .nullable()
    .describe('While a rotation overlaps: when the secret of before ends.'),
  lastUsedAt: time.nullable().describe('Behind by up to a minute.'),
  lastUsedIp: z.string().nullable().describe('Where it was last used from.'),
  revokedAt: time.nullable().describe('When it was revoked.'),
};

export const keyResource = z
  .object(keyFields)
  .meta({ id: 'Key', description: 'What a caller shows, without its secret.' });

export const toldKeyResource = z
  .object({
    ...keyFields,
    secret: z
      .string()
      .nullable()
      .describe('Told once: null in the answer to a repeat under an Idempotency-Key.'),
  })
  .meta({ id: 'ToldKey', description: 'A key with its secret.' });

const changedFields = z.record(z.string(), z.unknown()).nullable();

const auditChange = z
  .object({
    before: changedFields.describe('null where it was not there.'),
    after: changedFields.describe('null where it is no more there.'),
    cut: z.array(z.string()).describe('Fields that differ too, and are too large to be kept.'),
  })
  .meta({
    id: 'AuditChange',
    description: 'The fields that differ, `redacted` in the place of a secret.',
  });

export const auditEntryResource = z
  .object({
    id: id.describe('UUIDv7.'),
    time: time.describe('When it happened.'),
    project: z.string().nullable().describe('null: of none. It may be gone.'),
    actor: actorResource,
    operation: z
      .string()
      .meta({ description: 'Its `operationId` here.', examples: ['createListener'] }),
    resource: z
      .object({
        kind: z.enum(auditedKinds).describe(`What it is. ${openWords}`),
        id: z.string().describe('Its id.'),
        name: z.string().nullable().describe('Its name then.'),
      })
      .nullable()
      .describe('What was changed; null where nothing was.'),
    outcome: z.enum(['ok', ...errorCodes]).describe(`ok, or the code of the error. ${openWords}`),
    change: auditChange.nullable().describe('null where nothing was changed.'),
    count: count.describe('Above 1 where it stands for that many alike refusals.'),
    sourceIp: z.string().nullable().describe('Where the call came from.'),
    userAgent: z.string().nullable().describe('How its program names itself.'),
    requestId: z.string().describe('`x-request-id` of its answer.'),
  })
  .meta({ id: 'AuditEntry', description: 'Who changed what, or was refused it.' });
