/**
 * What is on record is done, sooner or later: who waits for its node does so only so long. And a node hears nothing of a
 * project that can have nothing on it: what another one may have is not its business.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { hasCode } from '../core/errors.ts';
import type { DataPlane } from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';

export interface PatientOptions {
  readonly waitMs: number;
  readonly concerns: (project: ProjectRef) => boolean;
}

export function patient(dataPlane: DataPlane, { waitMs, concerns }: PatientOptions): DataPlane {
  return {
    open: (binding) => dataPlane.open(binding),
    release: (listenerId) => dataPlane.release(listenerId),
    async wish(wish) {
      const over = new AbortController();
      const { signal } = over;
      const wished = dataPlane.wish(wish).catch((error: unknown) => {
        if (!hasCode(error, 'unavailable')) throw error;
      });
      const late = delay(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
      await Promise.race([wished, late]).finally(() => over.abort());
    },
    endWish: (end) => dataPlane.endWish(end),
    limitProject(project, limits) {
      if (concerns(project)) dataPlane.limitProject(project, limits);
    },
    closeConnection: (place, mode) => dataPlane.closeConnection(place, mode),
    status: () => dataPlane.status(),
  };
}
