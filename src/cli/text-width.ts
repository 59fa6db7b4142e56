/** How many columns of a terminal text takes: what people write in other scripts is wider, or joins what it stands behind. */

const narrow = /^[\x20-\x7e]*$/;
/** Wide and full-width by https://www.unicode.org/reports/tr11/, and what is shown as a picture. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;
/** They stand on what is before them, or nowhere. */
const alone = /^[\p{Mark}\p{Format}]+$/u;
let segmenter: Intl.Segmenter | null = null;

export function widthOf(text: string): number {
  if (narrow.test(text)) return text.length;
  return charactersOf(text).reduce((sum, character) => sum + characterWidth(character), 0);
}

/** As much of its beginning as takes so many columns; the rest is told by a dot. */
export function cutTo(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  if (columns < 1) return '';
  let left = columns - 1;
  const kept: string[] = [];
  for (const character of charactersOf(text)) {
    left -= characterWidth(character);
    if (left < 0) break;
    kept.push(character);
  }
  return `${kept.join('')}…`;
}

/** As a reader counts them. */
function charactersOf(text: string): readonly string[] {
  segmenter ??= new Intl.Segmenter();
  return [...segmenter.segment(text)].map(({ segment }) => segment);
}

function characterWidth(character: string): number {
  if (alone.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}
