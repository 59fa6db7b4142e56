/**
 * What a worker has of the limits that a listener, or a project, counts. Each worker counts for itself, so each has a part, and the
 * parts add up to the limit. A limit too small to give each one something is shared by fewer: only they listen, so that
 * nobody is sent to a worker that lets nobody in.
 */
import type { ProjectLimits } from '../core/ports.ts';

/** The limits of the worker in this slot, from 0. With `maxConnections` 0 it has no part in it. */
export function shareOf<Limits extends ProjectLimits>(
  limits: Limits,
  slot: number,
  workers: number,
): Limits {
  if (workers === 1) return limits;
  const { maxConnections, maxConnectionsPerSource, acceptRate } = limits;
  const bounds = [maxConnections, maxConnectionsPerSource, acceptRate?.burst ?? null];
  const parts = Math.min(workers, ...bounds.filter((bound) => bound !== null));
  if (slot >= parts) return { ...limits, maxConnections: 0 };
  const partOf = (count: number) => Math.floor(count / parts) + (slot < count % parts ? 1 : 0);
  return {
    ...limits,
    maxConnections: partOf(maxConnections),
    maxConnectionsPerSource:
      maxConnectionsPerSource === null ? null : partOf(maxConnectionsPerSource),
    acceptRate:
      acceptRate === null
        ? null
        : { perSecond: acceptRate.perSecond / parts, burst: partOf(acceptRate.burst) },
  };
}
