/** How a connection went: its steps with their times, where the log told them, and the longest silence that is known of. */
import type { ConnectionView, EventView } from '../http/resources.ts';
import { spanMs } from './spans.ts';

export type StepName = 'accepted' | 'firstByte' | 'fin' | 'lastByte' | 'closed';

export interface CourseStep {
  readonly name: StepName;
  readonly time: string;
  /** Since the accept. */
  readonly afterMs: number;
  /** Of its event; null where it has none, or that is no longer kept. */
  readonly seq: number | null;
}

export function courseOf(
  connection: ConnectionView,
  events: readonly EventView[],
): readonly CourseStep[] {
  const { acceptedAt, firstByteAt, halfClosedAt, lastByteAt, closedAt } = connection;
  const seqOf = (type: string) => events.find((event) => event.type === type)?.seq ?? null;
  const told: readonly [StepName, string | null, number | null][] = [
    ['accepted', acceptedAt, seqOf('connection_opened')],
    ['firstByte', firstByteAt, null],
    // Of one moment, the last byte came before the FIN behind it.
    ['lastByte', lastByteAt === firstByteAt ? null : lastByteAt, null],
    ['fin', halfClosedAt, seqOf('connection_half_closed')],
    ['closed', closedAt, seqOf('connection_closed')],
  ];
  return told
    .flatMap(([name, time, seq]) =>
      time === null ? [] : [{ name, time, afterMs: spanMs(acceptedAt, time), seq }],
    )
    .sort((one, other) => one.afterMs - other.afterMs);
}

/**
 * Before the first byte, or behind the last one: what lies between is not on record. `until` is the server's time up to
 * which a connection that is open is known.
 */
export function longestSilenceMs(connection: ConnectionView, until: string): number {
  const { acceptedAt, firstByteAt, lastByteAt, closedAt } = connection;
  const end = closedAt ?? until;
  const spoken = lastByteAt ?? firstByteAt ?? acceptedAt;
  const first = firstByteAt === null ? 0 : spanMs(acceptedAt, firstByteAt);
  return Math.max(0, first, spanMs(spoken, end));
}
