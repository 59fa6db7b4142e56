/** Why a session with an agent does not begin, as it is told. */
import { AppError } from '../core/errors.ts';
import type { Goodbye } from '../fleet/admission.ts';
import {
  commonProtocol,
  type ProtocolRange,
  rangeText,
  spokenProtocols,
} from '../wire/protocol-range.ts';
import { WireError } from '../wire/wire-error.ts';

/** The agent forgets its key. */
export const removed: Goodbye = { reason: 'this node was removed', retryAfterMs: 0, final: true };

/**
 * What is not on record may be again, with a later backup: the agent keeps its key. Rows of nodes that were removed are
 * not kept for ever, so such a one may be meant, too.
 */
export function unknownNode(retryAfterMs: number): AppError {
  const message =
    'this node is not on record: the database was put back to before it joined, or it was removed long ago; ' +
    'if that stays so, remove agent.json in its KODAMA_DATA_DIR and join with another token';
  return new AppError('failed_precondition', message, { retryAfterMs });
}

export function tooManyClaims(perSecond: number): AppError {
  const message = `more than ${perSecond} a second at this address claim to be a node`;
  return new AppError('resource_exhausted', message, { retryAfterMs: 1000 });
}

/** The protocol that both speak. @throws WireError */
export function agreed(protocols: ProtocolRange | null): number {
  const common = commonProtocol(protocols);
  if (common !== null) return common;
  const isNewer = protocols !== null && protocols.from > spokenProtocols.to;
  const [theirs, ours] = [protocols ?? { from: 1, to: 1 }, spokenProtocols].map(rangeText);
  const what = isNewer ? 'this replica' : 'the agent';
  throw new WireError(`hello: the agent speaks ${theirs}, this replica ${ours}: upgrade ${what}`);
}
