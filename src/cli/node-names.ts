/** What nodes are called, for answers that have their ids alone. */
import type { OwnProject, RestClient } from './rest-client.ts';

/** The id itself of a node that is not known. */
export type NodeName = (nodeId: string) => string;

/** Of those that the caller may list: who may list none is not refused it, which would be in the audit, but shown ids. */
export async function nodeNames(client: RestClient): Promise<NodeName> {
  const { scopes } = await client.get<OwnProject>('/v1/projects/self');
  if (!scopes.includes('nodes:read')) return (nodeId) => nodeId;
  const { items } = await client.list('nodes', {});
  const names = new Map(items.map(({ id, name }) => [id, name]));
  return (nodeId) => names.get(nodeId) ?? nodeId;
}
