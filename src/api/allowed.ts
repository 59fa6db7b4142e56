/** What a caller may do by the scopes of its key. */
import type { Identity, Scope } from '../core/caller.ts';
import { AppError } from '../core/errors.ts';

/** @throws permission_denied */
export function assertAllowed(
  caller: Identity,
  { name, scope }: { readonly name: string; readonly scope: Scope | null },
): void {
  if (scope === null || caller.scopes.has(scope)) return;
  throw new AppError('permission_denied', `${name} wants the scope ${scope}`, { scope });
}
