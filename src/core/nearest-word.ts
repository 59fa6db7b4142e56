/** What somebody may have meant who has written a word that there is not. */

/** Null where none is near: half of it, or three letters or a quarter of a long word, would change at most. */
export function nearestWord(text: string, words: readonly string[]): string | null {
  const ranked = words
    .map((word) => ({ word, distance: editDistance(text, word) }))
    .toSorted((a, b) => a.distance - b.distance);
  const [nearest] = ranked;
  const distanceMax = Math.min(text.length / 2, Math.max(3, text.length / 4));
  return nearest !== undefined && nearest.distance <= distanceMax ? nearest.word : null;
}

/** Letters to put in, take out or change (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...to].entries()) {
      const change = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
