/**
 * How many bytes things take, so that what is bounded in number is bounded in bytes too: of a listener what its
 * caller decides, as UTF-8 of JSON; of an event or a page of them what it takes to show it, about.
 */
import type { EventDraft } from './event.ts';
import type { Listener, ListenerSpec } from './listener.ts';

/** What may be large of a listener. It is stored once for each generation, and the events of it name that. */
export type SpecBody = Pick<Listener, 'labels' | 'limits' | 'faults' | 'tls' | 'proxyProtocol'>;

/** The same of a listener that is to be made, whose `tls` holds the key too. */
export type AnySpecBody = Omit<SpecBody, 'tls'> &
  Pick<Listener, 'placement'> & { readonly tls: object | null };

/** What an item takes besides a spec: more than any connection, refusal or small listener does. */
export const itemBytes = 1024;

export function specBody({ labels, limits, faults, tls, proxyProtocol }: SpecBody): SpecBody;
export function specBody(spec: AnySpecBody): Omit<AnySpecBody, 'placement'>;
export function specBody({
  labels,
  limits,
  faults,
  tls,
  proxyProtocol,
}: SpecBody | AnySpecBody): Omit<AnySpecBody, 'placement'> {
  return { labels, limits, faults, tls, proxyProtocol };
}

export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** With where it is to be, which is as large as its caller made it, too. */
export function specBytes(spec: AnySpecBody): number {
  const { placement } = spec;
  return jsonBytes(specBody(spec)) + (placement === null ? 0 : jsonBytes(placement));
}

/** What this node holds for a listener. */
export function heldBytes(
  listener: SpecBody & Pick<Listener, 'placement'>,
  { tlsKey }: { readonly tlsKey: string | null },
): number {
  return specBytes(listener) + (tlsKey === null ? 0 : tlsKey.length);
}

/** The fields that take most of a spec, the largest first: those that together take half of it. */
export function largestFields(spec: AnySpecBody): readonly (keyof ListenerSpec | 'labels')[] {
  const sizes = Object.entries(specBody(spec))
    .map(([name, value]) => ({ name: name as keyof SpecBody, bytes: jsonBytes(value) }))
    .sort((a, b) => b.bytes - a.bytes);
  const half = sizes.reduce((sum, { bytes }) => sum + bytes, 0) / 2;
  let before = 0;
  return sizes
    .filter(({ bytes }) => {
      const isNeeded = before < half;
      before += bytes;
      return isNeeded;
    })
    .map(({ name }) => name);
}

export function eventBytes(event: EventDraft): number {
  return itemBytes + ('listener' in event ? specBytes(event.listener) : 0);
}

/** The first items, up to the one with which they hold `bytesMax`; one at least, where there is one. */
export function takeBytes<Item>(
  items: readonly Item[],
  bytesOf: (item: Item) => number,
  bytesMax: number,
): readonly Item[] {
  let bytes = 0;
  const end = items.findIndex((item) => {
    bytes += bytesOf(item);
    return bytes >= bytesMax;
  });
  return end < 0 ? items : items.slice(0, end + 1);
}
