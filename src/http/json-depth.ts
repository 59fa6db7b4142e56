/**
 * Whether brackets stand within brackets deeper than that, outside of text. JSON.parse takes a hundred times as long for a
 * megabyte of them as for one of values; this looks at each byte once. Of what is no JSON it may say either.
 */
export function isDeeper(json: Uint8Array, depthMax: number): boolean {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === quote) isText = !isText;
    else if (isText) {
      if (byte === backslash) at += 1;
    } else if (byte === openBrace || byte === openBracket) {
      depth += 1;
      if (depth > depthMax) return true;
    } else if (byte === closeBrace || byte === closeBracket) depth -= 1;
  }
  return false;
}

const [quote, backslash, openBrace, openBracket, closeBrace, closeBracket] = Buffer.from('"\\{[}]');
