/** How many connections of a listener are open. */
import type { ListenerView } from '../http/resources.ts';
import { useConsole } from './console-context.ts';

/** At the playhead. Where the page does not know all of them it is at least what the list of listeners told some seconds ago. */
export function useOpenCount(): (listener: ListenerView) => number {
  const { caller, log, playhead, state } = useConsole();
  const { connections } = state.value;
  const isWhole = log.timeline.isWhole && !caller.lacks('events:read');
  const isTold = playhead.seq.value === null && !isWhole;
  return ({ id, openConnections }) =>
    Math.max(connections.of(id).open.all.size, isTold ? openConnections : 0);
}
