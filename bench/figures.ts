/** Numbers out of many measurements. */

/** The value at this share of the sorted values; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export async function timedMs(work: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/**
 * Measures each in turn, A B C A B C …, so that what the machine does meanwhile falls on all alike. Resolves to the
 * figures by name, one a round.
 */
export async function inTurn<T extends { readonly name: string }>(
  subjects: readonly T[],
  rounds: number,
  measure: (subject: T) => Promise<number>,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const figures = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const subject of subjects) figures.get(subject.name)?.push(await measure(subject));
  }
  return figures;
}

/** The median of the rounds' own ratios: steadier than the ratio of two medians. */
export function medianRatio(values: readonly number[], references: readonly number[]): number {
  return median(values.map((value, round) => value / (references[round] ?? Number.NaN)));
}
