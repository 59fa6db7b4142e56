/** A listener as the API finds one for a history: who has the name or id now, else the newest closed one. */
import type { ListenerView } from '../http/resources.ts';
import { type Api, CallFailure } from './api.ts';

interface ListenerPage {
  readonly listeners: readonly ListenerView[];
}

/** Null where there is none. @throws CallFailure */
export async function findListener(
  api: Pick<Api, 'get'>,
  key: string,
  signal: AbortSignal,
): Promise<ListenerView | null> {
  const path = `/v1/listeners/${encodeURIComponent(key)}`;
  const found = await unlessNone(api.get<ListenerView>(path, {}, signal));
  if (found !== null) return found;
  // The list begins with the newest, which the API takes for a name: mostly, but not always, the last to be closed.
  const query = { name: key, state: 'closed', pageSize: 1 };
  const page = await unlessNone(api.get<ListenerPage>('/v1/listeners', query, signal));
  return page?.listeners[0] ?? null;
}

/** What no listener can be called is refused, and is the name of none. */
const noneCodes: readonly string[] = ['not_found', 'invalid_argument'];

async function unlessNone<Answer>(asked: Promise<Answer>): Promise<Answer | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof CallFailure && noneCodes.includes(error.problem.code)) return null;
    throw error;
  }
}
