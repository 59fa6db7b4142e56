/** Keys by their names: the API takes a key by its id alone. */
import { failed } from './failure.ts';
import type { Key, OwnProject, RestClient } from './rest-client.ts';
import { keyState } from './tenancy-tables.ts';

const id = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

export function isId(text: string): boolean {
  return id.test(text);
}

/** Those that ended are among them, and for operators those of no project. */
export async function keysNamed(
  client: RestClient,
  scopes: OwnProject['scopes'],
  wanted: string,
): Promise<readonly Key[]> {
  const queries = scopes.includes('operator') ? [{}, { operators: true }] : [{}];
  const lists = await Promise.all(queries.map((query) => client.list('keys', query)));
  return lists.flatMap(({ items }) => items).filter(({ name }) => name === wanted);
}

/** @throws CommandFailure where no key is called so, or several are */
export function onlyKeyId(keys: readonly Key[], wanted: string, none: string): string {
  const [key, ...others] = keys;
  if (key === undefined) throw failed(none);
  if (others.length === 0) return key.id;
  const ids = keys.map(({ id: one }) => one).join(', ');
  throw failed(`${keys.length} keys are called ${wanted}: ${ids}`);
}

/** The id of one that has not ended. @throws CommandFailure as onlyKeyId does */
export async function keyIdOf(client: RestClient, idOrName: string): Promise<string> {
  if (isId(idOrName)) return idOrName;
  // What the caller may not list it is not refused, which would be in the audit.
  const { scopes } = await client.get<OwnProject>('/v1/projects/self');
  if (!scopes.includes('keys:read')) {
    throw failed('keys may not be listed: a key is given by its id');
  }
  const now = Date.now();
  const named = await keysNamed(client, scopes, idOrName);
  const live = named.filter((key) => !['revoked', 'expired'].includes(keyState(key, now)));
  return onlyKeyId(live, idOrName, `no key that has not ended is called ${idOrName}`);
}
