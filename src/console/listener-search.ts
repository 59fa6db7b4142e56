/** Which listeners a reader looks for: by any part of what is told of them. */
import type { ListenerView } from '../http/resources.ts';
import { whereText } from './listener-text.ts';

/** Of several words each has to be found. */
export function listenersWith(listeners: readonly ListenerView[], text: string): ListenerView[] {
  const words = text.toLowerCase().split(/\s+/);
  return listeners.filter((listener) => {
    const told = textOf(listener);
    return words.every((word) => told.includes(word));
  });
}

function textOf(listener: ListenerView): string {
  const { name, id, state, nodeName, labels } = listener;
  const labelTexts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const parts = [name ?? '', id, whereText(listener), state, nodeName, ...labelTexts];
  return parts.join(' ').toLowerCase();
}

/** By name as people count, `edge-2` before `edge-10`; then those without one, as they were made. */
export function byName(language: string): (one: ListenerView, other: ListenerView) => number {
  const { compare } = new Intl.Collator(language, { numeric: true });
  return (one, other) => {
    if (one.name !== null && other.name !== null) return compare(one.name, other.name);
    if (one.name !== other.name) return one.name === null ? 1 : -1;
    return one.id < other.id ? -1 : 1;
  };
}
