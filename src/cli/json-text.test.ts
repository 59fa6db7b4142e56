import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { escapedJson, jsonText, yamlText } from './json-text.ts';

const signs = ['\u007f', '\u0085', '\u009b31m', '\u00ad', '\u200b', '\u202e', '\u2028', '\u2029'];
const all = [...signs, '\ufeff', '\u{e0001}', '\u{1d173}', '\x1b[31m', '\ud800'];
const seen = { name: 'plain', 木霊: ['é', '😀', 'a: b', '- c', 'two\nlines'], none: null, n: 1.5 };
const value = {
  ...seen,
  signs: all,
  'key\u202e': `${all.slice(0, -1).join(' and then, so that the line is a long one, ')}\nend`,
};
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

test('JSON has no sign that nobody sees, and is the same JSON', () => {
  expect(JSON.stringify(value)).toMatch(unseen);
  for (const text of [jsonText(value), escapedJson(JSON.stringify(value))]) {
    expect(text).not.toMatch(unseen);
    expect(JSON.parse(text)).toEqual(value);
  }
  expect(jsonText(seen)).toBe(JSON.stringify(seen));
});

test('neither has YAML, apart from its lines, and it is the same YAML', async () => {
  const { signs: _, ...rest } = value;
  const whole = { ...rest, signs: all.slice(0, -1) };
  const text = await yamlText(whole);
  expect(text.replaceAll('\n', '')).not.toMatch(unseen);
  expect(parse(text)).toEqual(whole);
  expect(await yamlText(seen)).toBe(stringify(seen));
});
