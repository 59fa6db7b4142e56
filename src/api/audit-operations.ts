/** The operation of the audit, which is read only: what changes something writes its own entry. */
import { z } from 'zod';
import { errorCodes } from '../core/errors.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import { operation } from './operation.ts';
import { pageFields } from './queries.ts';
import { printable, time } from './values.ts';

const outcomes: readonly string[] = ['ok', ...errorCodes];
/** No enumeration: the protos say it as text, since codes are no enum there either. */
const outcome = z
  .string()
  .refine((text) => outcomes.includes(text), { error: 'must be ok, or the code of an error' })
  .meta({ examples: ['ok', 'permission_denied'] });

export function auditOperations(bounds: ListenerBounds) {
  return {
    listAuditEntries: operation({
      name: 'listAuditEntries',
      scope: 'audit:read',
      input: z.strictObject({
        actor: printable(128)
          .optional()
          .describe('The id of a key, the name of a node, operator, or system.'),
        operation: printable(64).optional().describe('Its name, such as createListener.'),
        resource: printable(128).optional().describe('Its id or name.'),
        outcome: outcome.optional().describe('ok, or the code of an error.'),
        after: time.optional().describe('At this time or later.'),
        before: time.optional().describe('Before this time.'),
        ...pageFields(bounds),
      }),
      run({ audit }, caller, { input }) {
        const { pageSize, pageToken, ...query } = input;
        return audit.list(caller, query, { pageSize, pageToken });
      },
    }),
  };
}
