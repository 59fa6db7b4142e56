/**
 * Data as programs read it, which people see as well, in a terminal or a review: whatever could move a cursor, hide text or
 * turn it around is escaped. JSON and YAML mean the same by it.
 */

/** JSON escapes the other controls, and what is half a sign, by itself. */
const unseen = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

export function jsonText(value: unknown): string {
  return escapedJson(JSON.stringify(value));
}

/** Of JSON that somebody else has written. */
export function escapedJson(json: string): string {
  // By UTF-16, as JSON has it: a sign may be two.
  return json.replace(unseen, (sign) => sign.split('').map(escaped).join(''));
}

const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Only double quotes have escapes (YAML 1.2, 5.7). */
export async function yamlText(value: unknown): Promise<string> {
  const { Document, visit } = await import('yaml');
  const document = new Document(value);
  visit(document, {
    Scalar(_, node) {
      const text = node.value;
      if (typeof text === 'string' && text.search(unseen) !== -1) node.type = 'QUOTE_DOUBLE';
    },
  });
  return String(document).replace(unseen, (sign) => {
    const code = sign.codePointAt(0) ?? 0;
    return `\\U${code.toString(16).padStart(8, '0')}`;
  });
}
