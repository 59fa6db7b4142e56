/**
 * Which echoes may be missing from the record. A worker tells its records in the order in which things happened,
 * and they are committed in that order: what is lost with a kill is the end of that row, and nothing before it.
 *
 *   accepted by one worker:   a  b  c  d  e  f ✕ kill
 *   on record:                a  b  c  d
 *
 * So when a connection that came later to the same worker is on record, this one must be too.
 */
import type { Visit } from './clients.ts';
import type { Kill } from './lasting-process.ts';

export interface Recorded {
  readonly visit: Visit;
  readonly workerPid: number;
}

/**
 * An echo that was on its way at the kill is read by the client a little later; and workers go on for a moment until
 * they see that their control plane is gone.
 */
const slackMs = 1000;

/** Why the echo of a connection that is not on record breaks the promise; null where it may be missing. */
export function aboutLoss(
  visit: Visit,
  recorded: readonly Recorded[],
  kills: readonly Kill[],
  recording: 'batched' | 'durable',
): string | null {
  const told = JSON.stringify(visit);
  if (recording === 'durable') return `a durable echo is not on record: ${told}`;
  const echoAt = visit.firstEchoAt ?? visit.begunAt;
  const near = kills.filter(({ at }) => echoAt < at + slackMs);
  if (near.length === 0) return `an echo is not on record, and nothing was killed: ${told}`;
  // Whoever connected after this one had its echo came later to its worker, if it was the same.
  const later = recorded.filter((one) => one.visit.begunAt > echoAt);
  const isEndOfRow = near.some(({ workerPids }) =>
    workerPids.some((pid) => !later.some(({ workerPid }) => workerPid === pid)),
  );
  if (isEndOfRow) return null;
  const pids = new Set(near.flatMap(({ workerPids }) => workerPids));
  const one = later.find(({ workerPid }) => pids.has(workerPid));
  return `an echo is not on record, and later ones are: ${told}, such as ${JSON.stringify({ one, near })}`;
}
