/**
 * The most that each may have of what all share, so that together they have no more than `max`: who has less leaves the
 * rest to the others. `max` itself where all fit.
 */
export function fairShare(amounts: Iterable<number>, max: number): number {
  const sorted = [...amounts].toSorted((a, b) => a - b);
  let left = max;
  for (const [index, amount] of sorted.entries()) {
    const share = left / (sorted.length - index);
    if (amount > share) return Math.floor(share);
    left -= amount;
  }
  return max;
}
