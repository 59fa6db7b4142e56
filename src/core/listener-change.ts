/** What a patch makes of a listener. */
import { isDeepStrictEqual } from 'node:util';
import { type Listener, type ListenerPatch, mergeLimits } from './listener.ts';

export type ListenerChange = Pick<
  Listener,
  'name' | 'labels' | 'limits' | 'faults' | 'expiresAt' | 'generation'
>;

/** Null where all stays as it is. Only another spec is another generation, behind the newest that any spec was given. */
export function changeOf(
  listener: Listener,
  patch: ListenerPatch,
  newest = listener.generation,
): ListenerChange | null {
  const { name = listener.name, expiresAt = listener.expiresAt } = patch;
  const given = {
    labels: patch.labels ?? listener.labels,
    limits: mergeLimits(listener.limits, patch.limits ?? {}),
    faults: patch.faults ?? listener.faults,
  };
  const { labels, limits, faults, generation } = listener;
  const spec = { labels, limits, faults };
  if (!isSame(given, spec)) return { ...given, name, expiresAt, generation: newest + 1 };
  if (name === listener.name && expiresAt === listener.expiresAt) return null;
  return { ...spec, name, expiresAt, generation };
}

/** As JSON: neither the order of fields nor one that is undefined makes a difference. */
function isSame(a: object, b: object): boolean {
  const plain = (value: object): unknown => JSON.parse(JSON.stringify(value));
  return isDeepStrictEqual(plain(a), plain(b));
}
