/** What is answered, as it was asked for: as a table, or as the API's own objects, one a line. */

import { jsonText } from './json-text.ts';
import { nodeNames } from './node-names.ts';
import {
  type ConnectionColumnsOptions,
  connectionColumns,
  listenerColumns,
} from './resource-tables.ts';
import type { Connection, Listener } from './rest-client.ts';
import type { Session } from './session.ts';
import { type Column, tableText } from './tables.ts';

export async function showRows<Row>(
  { terminal, format }: Session,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): Promise<void> {
  if (format === 'json') {
    await terminal.print(rows.map((row) => `${jsonText(row)}\n`).join(''));
  } else {
    await terminal.print(tableText(columns, rows, terminal));
  }
}

export async function showListeners(session: Session, rows: readonly Listener[]): Promise<void> {
  await showRows(session, listenerColumns(session.format), rows);
}

export async function showConnections(
  session: Session,
  rows: readonly Connection[],
  options: ConnectionColumnsOptions,
): Promise<void> {
  await showRows(session, await connectionColumnsOf(session, options, rows), rows);
}

/** With the names of nodes, where they are shown; null: the rows are to come. */
export async function connectionColumnsOf(
  { client, format }: Session,
  options: ConnectionColumnsOptions,
  rows: readonly Connection[] | null,
): Promise<readonly Column<Connection>[]> {
  if (format !== 'wide') return connectionColumns(format, options);
  const nodeIds = rows === null ? null : rows.map(({ nodeId }) => nodeId);
  return connectionColumns(format, { ...options, nodeName: await nodeNames(client, nodeIds) });
}

/** A list that is cut is never taken for the whole. */
export function sayCut(
  { terminal }: Session,
  first: 'newest' | 'oldest',
  count: number,
  name: string,
  ...ways: readonly string[]
): void {
  const more = ['--limit N shows so many', ...ways].join(', ');
  const one = name.replace(/ies$|s$/, (end) => (end === 's' ? '' : 'y'));
  const shown = count === 1 ? `${one} is` : `${count} ${name} are`;
  terminal.say(`kodama: the ${first} ${shown} shown and there are more: ${more}`);
}
