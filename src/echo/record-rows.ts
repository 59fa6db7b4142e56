/**
 * Records on their way from workers to their control plane: rows of a JSON array.
 *
 * - What comes with every connection goes without its fields' names; other records are rare, and go as they are.
 * - What the connections of a listener have in common is said once, before them.
 */
import {
  type AcceptedConnection,
  acceptedFields,
  type ClosedConnection,
  closedFields,
} from '../core/connection.ts';
import type { WorkerRecord } from '../core/record.ts';

/** How many a record of refusals may stand for. */
export const refusalCountMax = 1_000_000_000;

export type RecordRow = CommonRow | OpenedRow | ClosedRow | WorkerRecord;

/** What the connections of the opened rows after it have in common, until the next of its kind. */
type CommonRow = readonly ['p', ...values: unknown[]];
type OpenedRow = readonly ['o', ...values: unknown[]];
type ClosedRow = readonly ['c', ...values: unknown[]];

type AcceptedField = (typeof acceptedFields)[number];
const commonFields = ['listenerId', 'protocol', 'laddr', 'pid'] as const;
type Common = Pick<AcceptedConnection, (typeof commonFields)[number]>;
const saidBefore = new Set<AcceptedField>(commonFields);
const openedFields = acceptedFields.filter((field) => !saidBefore.has(field));

export function toRows(records: readonly WorkerRecord[]): readonly RecordRow[] {
  const rows: RecordRow[] = [];
  let last: Common | null = null;
  for (const record of records) {
    if (record.kind === 'opened') {
      const { connection } = record;
      if (last === null || !hasInCommon(connection, last)) {
        rows.push(rowOf('p', connection, commonFields));
      }
      last = connection;
      rows.push(rowOf('o', connection, openedFields));
    } else if (record.kind === 'closed') {
      rows.push(rowOf('c', record.connection, closedFields));
    } else rows.push(record);
  }
  return rows;
}

function hasInCommon(one: Common, other: Common): boolean {
  if (one.listenerId !== other.listenerId || one.pid !== other.pid) return false;
  const { laddr } = one;
  return laddr === other.laddr || (laddr.ip === other.laddr.ip && laddr.port === other.laddr.port);
}

/** Without the nulls at the end. */
function rowOf<Kind extends string, Field extends string>(
  kind: Kind,
  connection: Readonly<Record<Field, unknown>>,
  fields: readonly Field[],
): readonly [Kind, ...unknown[]] {
  const row: [Kind, ...unknown[]] = [kind];
  for (const field of fields) row.push(connection[field]);
  while (row[row.length - 1] === null) row.pop();
  return row;
}

export function fromRows(rows: readonly RecordRow[]): readonly WorkerRecord[] {
  const records: WorkerRecord[] = [];
  let common: Common | null = null;
  for (const row of rows) {
    if ('kind' in row) records.push(row);
    else if (row[0] === 'c') {
      records.push({
        kind: 'closed',
        connection: readInto<ClosedConnection>({}, closedFields, row),
      });
    } else if (row[0] === 'p') common = readInto<Common>({}, commonFields, row);
    else {
      if (common === null) throw new TypeError('a connection before what it has in common');
      const connection = readInto<AcceptedConnection>({ ...common }, openedFields, row);
      records.push({ kind: 'opened', connection });
    }
  }
  return records;
}

/** The fields stand behind the kind of the row. */
function readInto<Known>(
  known: Record<string, unknown>,
  fields: readonly string[],
  row: readonly unknown[],
): Known {
  let at = 0;
  for (const field of fields) {
    at += 1;
    known[field] = row[at] ?? null;
  }
  return known as Known;
}
