/** The operations of nodes and join tokens. */
import { z } from 'zod';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import type { ToldJoinToken } from '../fleet/join-token.ts';
import { lostAfterMsDefault, nodeStates } from '../fleet/node.ts';
import { foundOrMade } from './idempotency.ts';
import { list } from './list.ts';
import { operation } from './operation.ts';
import { pageFields } from './queries.ts';
import { cidr, labels, nodeIdOrName, uuid, wholeNumber } from './values.ts';

const day = 86_400_000;
const lostAfterMs = { min: 30_000, max: day };
const usesMax = 100;
export const sourceCidrsMax = 100;

const node = z.strictObject({ id: nodeIdOrName });

export const nodeFilter = {
  state: z
    .enum(nodeStates)
    .nullable()
    .default(null)
    .describe('Without it removed nodes are left out.'),
};

export function nodeOperations(bounds: ListenerBounds) {
  return {
    listNodes: operation({
      name: 'listNodes',
      scope: 'nodes:read',
      input: z.strictObject({
        ...nodeFilter,
        labels: labels(bounds.labelsMax).default({}).describe('All of them must hold.'),
        ...pageFields(bounds),
      }),
      run: ({ nodes }, caller, { input: { state, labels: wanted, ...page } }) =>
        nodes.list(caller, { state, labels: wanted }, page),
    }),
    getNode: operation({
      name: 'getNode',
      scope: 'nodes:read',
      at: node,
      run: ({ nodes }, caller, { at }) => nodes.get(caller, at.id),
    }),
    updateNode: operation({
      name: 'updateNode',
      scope: 'nodes:write',
      audited: true,
      at: node,
      input: z.strictObject({
        labels: labels(bounds.labelsMax)
          .nullable()
          .optional()
          .describe('Replaced whole; null takes all away.'),
        cordoned: z
          .boolean()
          .nullable()
          .optional()
          .describe('true: it gets no new listeners; null is false.'),
        lostAfterMs: wholeNumber(lostAfterMs.min, lostAfterMs.max)
          .nullable()
          .optional()
          .describe(
            'After so long without a word its connections are ended, there and on record; null is its default.',
          ),
      }),
      fixed: ['name', 'shared'],
      run: ({ nodes }, caller, { at, input: { labels: marks, cordoned, lostAfterMs: lostMs } }) =>
        nodes.update(caller, at.id, {
          ...(marks !== undefined && { labels: marks ?? {} }),
          ...(cordoned !== undefined && { cordoned: cordoned ?? false }),
          ...(lostMs !== undefined && { lostAfterMs: lostMs ?? lostAfterMsDefault }),
        }),
    }),
    deleteNode: operation({
      name: 'deleteNode',
      scope: 'nodes:write',
      audited: true,
      at: node,
      run: ({ nodes }, caller, { at }) => nodes.remove(caller, at.id),
    }),
  };
}

const joinToken = z.strictObject({ id: uuid });
/** What is kept of an answer: a secret is told once. */
const kept = (told: ToldJoinToken): ToldJoinToken => ({ ...told, secret: null });
const notYet = { error: 'not supported yet' };

export function joinTokenOperations(bounds: ListenerBounds) {
  return {
    createJoinToken: operation({
      name: 'createJoinToken',
      scope: 'nodes:write',
      audited: true,
      takesKey: true,
      kept,
      input: z.strictObject({
        ttlMs: wholeNumber(1, 7 * day)
          .default(3_600_000)
          .describe('Milliseconds from now until it ends by itself.'),
        uses: wholeNumber(1, usesMax).default(1).describe('How many nodes may join with it.'),
        labels: labels(bounds.labelsMax).default({}).describe('Of the nodes that join with it.'),
        shared: z
          .boolean()
          .default(false)
          .describe('Its nodes serve every project: for operators, of the project `default`.'),
        namePattern: z
          .string()
          .max(255)
          .optional()
          .refine((pattern) => pattern === undefined, notYet)
          .describe('Not supported yet.'),
        sourceCidrs: list(cidr, sourceCidrsMax)
          .default([])
          .refine(({ length }) => length === 0, notYet)
          .describe('Not supported yet.'),
      }),
      async run({ joinTokens }, caller, { input: { ttlMs, uses, labels: own, shared } }, run) {
        const [id] = run?.ids(1) ?? [];
        const make = () => joinTokens.create(caller, { ttlMs, uses, labels: own, shared }, id);
        return await foundOrMade(run, () => joinTokens.made(caller, id), make);
      },
    }),
    listJoinTokens: operation({
      name: 'listJoinTokens',
      scope: 'nodes:read',
      input: z.strictObject(pageFields(bounds)),
      run: ({ joinTokens }, caller, { input }) => joinTokens.list(caller, input),
    }),
    getJoinToken: operation({
      name: 'getJoinToken',
      scope: 'nodes:read',
      at: joinToken,
      run: ({ joinTokens }, caller, { at }) => joinTokens.get(caller, at.id),
    }),
    deleteJoinToken: operation({
      name: 'deleteJoinToken',
      scope: 'nodes:write',
      audited: true,
      at: joinToken,
      run: ({ joinTokens }, caller, { at }) => joinTokens.revoke(caller, at.id),
    }),
  };
}
