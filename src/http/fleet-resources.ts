/** Nodes, what is to be on them, and join tokens as REST shows them; see resources.ts. */
import { z } from 'zod';
import { nodeStates } from '../fleet/node.ts';
import { openWords } from './open-words.ts';
import { actorResource, count, id, time } from './resource-fields.ts';

const labels = z.record(z.string(), z.string());

export const placementResource = z
  .object({
    node: z.string().optional().describe('On this node, by its name or id.'),
    selector: z
      .record(z.string(), z.string())
      .optional()
      .describe('On a node that carries all of these labels.'),
    onNodeLost: z.enum(['stay', 'move']).describe(`stay: it is failed meanwhile. ${openWords}`),
  })
  .meta({ id: 'Placement', description: 'Which node a listener is to be on.' });

export const nodeResource = z
  .object({
    id: z.string().describe('Of an agent a UUIDv7.'),
    name: z.string().describe('Of no other node of its project that is not removed.'),
    project: z.string().describe('Whose it is.'),
    labels: labels.describe('To find it by.'),
    state: z
      .enum(nodeStates)
      .describe(
        'pending: it joined and was never heard. ready: it is heard. disconnected: it is not, and serves on. lost: it was ' +
          `not for so long that its connections are closed on record. removed is the end. ${openWords}`,
      ),
    isBuiltIn: z.boolean().describe("In a replica's own process."),
    shared: z.boolean().describe('It serves every project.'),
    cordoned: z.boolean().describe('It gets no new listeners.'),
    version: z.string().nullable().describe('Of its program. null of a built-in one.'),
    bootId: z.string().nullable().describe('Another one with each start of its agent.'),
    hostname: z.string().nullable().describe('As its host calls itself.'),
    addresses: z.array(z.string()).describe('Of its host.'),
    listenHost: z.string().nullable().describe('What it binds where a listener names no host.'),
    portRange: z
      .object({
        from: z.int().describe('The first port.'),
        to: z.int().describe('The last port.'),
      })
      .nullable()
      .describe('From which ports are drawn where a listener names none; null: any.'),
    lastSeenAt: time.nullable().describe('When it was last heard.'),
    lostAfterMs: count.describe(
      'After so long without a word its connections are ended, there and on record.',
    ),
    spoolRecords: count.describe('Records that it holds and that are not on record, as it told.'),
    clockOffsetMs: z.int().nullable().describe("Its host's clock less that of the control plane."),
    listeners: count.describe(
      'Those of the project that asks that are not closed; for an operator who names none, of all.',
    ),
    openConnections: count.describe('The same of its open connections.'),
    createdAt: time.describe('When it joined.'),
  })
  .meta({
    id: 'Node',
    description: 'What holds echo sockets on a host: an agent of its own, or built into a replica.',
  });

const joinTokenFields = {
  id: id.describe('UUIDv7: id order is the order of creation.'),
  hint: z
    .string()
    .meta({ description: 'The ends of its secret.', examples: ['kodamajoin_4hXyz…9QkL'] }),
  labels: labels.describe('Of the nodes that join with it.'),
  shared: z.boolean().describe('Whether these serve every project.'),
  uses: count.describe('How many nodes may join with it.'),
  used: count.describe('How many have.'),
  createdBy: actorResource,
  createdAt: time.describe('When it was made.'),
  expiresAt: time.describe('When it ends by itself.'),
  revokedAt: time.nullable().describe('When it was revoked.'),
};

export const joinTokenResource = z
  .object(joinTokenFields)
  .meta({ id: 'JoinToken', description: 'By which nodes join a project, without its secret.' });

export const toldJoinTokenResource = z
  .object({
    ...joinTokenFields,
    secret: z
      .string()
      .nullable()
      .describe('Told once: null in the answer to a repeat under an Idempotency-Key.'),
    joinUrl: z.string().nullable().describe('Where nodes join; null while the gateway is off.'),
  })
  .meta({ id: 'ToldJoinToken', description: 'A join token with its secret.' });
