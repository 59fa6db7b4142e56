/** The operations of projects and keys. */
import { z } from 'zod';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import { noQuotas, type Quotas, quotaNames, quotaWords } from '../core/quotas.ts';
import { type ScopeWord, scopeWords, type ToldKey } from '../tenancy/api-key.ts';
import { projectName } from '../tenancy/project.ts';
import { expiryOf, oneExpiry, ttlMs } from './expiry.ts';
import { foundOrMade } from './idempotency.ts';
import { list } from './list.ts';
import { operation } from './operation.ts';
import { pageFields } from './queries.ts';
import { cidr, name, printable, time, uuid, wholeNumber } from './values.ts';

export const bindHostsMax = 100;
const quotaMax = 1_000_000_000_000;
const quotas = z
  .strictObject(
    Object.fromEntries(
      quotaNames.map((quota) => [
        quota,
        wholeNumber(0, quotaMax).nullable().optional().describe(quotaWords[quota]),
      ]),
    ) as Record<keyof Quotas, z.ZodOptional<z.ZodNullable<z.ZodInt>>>,
  )
  .describe('What it may have of each; null is no bound. What is absent stays.');
const project = z.strictObject({
  name: z
    .string()
    .regex(projectName.pattern, { error: projectName.words })
    .refine((text) => text !== 'self', { error: 'is taken: it means the own project' })
    .meta({ examples: ['team-a'] }),
});
const changeable = {
  displayName: printable(200).nullable().optional().describe('What people read.'),
  quotas: quotas.optional(),
  bindHosts: list(cidr, bindHostsMax)
    .min(1)
    .nullable()
    .optional()
    .describe('The addresses and networks that its listeners may be bound to; null: any.'),
};
const day = 86_400_000;
const overlapMsMax = 7 * day;

export function projectOperations(bounds: ListenerBounds) {
  return {
    createProject: operation({
      name: 'createProject',
      scope: 'operator',
      audited: true,
      takesKey: true,
      input: z.strictObject({
        name: project.shape.name.describe('It never changes.'),
        ...changeable,
      }),
      async run({ projects }, caller, { input }, run) {
        const { displayName = null, bindHosts = null, quotas: given = {} } = input;
        const [id] = run?.ids(1) ?? [];
        const wanted = { name: input.name, displayName, bindHosts, quotas: defined(given) };
        const find = () => projects.made(input.name, id);
        return await foundOrMade(run, find, () => projects.create(caller, wanted, id));
      },
    }),
    listProjects: operation({
      name: 'listProjects',
      scope: 'operator',
      input: z.strictObject(pageFields(bounds)),
      run: ({ projects }, _, { input }) => projects.list(input),
    }),
    getProject: operation({
      name: 'getProject',
      scope: 'operator',
      at: project,
      run: ({ projects }, _, { at }) => projects.get(at.name),
    }),
    getOwnProject: operation({
      name: 'getOwnProject',
      scope: null,
      run: ({ projects }, caller) => projects.getOwn(caller),
    }),
    updateProject: operation({
      name: 'updateProject',
      scope: 'operator',
      audited: true,
      at: project,
      input: z.strictObject({
        ...changeable,
        quotas: quotas
          .nullable()
          .optional()
          .describe('What it may have of each; null is no bound. What is absent stays.'),
      }),
      fixed: ['name'],
      run: ({ projects }, caller, { at, input: { quotas: given, ...rest } }) => {
        const change = given === null ? noQuotas : given && defined(given);
        return projects.update(caller, at.name, { ...rest, ...(change && { quotas: change }) });
      },
    }),
    deleteProject: operation({
      name: 'deleteProject',
      scope: 'operator',
      audited: true,
      at: project,
      run: ({ projects }, caller, { at }) => projects.delete(caller, at.name),
    }),
    listQuotas: operation({
      name: 'listQuotas',
      scope: null,
      run: ({ projects }, caller) => projects.quotas(caller),
    }),
  };
}

const key = z.strictObject({ id: uuid });
/** No enumeration: the protos say it as text, since a scope has a colon. */
const scopeWord = z
  .string()
  .refine((text): text is ScopeWord => scopeWords.some((word) => word === text), {
    error: `must be one of ${scopeWords.join(', ')}`,
  })
  .meta({ examples: ['read'] });
const scopeList = list(scopeWord, scopeWords.length)
  .min(1)
  .describe(
    `What it allows, of ${scopeWords.join(', ')}; read and write are those of listeners, connections, events and nodes.`,
  );
/** What is kept of an answer: a secret is told once. */
const kept = (told: ToldKey): ToldKey => ({ ...told, secret: null });

export function keyOperations(bounds: ListenerBounds) {
  return {
    createKey: operation({
      name: 'createKey',
      scope: 'keys:write',
      audited: true,
      takesKey: true,
      kept,
      input: z
        .strictObject({
          name: name.describe('Unique among the keys of a project that are not revoked.'),
          scopes: scopeList,
          expiresAt: time.optional().describe('When it ends by itself.'),
          ttlMs: ttlMs(10 * 365 * day).optional(),
          ofNoProject: z.boolean().default(false).describe('A key of no project, for operators.'),
        })
        .superRefine(oneExpiry),
      async run({ keys, clock }, caller, { input }, run) {
        const [id] = run?.ids(1) ?? [];
        const make = async () => {
          const expiresAt = expiryOf(input, clock.now());
          return await keys.create(caller, { ...input, expiresAt }, id);
        };
        return await foundOrMade(run, () => keys.made(caller, id), make);
      },
    }),
    listKeys: operation({
      name: 'listKeys',
      scope: 'keys:read',
      input: z.strictObject({
        operators: z
          .boolean()
          .default(false)
          .describe('Those of no project instead, for operators.'),
        ...pageFields(bounds),
      }),
      run: ({ keys }, caller, { input: { operators: ofNone, ...page } }) =>
        keys.list(caller, { ofNone }, page),
    }),
    getKey: operation({
      name: 'getKey',
      scope: 'keys:read',
      at: key,
      run: ({ keys }, caller, { at }) => keys.get(caller, at.id),
    }),
    updateKey: operation({
      name: 'updateKey',
      scope: 'keys:write',
      audited: true,
      at: key,
      input: z.strictObject({ name: name.optional().describe('Its new name.') }),
      fixed: ['scopes', 'expiresAt', 'ttlMs', 'project'],
      run: ({ keys }, caller, { at, input }) =>
        input.name === undefined ? keys.get(caller, at.id) : keys.rename(caller, at.id, input.name),
    }),
    revokeKey: operation({
      name: 'revokeKey',
      scope: 'keys:write',
      audited: true,
      at: key,
      run: ({ keys }, caller, { at }) => keys.revoke(caller, at.id),
    }),
    rotateKey: operation({
      name: 'rotateKey',
      scope: 'keys:write',
      audited: true,
      takesKey: true,
      kept,
      at: key,
      input: z.strictObject({
        overlapMs: wholeNumber(0, overlapMsMax)
          .default(3_600_000)
          .describe('For so long the secret of before holds too.'),
      }),
      run({ keys }, caller, { at, input }, run) {
        const [rotation] = run?.ids(1) ?? [];
        return keys.rotate(caller, at.id, input.overlapMs, rotation);
      },
    }),
  };
}

function defined(given: z.output<typeof quotas>): Partial<Quotas> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
