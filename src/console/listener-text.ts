/** What a listener is called, and where it is. */
import type { ListenerView } from '../http/resources.ts';
import { addressText } from './facts.ts';

/** Who was given no name is called by the end of its id: the start is the time, alike for all that were made together. */
export function listenerName({ name, id }: Pick<ListenerView, 'name' | 'id'>): string {
  return name ?? `…${id.slice(-8)}`;
}

/** What it speaks, and where. */
export function whereText({ protocol, laddr, host, port }: ListenerView): string {
  return `${protocol} ${addressText(laddr ?? { ip: host, port })}`;
}
