/** Does the work for each item, for at most so many at once. The first failure ends it, once what was begun is over. */
export async function inParallel<Item>(
  items: readonly Item[],
  atOnceMax: number,
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  const rest = items.values();
  let hasFailed = false;
  const takeTurns = async (): Promise<void> => {
    for (const item of rest) {
      // The iterator of a list goes on for the others, whoever leaves it.
      if (hasFailed) return;
      try {
        await work(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  const turns = Array.from({ length: Math.min(atOnceMax, items.length) }, takeTurns);
  const outcomes = await Promise.allSettled(turns);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}
