/** Whether a key that was found may still be shown, and who shows it. */
import { timingSafeEqual } from 'node:crypto';
import { type Identity, operator } from '../core/caller.ts';
import { AppError } from '../core/errors.ts';
import type { FoundKey } from './api-key.ts';

/** Of a key that is known, and holds no more. */
export class KeyEnded extends AppError {
  readonly key: FoundKey;

  constructor(key: FoundKey, what: string) {
    super('unauthenticated', `authorization: ${what}`);
    this.key = key;
  }
}

export function identityOf(key: FoundKey, digest: string): Identity {
  const { project, scopes, expiresAt } = key;
  return {
    project: project?.name ?? operator.project,
    actor: actorOf(key),
    scopes: new Set(scopes),
    ...{ isProjectNamed: false, digest, expiresAt },
  };
}

export function actorOf({ id, project, hint }: FoundKey): Identity['actor'] {
  return { kind: project === null ? 'operator' : 'key', id, hint };
}

/** @throws unauthenticated */
export function assertGood(key: FoundKey, digest: string, now: number): void {
  const shown = Buffer.from(digest, 'hex');
  const { formerDigest, formerSecretEndsAt, expiresAt } = key;
  const isFormer = formerDigest !== null && timingSafeEqual(formerDigest, shown);
  const isOverlap = isFormer && formerSecretEndsAt !== null && formerSecretEndsAt > now;
  if (key.revokedAt !== null) throw new KeyEnded(key, 'the key is revoked');
  if (expiresAt !== null && expiresAt <= now) throw new KeyEnded(key, 'the key has expired');
  if (!timingSafeEqual(key.digest, shown) && !isOverlap) {
    throw new KeyEnded(key, 'the key has another secret since it was rotated');
  }
  if (key.isFrozen) throw new KeyEnded(key, "the key's project is being deleted");
}

export function ended(): AppError {
  return unauthenticated('the key is no more');
}

export function unauthenticated(what: string): AppError {
  return new AppError('unauthenticated', `authorization: ${what}`);
}
