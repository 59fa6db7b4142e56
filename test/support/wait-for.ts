const pollMinMs = 5;
const pollMaxMs = 100;

/** For what is about time itself; whoever waits for something else waits for that. */
export async function passed(ms: number): Promise<void> {
  await new Promise((next) => setTimeout(next, ms));
}

/**
 * Polls until the condition holds, and says what it waited for when the deadline passes. The longer it has waited, the
 * less often it looks, since many conditions cost a call: what takes long is seen at most a tenth later.
 * The last look begins behind the deadline: what an earlier one saw, however long it took, may hold no more.
 */
export async function waitFor<Value>(
  what: string | (() => string),
  condition: () => Value | Promise<Value>,
  timeoutMs = 20_000,
): Promise<NonNullable<Value>> {
  const startedAt = performance.now();
  for (;;) {
    const waitedMs = performance.now() - startedAt;
    const value = await condition();
    if (value) return value;
    if (waitedMs > timeoutMs) {
      throw new Error(`waited ${timeoutMs} ms for ${typeof what === 'string' ? what : what()}`);
    }
    await passed(Math.min(Math.max(pollMinMs, waitedMs / 10), pollMaxMs));
  }
}
