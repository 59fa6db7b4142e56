/** What routes have in common for the API page: their errors, pages and headers. */
import { z } from 'zod';
import { projectHeader } from '../api/keys.ts';
import { type ErrorCode, errorCodes } from '../core/errors.ts';
import { openWords } from './open-words.ts';
import { problemType, statuses } from './problem.ts';
import { connectionResource, eventResource } from './resources.ts';

const problemResource = z
  .object({
    type: z
      .string()
      .meta({ description: 'A URN of the code.', examples: ['urn:kodama:error:port_in_use'] }),
    title: z.string().describe('What the code means.'),
    status: z.int().describe('The status of the response.'),
    detail: z.string().describe('What went wrong, in words.'),
    code: z.enum(errorCodes).describe(`What went wrong, for programs. ${openWords}`),
    requestId: z.string().describe('Names this request in the log of the server.'),
    errors: z
      .array(
        z.object({
          path: z.string().describe('The field as the caller wrote it.'),
          message: z.string().describe('What is wrong with it.'),
        }),
      )
      .optional()
      .describe('invalid_argument: each field that is wrong.'),
    owner: z
      .string()
      .optional()
      .describe(
        'port_in_use: the id of the listener that has the port, `foreign` or `resting`. already_exists: the id of the ' +
          'listener or key that has the name.',
      ),
    oldestSeq: z.int().optional().describe('cursor_expired: the oldest event that is kept.'),
    log: z.string().optional().describe('cursor_expired, log_changed: the log that is there.'),
    headSeq: z.int().optional().describe('A cursor above the head: the newest event.'),
    limit: z.string().optional().describe('resource_exhausted: the name of the limit.'),
    limitValue: z.number().optional().describe('resource_exhausted: its value.'),
    why: z
      .string()
      .optional()
      .describe(
        `cursor_expired: log_changed, of another log. not_met: timeout, exceeded (more than max, and they stay), or over (nobody can come). ${openWords}`,
      ),
    count: z.int().optional().describe('not_met: how many matched; 1001 is more than 1,000.'),
    min: z.int().optional().describe('not_met: at least so many were asked for.'),
    max: z.int().optional().describe('not_met: no more than so many were asked for.'),
    seq: z.int().optional().describe('not_met: where the log stood.'),
    connections: z.array(connectionResource).optional().describe('not_met: those that matched.'),
    events: z.array(eventResource).optional().describe('not_met: those that matched.'),
    near: z
      .array(
        z.looseObject({
          differs: z
            .array(z.string())
            .meta({ description: 'In what.', examples: [['closeReason: peer_rst, not peer_fin']] }),
        }),
      )
      .optional()
      .describe('not_met: the newest connections or events of the same listeners that differ.'),
    scope: z
      .string()
      .optional()
      .describe('permission_denied: the scope that the key would have to hold.'),
    resumeAfterSeq: z
      .int()
      .optional()
      .describe('A stream that had begun: where it stood. Go on with it as afterSeq.'),
    problems: z.array(z.string()).optional().describe('What keeps a node from being ready.'),
  })
  .meta({
    id: 'Problem',
    description: 'Problem details (RFC 9457).',
    examples: [
      {
        type: 'urn:kodama:error:port_in_use',
        title: 'The port is in use',
        status: 409,
        detail: '127.0.0.1:4000 is in use',
        code: 'port_in_use',
        requestId: '5f0c9a52-5b0e-4a86-9a5c-2f6c8f5f4f43',
        owner: 'foreign',
      },
    ],
  });

const problemContent = { [problemType]: { schema: problemResource } };
const everywhere: readonly ErrorCode[] = [
  'invalid_argument',
  'unauthenticated',
  'permission_denied',
  // The project that the request names.
  'not_found',
  // Of a project, its requests per second.
  'resource_exhausted',
  'internal',
  'unavailable',
];

/** The error responses of a route, by status, with the codes that each may have. */
export function problemResponses(...codes: readonly ErrorCode[]) {
  const all = [...new Set([...everywhere, ...codes])];
  const byStatus = Map.groupBy(all, (code) => statuses[code][0]);
  const sorted = [...byStatus].toSorted(([a], [b]) => a - b);
  return {
    ...Object.fromEntries(
      sorted.map(([status, group]) => [
        status,
        { description: group.map(codeText).join('; '), content: problemContent },
      ]),
    ),
    default: {
      description: 'Any other failure, such as a body that is too large (413): its code tells.',
      content: problemContent,
    },
  };
}

function codeText(code: ErrorCode): string {
  return `\`${code}\`: ${statuses[code][1].toLowerCase()}`;
}

/**
 * A body's name among the components, and what a page fills in; the first works as it is. zod leaves `examples` out where
 * a schema transforms, so they go by the extension that @fastify/swagger reads.
 */
export function bodyMeta(title: string, bodies: readonly object[]) {
  const named = bodies.map((value, index) => [`example${index + 1}`, { value }]);
  return { title, 'x-examples': Object.fromEntries(named) };
}

/** What a route answers when all is well. */
export function answer<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { 'application/json': { schema } } };
}

export const logId = z
  .string()
  .describe('Which log the seqs are of: `log` of what goes on from them.');

/** What a wait answers when it is met. */
export function waited<Name extends string>(name: Name, item: z.ZodType) {
  return z.object({
    met: z.literal(true).describe('Always; else the answer is a problem, not_met.'),
    count: z.int().min(0).describe('How many match; 1001 is more than 1,000.'),
    seq: z.int().min(0).describe('Where the log stood: afterSeq of the next wait.'),
    log: logId,
    [name]: z.array(item).describe('The oldest of them, at most pageSize.'),
  });
}

export const nextPageToken = z
  .string()
  .optional()
  .describe('Ask with it as pageToken for the next page; absent at the end.');

export const callHeaders = z.object({
  [projectHeader]: z
    .string()
    .optional()
    .describe('The project of the call; without it that of the key, and `default` for an operator.')
    .meta({ examples: ['team-a'] }),
});

export const onceHeaders = callHeaders.extend({
  'idempotency-key': z
    .string()
    .optional()
    .describe(
      '1 to 255 visible ASCII characters. Repeating a request under its key within 24 hours gets the ' +
        'first answer again, with `Idempotent-Replayed: true`, and has no second effect.',
    )
    .meta({ examples: ['ci-run-4711'] }),
});

/** A route without parameters refuses all of them by name. */
export const noQuery = z.strictObject({});
