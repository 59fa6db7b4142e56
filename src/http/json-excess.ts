/**
 * What JSON has in it beyond what is read of any: JSON.parse takes a hundred times as long for a megabyte of brackets
 * within brackets as for one of values, and several times as long for one of names that it has not seen before. This
 * looks at each byte once. Of what is no JSON it may say either.
 */
export function excessOf(json: Uint8Array, bounds: JsonBounds): Excess | null {
  const { depthMax, partsMax, entriesMax } = bounds;
  const closing = new Uint8Array(depthMax);
  /** Of each that is open: how many are there before its last. */
  const entries = new Uint32Array(depthMax + 1);
  let depth = 0;
  let parts = 0;
  let before = 0;
  /** Where the last item or field began. */
  let edge = 0;
  const excess = (bound: keyof JsonBounds): Excess => {
    const ends = closing.subarray(0, depth).toReversed();
    return { bound, beginning: Buffer.concat([json.subarray(0, edge), ends]) };
  };
  for (let at = 0; at < json.length; at += 1) {
    switch (json[at]) {
      case quote:
        at = endOfText(json, at);
        break;
      case comma:
        edge = at;
        before = (entries[depth] ?? 0) + 1;
        if (before >= entriesMax) return excess('entriesMax');
        entries[depth] = before;
        break;
      case colon:
        parts += 1;
        if (parts > partsMax) return excess('partsMax');
        break;
      case openBrace:
      case openBracket:
        parts += 1;
        if (depth === depthMax) return excess('depthMax');
        if (parts > partsMax) return excess('partsMax');
        closing[depth] = json[at] === openBrace ? closeBrace : closeBracket;
        depth += 1;
        entries[depth] = 0;
        edge = at + 1;
        break;
      case closeBrace:
      case closeBracket:
        depth = Math.max(0, depth - 1);
        break;
    }
  }
  return null;
}

export interface JsonBounds {
  /** Brackets within brackets. */
  readonly depthMax: number;
  /** Objects, lists and fields. */
  readonly partsMax: number;
  /** Fields of one object, or items of one list. */
  readonly entriesMax: number;
}

export interface Excess {
  readonly bound: keyof JsonBounds;
  /** All that stands before it, ended as JSON. */
  readonly beginning: Uint8Array;
}

/** Where the text that begins there ends: at its other quote. */
export function endOfText(json: Uint8Array, begin: number): number {
  let at = begin + 1;
  for (; at < json.length && json[at] !== quote; at += 1) if (json[at] === backslash) at += 1;
  return at;
}

export const quote = 0x22;
export const comma = 0x2c;
export const colon = 0x3a;
export const openBracket = 0x5b;
const backslash = 0x5c;
export const closeBracket = 0x5d;
export const openBrace = 0x7b;
export const closeBrace = 0x7d;
