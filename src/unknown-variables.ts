/** A variable that is misspelt would otherwise be passed over in silence, and its default be used. */

/** Read by other programs of the project, or by the scripts around them. */
const ofOthers = new Set([
  'KODAMA_URL',
  'KODAMA_JOIN_TOKEN',
  'KODAMA_PROJECT',
  'KODAMA_CA_CERT',
  'KODAMA_HOST',
  'KODAMA_PORT',
  'KODAMA_LISTENER',
]);

/** A sentence for each name that begins as ours do and is not one, with the nearest that is. */
export function unknownVariables(
  given: readonly string[],
  known: readonly string[],
): readonly string[] {
  const isStrange = (name: string) => /^KODAMA_/i.test(name) && !known.includes(name);
  return given
    .filter((name) => isStrange(name) && !ofOthers.has(name))
    .map(
      (name) => `${name} is not a variable of kodama's, so it has no effect${hint(name, known)}`,
    );
}

function hint(name: string, known: readonly string[]): string {
  const ranked = known
    .map((one) => ({ one, distance: editDistance(name.toUpperCase(), one) }))
    .toSorted((a, b) => a.distance - b.distance);
  const [nearest] = ranked;
  const isNear = nearest !== undefined && nearest.distance <= Math.max(3, name.length / 4);
  return isNear ? `: is it ${nearest.one} that is meant?` : '';
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
