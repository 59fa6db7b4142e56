/** Acts of attackers and bystanders, at a rate that is theirs and not that of the answers. */

/** Rejects nothing: ends early when the signal does. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, Math.max(0, ms));
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}

/** Acts again and again, at most so often a second, until the signal; the next waits for the one before. */
export async function paced(
  perSecond: number,
  signal: AbortSignal,
  act: (index: number) => Promise<unknown>,
): Promise<void> {
  for (let index = 0; !signal.aborted; index += 1) {
    const startedAt = performance.now();
    await act(index);
    await pause(1000 / perSecond - (performance.now() - startedAt), signal);
  }
}

/** So many at once, each until the signal. */
export async function many(count: number, act: (index: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => act(index)));
}
