/** How nodes are, as the page tells it: what needs somebody comes first. */
import type { nodeResource, toldJoinTokenResource } from '../http/fleet-resources.ts';
import type { Shown } from '../http/resources.ts';
import { plainText } from '../plain-text.ts';

export type NodeView = Shown<typeof nodeResource>;
export type ToldJoinTokenView = Shown<typeof toldJoinTokenResource>;

/** A state that this page does not know of stands behind those that want somebody. */
const order: readonly string[] = ['lost', 'quarantined', 'disconnected', 'pending', 'ready'];

/** Those of one state stay as they are: in the order in which they joined. */
export function byNeed(nodes: readonly NodeView[]): readonly NodeView[] {
  const placeOf = ({ state }: NodeView) => (order.indexOf(state) + order.length) % order.length;
  return nodes.toSorted((one, other) => placeOf(one) - placeOf(other));
}

/** How many there are of each state, in the same order. */
export function stateCounts(
  nodes: readonly NodeView[],
): readonly (readonly [state: string, count: number])[] {
  const counts = Map.groupBy(byNeed(nodes), ({ state }) => state);
  return [...counts].map(([state, some]) => [state, some.length]);
}

/** When a node that is not heard counts as lost; null of one that is heard, or that is lost already. */
export function lostAt({ state, lastSeenAt, lostAfterMs }: NodeView): number | null {
  if (state !== 'disconnected' || lastSeenAt === null) return null;
  return Date.parse(lastSeenAt) + lostAfterMs;
}

/** `site=dmz env=prod`: what the host is called by is strangers' text. */
export function labelsText(labels: NodeView['labels']): string {
  return Object.entries(labels)
    .map(([name, value]) => plainText(`${name}=${value}`))
    .join(' ');
}

/** What a node is found by. */
export function searchText(node: NodeView): string {
  const { name, id, state, hostname, addresses, labels, cordoned } = node;
  const parts = [name, id, state, hostname ?? '', ...addresses, labelsText(labels)];
  return [...parts, cordoned ? 'cordoned' : ''].join(' ').toLowerCase();
}

/** Of `site=dmz, env=prod`; null where a part of it is no label. */
export function labelsOf(text: string): Record<string, string> | null {
  const parts = text.split(/[\s,]+/).filter((part) => part !== '');
  const pairs = parts.map((part) => /^([^=]+)=(.*)$/.exec(part));
  if (pairs.includes(null)) return null;
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
}

/** Whether only the host of the gateway itself reaches it. */
export function isOwnHostOnly(joinUrl: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(joinUrl).hostname);
}
