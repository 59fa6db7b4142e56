/** How the connections of a listener went lately, by the events of the window; and the line that holds a CI run to it. */
import type { EventView } from '../http/resources.ts';
import { inShell, whereFlags } from './curl-line.ts';
import { spanMs } from './spans.ts';

export const minutes = 15;

export interface RecentEnds {
  /** In each of the minutes, the oldest first. */
  readonly opened: readonly number[];
  readonly openedCount: number;
  /** The most frequent first. */
  readonly reasons: readonly (readonly [reason: string, count: number])[];
  readonly refusedCount: number;
}

/** Up to the event at seq. "Lately" is before that event: the page's own clock is another one. */
export function recentEnds(
  events: readonly EventView[],
  listenerId: string,
  seq: number,
): RecentEnds {
  const opened = new Array<number>(minutes).fill(0);
  const reasons = new Map<string, number>();
  let refusedCount = 0;
  const newest = events.findLast((event) => event.seq <= seq)?.time ?? '';
  for (let at = events.length - 1; at >= 0; at--) {
    const event = events[at];
    if (event === undefined || event.seq > seq) continue;
    const minute = minutes - 1 - Math.floor(spanMs(event.time, newest) / 60_000);
    if (minute < -1) break;
    if (minute < 0 || event.listenerId !== listenerId) continue;
    const reason = event.connection?.closeReason;
    if (event.type === 'connection_opened') opened[minute] = (opened[minute] ?? 0) + 1;
    else if (event.type === 'connection_refused') refusedCount += event.refusal?.count ?? 1;
    else if (reason) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const openedCount = opened.reduce((sum, count) => sum + count, 0);
  const sorted = [...reasons].sort(([, one], [, other]) => other - one);
  return { opened, openedCount, reasons: sorted, refusedCount };
}

/** Waits for what has been seen: so it holds here, and is to be made to fit. */
export function waitLine(
  name: string,
  { reasons, openedCount }: RecentEnds,
  origin: string,
  project: string | null,
): string {
  const byFault = reasons.find(([reason]) => reason === 'fault') ?? reasons[0];
  const wanted =
    byFault === undefined
      ? `--at-least ${Math.max(1, openedCount)}`
      : `--at-least ${byFault[1]} --close-reason ${byFault[0]}`;
  const where = whereFlags(origin, project);
  return `kodama wait ${inShell(name)} ${wanted} --timeout 10s${where}`;
}
