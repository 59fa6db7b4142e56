/** The operation of the audit, which is read only: what changes something writes its own entry. */
import { z } from 'zod';
import { errorCodes } from '../core/errors.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import { nearestWord } from '../core/nearest-word.ts';
import { operation } from './operation.ts';
import { pageFields } from './queries.ts';
import { printable, time } from './values.ts';

const outcomes: readonly string[] = ['ok', ...errorCodes];
/** No enumeration: the protos say it as text, since codes are no enum there either. */
const outcome = z
  .string()
  .refine((text) => outcomes.includes(text), { error: 'must be ok, or the code of an error' })
  .meta({ examples: ['ok', 'permission_denied'] });

/**
 * What entries are of that is no operation: a node that joins, what nobody asked for, of earlier versions, metrics that a
 * key may not read, and the calls at which a key that had ended was shown: of metrics, of the reflection of gRPC, and of
 * what is not there.
 */
const otherNames = ['join', 'system', 'getMetrics', 'serverReflectionInfo', 'none'];

/** A name of none would match nothing, as one does of which there are no entries. */
function operationName(names: readonly string[]) {
  const error = ({ input }: { readonly input?: unknown }) => {
    const nearest = nearestWord(String(input), names);
    const hint = nearest === null ? '' : `: is it ${nearest} that is meant?`;
    return `must be the name of an operation, such as createListener${hint}`;
  };
  const known = z.string().refine((text) => names.includes(text), { error });
  return printable(64).pipe(known);
}

/** `others` are the names of all other operations. */
export function auditOperations(bounds: ListenerBounds, others: readonly string[]) {
  const name = 'listAuditEntries';
  const names = [...others, name, ...otherNames];
  return {
    listAuditEntries: operation({
      name,
      scope: 'audit:read',
      input: z.strictObject({
        actor: printable(128)
          .optional()
          .describe('The id of a key, the name of a node, operator, or system.'),
        operation: operationName(names).optional().describe('Its name, such as createListener.'),
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
