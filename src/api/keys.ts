/** Who shows which key. Both edges read theirs from the same words, and ask here. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type Identity, type Keys, operator } from '../core/caller.ts';
import { AppError } from '../core/errors.ts';

/** The one token of the environment is an operator's; without it, whoever reaches kodama is one. */
export function tokenKeys(apiToken: string | null): Keys {
  const wanted = apiToken === null ? null : sha256(apiToken);
  return {
    async identify(secret) {
      // Digests have one length, so that the comparison tells nothing of the token.
      if (wanted === null || timingSafeEqual(sha256(secret ?? ''), wanted)) return operator;
      const what = secret === null ? 'is missing' : 'holds no valid bearer token';
      throw new AppError('unauthenticated', `authorization: ${what}`);
    },
  };
}

/**
 * By the value of an Authorization header (RFC 6750, 2.1), or of the metadata of that name.
 * @throws unauthenticated
 */
export async function identify(keys: Keys, authorization: string | undefined): Promise<Identity> {
  if (authorization === undefined || authorization === '') return await keys.identify(null);
  // What is no bearer token is shown all the same, as one that nobody has.
  return await keys.identify(/^bearer +(\S+)$/i.exec(authorization)?.[1] ?? '');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
