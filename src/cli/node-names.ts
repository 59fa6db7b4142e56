/** What nodes are called, for answers that have their ids alone. */
import type { OwnProject, RestClient } from './rest-client.ts';

/** The id itself of a node that is not known. */
export type NodeName = (nodeId: string) => string;

/** The oldest so many; of what was removed after them the ids are shown. */
const removedMax = 5000;

/**
 * Of those that the caller may list: who may list none is not refused it, which would be in the audit, but shown ids.
 * Removed ones are only looked for where one of `shown` may be: null is whichever will be.
 */
export async function nodeNames(
  client: RestClient,
  shown: readonly string[] | null,
): Promise<NodeName> {
  const { scopes } = await client.get<OwnProject>('/v1/projects/self');
  if (!scopes.includes('nodes:read')) return (nodeId) => nodeId;
  const { items } = await client.list('nodes', {});
  const names = new Map(items.map(({ id, name }) => [id, name]));
  if (shown === null || shown.some((id) => !names.has(id))) {
    const removed = await client.list('nodes', { state: 'removed' }, removedMax);
    for (const { id, name } of removed.items) names.set(id, name);
  }
  return (nodeId) => names.get(nodeId) ?? nodeId;
}
