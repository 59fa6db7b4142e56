/** A variable that is misspelt would otherwise be passed over in silence, and its default be used. */
import { nearestWord } from './core/nearest-word.ts';

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
  const nearest = nearestWord(name.toUpperCase(), known);
  return nearest === null ? '' : `: is it ${nearest} that is meant?`;
}
