/** Whether a project has room for one more of what is counted exactly. */
import { limitReached } from '../core/errors.ts';
import { defaultProject } from '../core/project.ts';
import { noProject } from '../tenancy/projects.ts';
import type { KnownProject } from '../tenancy/store.ts';
import type { Transaction } from './lazy-prisma.ts';

/**
 * Its row is held until the end of the transaction, and that of `default` for what is of none: so no two see the last
 * room. @throws not_found for one that is being deleted
 */
export async function holdProject(
  transaction: Transaction,
  project: Pick<KnownProject, 'ref' | 'name'> | null,
): Promise<void> {
  const held = await transaction.$queryRaw<object[]>`
    SELECT ref FROM projects WHERE ref = ${project?.ref ?? defaultProject} AND state = 'active' FOR UPDATE`;
  if (held.length === 0) throw noProject(project?.name ?? '');
}

export interface Room {
  readonly what: string;
  readonly limit: string;
  readonly limitValue: number;
}

/** @throws resource_exhausted */
export function assertBelow(count: number, { what, limit, limitValue }: Room): void {
  if (count < limitValue) return;
  throw limitReached(limit, limitValue, `at most ${limitValue} ${what}`);
}
