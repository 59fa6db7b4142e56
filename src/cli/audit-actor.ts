/** Whom an audit is asked about: the API takes a key by its id alone, and a list of nobody is as empty as one of who did nothing. */
import { isId, keysNamed, onlyKeyId } from './named-keys.ts';
import type { OwnProject, RestClient } from './rest-client.ts';

const asTheyAre: readonly string[] = ['operator', 'system'];

type Scopes = OwnProject['scopes'];

/** As the API takes it. A node comes before a key of its name. @throws CommandFailure where nobody is called so */
export async function actorNamed(client: RestClient, actor: string): Promise<string> {
  if (isId(actor) || asTheyAre.includes(actor)) return actor;
  // What the caller may not list it is not refused, which would be in the audit.
  const { scopes } = await client.get<OwnProject>('/v1/projects/self');
  if (await isNode(client, scopes, actor)) return actor;
  const mayList = scopes.includes('keys:read');
  const keys = mayList ? await keysNamed(client, scopes, actor) : [];
  const none = mayList
    ? `no key or node is called ${actor}`
    : `no node is called ${actor}, and keys may not be listed: a key is given by its id`;
  return onlyKeyId(keys, actor, none);
}

/** One that was removed is in the audit still. */
async function isNode(client: RestClient, scopes: Scopes, wanted: string): Promise<boolean> {
  const { items: entries } = await client.list('entries', { actor: wanted }, 1);
  if (entries.length > 0) return true;
  if (!scopes.includes('nodes:read')) return false;
  const { items: nodes } = await client.list('nodes', {});
  return nodes.some(({ name }) => name === wanted);
}
