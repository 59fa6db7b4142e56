/** What a caller may do by the scopes of its key. */
import type { Caller, Identity, Scope } from '../core/caller.ts';
import { AppError } from '../core/errors.ts';
import type { Refusals } from '../tenancy/refusals.ts';

interface Asked {
  readonly name: string;
  readonly scope: Scope | null;
}

/** @throws permission_denied */
export function assertAllowed(caller: Identity, { name, scope }: Asked): void {
  if (scope === null || caller.scopes.has(scope)) return;
  throw new AppError('permission_denied', `${name} wants the scope ${scope}`, { scope });
}

/** The same, for the audit to hear. @throws permission_denied */
export function assertAllowedTold(
  refusals: Pick<Refusals, 'heard'>,
  caller: Caller,
  asked: Asked,
): void {
  try {
    assertAllowed(caller, asked);
  } catch (error) {
    throw refusals.heard(caller, error);
  }
}
