import type { Store } from './store.ts';

/** Whether the store answers in time. A probe does not wait as long as a query may. */
export async function isStoreThere(
  store: Pick<Store, 'ping'>,
  timeoutMs: number,
): Promise<boolean> {
  const timeout = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => timeout.resolve(false), timeoutMs);
  const answer = store.ping().then(
    () => true,
    () => false,
  );
  const isThere = await Promise.race([answer, timeout.promise]);
  clearTimeout(timer);
  return isThere;
}
