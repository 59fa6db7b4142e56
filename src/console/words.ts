/** What the page says, in the language of its reader: a word that one language lacks does not compile. */
import { english, type Words } from './words-english.ts';
import { japanese } from './words-japanese.ts';

/** By the first of the reader's languages (BCP 47) that there are words in. */
export function wordsFor(languages: readonly string[]): Words {
  const known = languages.map((language) => language.split('-')[0]?.toLowerCase());
  const first = known.find((language) => language === 'en' || language === 'ja');
  return first === 'ja' ? japanese : english;
}
