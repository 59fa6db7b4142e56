/** What the page says, in the language of its reader: a word that one language lacks does not compile. */
import { english, type Words } from './words-english.ts';

/** By the first of the reader's languages (BCP 47) that there are words in; others than English come when they are asked for. */
export async function wordsFor(languages: readonly string[]): Promise<Words> {
  const known = languages.map((language) => language.split('-')[0]?.toLowerCase());
  const first = known.find((language) => language === 'en' || language === 'ja');
  return first === 'ja' ? (await import('./words-japanese.ts')).japanese : english;
}
