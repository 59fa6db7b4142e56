/** Who shows which key. Both edges read theirs from the same words, and ask here. */
import type { Identity } from '../core/caller.ts';
import type { Keys, Shown } from '../core/keys.ts';

/** What a call says of its caller, as it came; the metadata of gRPC have the same names. */
export interface Presented extends Omit<Shown, 'secret' | 'project'> {
  /** RFC 6750, 2.1. */
  readonly authorization: string | undefined;
  readonly project: string | undefined;
}

export const projectHeader = 'kodama-project';

/** What a line of the log says of whoever called: of a key its hint. */
export interface LoggedCaller {
  readonly project?: string;
  readonly keyHint?: string;
}

export function loggedCaller(identity: Identity | null): LoggedCaller {
  if (identity === null) return {};
  const { project, actor } = identity;
  return { project, ...(actor.hint !== null && { keyHint: actor.hint }) };
}

/** @throws what Keys.identify throws */
export async function identify(keys: Keys, presented: Presented): Promise<Identity> {
  const { authorization, project = null, ...rest } = presented;
  return await keys.identify({ ...rest, secret: secretOf(authorization), project });
}

function secretOf(authorization: string | undefined): string | null {
  if (authorization === undefined || authorization === '') return null;
  // What is no bearer token is shown all the same, as one that nobody has.
  return /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
}
