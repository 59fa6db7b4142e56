/** A list of the API as a table, up to a bound, and whether there is more. */
import type { Lists, Query } from './rest-client.ts';
import type { Session } from './session.ts';
import { sayCut, showRows } from './show.ts';
import type { Column } from './tables.ts';

export const listShownDefault = 1000;

interface ListShownOptions<Row> {
  readonly columns: readonly Column<Row>[];
  readonly limit: number;
  readonly query?: Query;
  /** Which of them come first. */
  readonly first: 'newest' | 'oldest';
}

export async function listShown<Name extends keyof Lists>(
  session: Session,
  name: Name,
  { columns, limit, query = {}, first }: ListShownOptions<Lists[Name]>,
): Promise<void> {
  const { items, isCut } = await session.client.list(name, query, limit);
  await showRows(session, columns, items);
  if (isCut) sayCut(session, first, items.length, name);
}
