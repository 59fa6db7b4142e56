/** A listener as the API finds one for a history: who has the name or id now, else the newest closed one. */
import type { ListenerView } from '../http/resources.ts';
import { type Api, CallFailure } from './api.ts';

const pageSize = 1000;

/** Null where there is none. @throws CallFailure */
export async function findListener(
  api: Api,
  key: string,
  signal: AbortSignal,
): Promise<ListenerView | null> {
  try {
    return await api.get(`/v1/listeners/${encodeURIComponent(key)}`, {}, signal);
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error;
    if (error.problem.code !== 'not_found') throw error;
  }
  const query = { name: key, state: 'closed', pageSize };
  const { listeners } = await api.get<{ readonly listeners: readonly ListenerView[] }>(
    '/v1/listeners',
    query,
    signal,
  );
  const [newest] = listeners.toSorted((one, other) =>
    (one.closedAt ?? '') < (other.closedAt ?? '') ? 1 : -1,
  );
  return newest ?? null;
}
