/**
 * A field that stands twice in one object: JSON.parse keeps the last of them (RFC 8259, 4), and what the others ask for
 * would be dropped without a word. Counting tells whether there is one; which one it is is then looked for.
 */
import {
  closeBrace,
  closeBracket,
  colon,
  comma,
  endOfText,
  openBrace,
  openBracket,
  quote,
} from './json-excess.ts';

/** The path of the first that is given again, of what was parsed as this value; null where each is given once. */
export function repeatedField(json: Buffer, value: unknown): string | null {
  return fieldsWritten(json) === fieldsIn(value) ? null : firstRepeated(json);
}

function fieldsWritten(json: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < json.length; at += 1) {
    if (json[at] === quote) at = endOfText(json, at);
    else if (json[at] === colon) count += 1;
  }
  return count;
}

function fieldsIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner: readonly unknown[] = Object.values(value);
  return inner.reduce<number>(
    (sum, each) => sum + fieldsIn(each),
    Array.isArray(value) ? 0 : inner.length,
  );
}

interface Open {
  readonly path: string;
  readonly isList: boolean;
  readonly names: Set<string>;
  index: number;
}

function firstRepeated(json: Buffer): string | null {
  const open: Open[] = [];
  /** Where the last text is, and where the value stands that comes next. */
  let text = { begin: 0, end: 0 };
  let path = '';
  for (let at = 0; at < json.length; at += 1) {
    const within = open.at(-1);
    switch (json[at]) {
      case quote:
        text = { begin: at, end: endOfText(json, at) + 1 };
        at = text.end - 1;
        break;
      case colon: {
        const name = String(JSON.parse(json.toString('utf8', text.begin, text.end)));
        path = within === undefined || within.path === '' ? name : `${within.path}.${name}`;
        if (within?.names.has(name)) return path;
        within?.names.add(name);
        break;
      }
      case comma:
        if (within?.isList) path = `${within.path}[${++within.index}]`;
        break;
      case openBrace:
      case openBracket: {
        const isList = json[at] === openBracket;
        open.push({ path, isList, names: new Set(), index: 0 });
        if (isList) path = `${path}[0]`;
        break;
      }
      case closeBrace:
      case closeBracket:
        open.pop();
        break;
    }
  }
  return null;
}
