/** A key: who may show it, for which project, and what it allows. Its secret is told once and is nowhere. */
import { type Actor, type Scope, scopes } from '../core/caller.ts';
import { AppError } from '../core/errors.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Micros } from '../core/time.ts';

export interface ApiKey {
  readonly id: string;
  /** Null: an operator's. */
  readonly project: string | null;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The first and last characters of its secret. */
  readonly hint: string;
  readonly createdBy: Actor;
  readonly createdAt: Micros;
  readonly expiresAt: Micros | null;
  /** While a rotation overlaps: when the secret of before it ends. */
  readonly formerSecretEndsAt: Micros | null;
  /** Behind by up to a minute. */
  readonly lastUsedAt: Micros | null;
  readonly lastUsedIp: string | null;
  readonly revokedAt: Micros | null;
}

/** With its secret, which is null where it was told before. */
export type ToldKey = ApiKey & { readonly secret: string | null };

/** What a key is found by, and what it lets its caller do. */
export interface FoundKey {
  readonly id: string;
  readonly project: { readonly ref: ProjectRef; readonly name: string } | null;
  readonly scopes: readonly Scope[];
  readonly hint: string;
  readonly digest: Buffer;
  readonly formerDigest: Buffer | null;
  readonly expiresAt: Micros | null;
  readonly formerSecretEndsAt: Micros | null;
  readonly revokedAt: Micros | null;
  /** Its project is being deleted. */
  readonly isFrozen: boolean;
}

const sharedResources = ['listeners', 'connections', 'events', 'nodes'] as const;
const shortForms: readonly string[] = ['read', 'write'];
/** Those that only a key of no project can have. */
const operatorScopes: ReadonlySet<Scope> = new Set(['metrics:read', 'operator']);

export const scopeWords = [...scopes, 'read', 'write'] as const;
export type ScopeWord = (typeof scopeWords)[number];

/** `read` and `write` stand for those of listeners, connections, events and nodes. In the order of `scopes`. */
export function expandScopes(words: readonly ScopeWord[]): readonly Scope[] {
  const named = words.flatMap((word) =>
    shortForms.includes(word) ? sharedResources.map((resource) => `${resource}:${word}`) : [word],
  );
  return scopes.filter((scope) => named.includes(scope));
}

/** @throws permission_denied for scopes that the giver has not, or that no key of a project can have */
export function assertGivable(
  wanted: readonly Scope[],
  giver: ReadonlySet<Scope>,
  isOfProject: boolean,
): void {
  const refused = wanted.find((scope) => !giver.has(scope));
  if (refused !== undefined) {
    const message = `a key gives at most what its giver has: not ${refused}`;
    throw new AppError('permission_denied', message, { scope: refused });
  }
  const foreign = isOfProject ? wanted.find((scope) => operatorScopes.has(scope)) : undefined;
  if (foreign === undefined) return;
  const message = `${foreign} is for keys of no project`;
  throw new AppError('permission_denied', message, { scope: foreign });
}
