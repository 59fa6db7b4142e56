/** Waits for the end of a listener whose node's place another process has: a drain goes on by itself, and is on record. */
import type { Caller } from './caller.ts';
import type { ListenerDirectory } from './directories.ts';
import { isOver } from './listener.ts';
import { WakeUps } from './wake-ups.ts';

const lookMsMin = 50;
const lookMsMax = 2000;
/** Longer than a node on a host of its own takes to tell of an end. */
const graceMs = 5000;

/** Resolves with whether it is closed: a node that is not heard of any more takes longer. @throws why the caller left, unavailable */
export async function drained(
  listeners: Pick<ListenerDirectory, 'find'>,
  id: string,
  { signal, drainMs }: Pick<Caller, 'signal'> & { readonly drainMs: number },
): Promise<boolean> {
  const pauses = new WakeUps();
  const overAt = performance.now() + drainMs + graceMs;
  for (let lookMs = lookMsMin; ; lookMs = Math.min(2 * lookMs, lookMsMax)) {
    const listener = await listeners.find(id);
    if (listener === null || isOver(listener)) return true;
    if (performance.now() >= overAt) return false;
    await pauses.sleep(lookMs, signal);
    signal.throwIfAborted();
  }
}
