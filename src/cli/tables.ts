/** Rows in columns. Whatever is in a cell, such as what a stranger has sent, can only be seen: it moves no cursor. */
import { styleText } from 'node:util';
import { plainText } from '../plain-text.ts';
import { cutTo, widthOf } from './text-width.ts';

export type Style = 'red' | 'green' | 'yellow' | 'dim';

export interface Column<Row> {
  readonly title: string;
  /** What it mostly needs, for a table that is printed in parts. */
  readonly width?: number;
  /** Its cells stand to the right. */
  readonly isNumber?: true;
  cell(row: Row): string | number | null;
  style?(row: Row): Style | null;
}

export interface TableOptions {
  readonly isColored: boolean;
  /** The room of a terminal: what does not fit is cut off, and is said to be. */
  readonly room?: { readonly rows: number; readonly columns: number } | undefined;
  /** Of the columns: kept and widened, for a table that is printed in parts. */
  readonly widths?: number[];
  /** False: without titles. */
  readonly isHeaded?: boolean;
}

const gap = '  ';
/** What stands where there is nothing to say. */
const nothing = '-';

/** A line for each row below the titles, each with its end. */
export function tableText<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { isColored, room, widths, isHeaded = true }: TableOptions,
): string {
  const cells = rows.map((row) => columns.map((column) => cellText(column.cell(row))));
  const titles = columns.map(({ title }) => title);
  const known = widths ?? titles.map(() => 0);
  for (const [at, { title, width = 0 }] of columns.entries()) {
    const lengths = cells.map((row) => widthOf(row[at] ?? ''));
    known[at] = Math.max(known[at] ?? width, widthOf(title), ...lengths);
  }
  const paint = isColored ? styled : (text: string) => text;
  const line = (texts: readonly string[], styleOf: (at: number) => Style | null) =>
    fitted(
      texts.map((text, at) => {
        const spaces = ' '.repeat((known[at] ?? 0) - widthOf(text));
        const style = styleOf(at);
        return { text, style, spaces, isNumber: columns[at]?.isNumber === true };
      }),
      room?.columns ?? Number.POSITIVE_INFINITY,
      paint,
    );
  const shown = room === undefined ? rows : rows.slice(0, Math.max(0, room.rows - 2));
  const more = rows.length - shown.length;
  const lines = [
    ...(isHeaded ? [line(titles, () => 'dim')] : []),
    ...shown.map((row, index) =>
      line(cells[index] ?? [], (at) => columns[at]?.style?.(row) ?? null),
    ),
    ...(more > 0 ? [`and ${more} more, for which there is no room`] : []),
  ];
  return lines.map((each) => `${each}\n`).join('');
}

interface Cell {
  readonly text: string;
  readonly style: Style | null;
  readonly spaces: string;
  readonly isNumber: boolean;
}

/** Numbers stand to the right. A line that is longer than the terminal would be two. */
function fitted(
  cells: readonly Cell[],
  columns: number,
  paint: (text: string, style: Style) => string,
): string {
  let left = columns;
  const parts: string[] = [];
  for (const [at, { text, style, spaces, isNumber }] of cells.entries()) {
    const isLast = at === cells.length - 1;
    const before = isNumber ? spaces : '';
    const after = isLast ? '' : `${isNumber ? '' : spaces}${gap}`;
    const cut = cutTo(text, left - before.length);
    parts.push(before.slice(0, left), style === null ? cut : paint(cut, style));
    left -= before.length + widthOf(cut);
    parts.push(after.slice(0, Math.max(0, left)));
    left -= after.length;
    if (left <= 0) break;
  }
  return parts.join('').trimEnd();
}

export function cellText(value: string | number | null): string {
  const text = value === null ? '' : plainText(String(value));
  return text === '' ? nothing : text;
}

/** A line for each fact: `name  value`. */
export function factsText(
  facts: readonly (readonly [name: string, value: string | number | null])[],
  { isColored }: TableOptions,
): string {
  const width = Math.max(0, ...facts.map(([name]) => name.length));
  return facts
    .map(([name, value]) => {
      const label = name.padEnd(width);
      return `${isColored ? styled(label, 'dim') : label}${gap}${cellText(value)}\n`;
    })
    .join('');
}

export function styled(text: string, style: Style): string {
  return styleText(style, text, { validateStream: false });
}
