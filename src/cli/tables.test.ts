import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { type Column, factsText, tableText } from './tables.ts';
import { widthOf } from './text-width.ts';

interface Row {
  readonly name: string | null;
  readonly bytes: number;
}

const columns: readonly Column<Row>[] = [
  { title: 'NAME', cell: ({ name }) => name, style: () => 'red' },
  { title: 'BYTES', width: 8, isNumber: true, cell: ({ bytes }) => bytes },
  { title: 'END', cell: () => 'peer_fin' },
];
const rows: readonly Row[] = [
  { name: 'tour', bytes: 6 },
  { name: null, bytes: 12_345 },
];

test('columns are as wide as they need to be, numbers stand to the right, nothing is a dash', () => {
  expect(tableText(columns, rows, { isColored: false })).toBe(
    'NAME  BYTES  END\ntour      6  peer_fin\n-     12345  peer_fin\n',
  );
});

test('what a stranger has sent moves no cursor and turns no text around', () => {
  const text = tableText(columns, [{ name: 'a\u001b[2Jb\u202ec\u009bd\n', bytes: 1 }], {
    isColored: false,
  });
  expect(text).toContain('a\\u{1b}[2Jb\\u{202e}c\\u{9b}d\\u{a}  ');
  expect(text.split('\n')).toHaveLength(3);
});

test.each([
  ['日本語', 6],
  ['ﾊﾝｶｸ', 4],
  ['한국어', 6],
  ['e\u0301tude', 5],
  ['👧🎉', 4],
  ['❤\ufe0f', 2],
  ['naïve — “q”', 11],
])('%s takes %i columns, and is cut at them', (name, width) => {
  const text = (columnsMax: number) => {
    const room = { rows: 10, columns: columnsMax };
    return tableText(
      columns,
      [
        { name, bytes: 1 },
        { name: 'x'.repeat(width), bytes: 2 },
      ],
      {
        ...{ isColored: false, room },
      },
    ).split('\n');
  };
  const [, one = '', other = ''] = text(80);
  expect(one).toBe(`${name}${other.slice(width).replace('2', '1')}`);
  expect(other.startsWith('x'.repeat(width))).toBe(true);
  const [, cut = ''] = text(3);
  expect(widthOf(cut)).toBeLessThanOrEqual(3);
  expect(cut).toMatch(/…$|^❤/);
});

test('colours change nothing but the colours', () => {
  const plain = tableText(columns, rows, { isColored: false });
  const colored = tableText(columns, rows, { isColored: true });
  expect(colored).not.toBe(plain);
  expect(stripVTControlCharacters(colored)).toBe(plain);
});

test('in a terminal no line is longer than its room, and what is left out is counted', () => {
  const many = Array.from({ length: 20 }, (_, bytes) => ({ name: 'x'.repeat(30), bytes }));
  const room = { rows: 6, columns: 12 };
  for (const isColored of [false, true]) {
    const text = stripVTControlCharacters(tableText(columns, many, { isColored, room }));
    const lines = text.trimEnd().split('\n');
    expect(lines).toHaveLength(6);
    expect(lines.at(-1)).toBe('and 16 more, for which there is no room');
    expect(lines.slice(0, -1).every((line) => [...line].length <= 12)).toBe(true);
    expect(lines[1]).toBe(`${'x'.repeat(11)}…`);
  }
});

test('facts are a line each', () => {
  const text = factsText(
    [
      ['name', 'tour'],
      ['expires', null],
    ],
    { isColored: false },
  );
  expect(text).toBe('name     tour\nexpires  -\n');
});

test('a table that is printed in parts has the room that it will need, and widens', () => {
  const widths: number[] = [];
  const print = (part: readonly Row[], isHeaded: boolean) =>
    tableText(columns, part, { isColored: false, widths, isHeaded });
  expect(print([], true)).toBe('NAME     BYTES  END\n');
  expect(print([{ name: 'long-name', bytes: 7 }], false)).toBe('long-name         7  peer_fin\n');
  expect(print(rows.slice(0, 1), false)).toBe('tour              6  peer_fin\n');
});
