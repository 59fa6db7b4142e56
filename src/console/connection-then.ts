/** A connection of which nothing is told at a time of the past, by its record of now. */
import type { ConnectionView } from '../http/resources.ts';

/** Null where it had not been accepted by then. Its counters are those of now. */
export function connectionThen(
  connection: ConnectionView,
  time: string | undefined,
): ConnectionView | null {
  const { acceptedAt, halfClosedAt, closedAt } = connection;
  if (time === undefined || (closedAt !== null && closedAt <= time)) return connection;
  if (acceptedAt > time) return null;
  const isHalfClosed = halfClosedAt !== null && halfClosedAt <= time;
  if (closedAt === null && isHalfClosed === (halfClosedAt !== null)) return connection;
  return {
    ...connection,
    ...{ closedAt: null, closeInitiator: null, closeReason: null, error: null },
    ...(isHalfClosed ? { state: 'half_closed' } : { state: 'open', halfClosedAt: null }),
  };
}
