/** How many rows of a table, or entries of its indexes, a statement looks at. */
import type { Client } from 'pg';

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly Plan[];
}

export async function scannedRows(
  client: Client,
  table: string,
  { text, values = [] }: { readonly text: string; readonly values?: readonly unknown[] },
): Promise<number> {
  const explained = `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`;
  const { rows } = await client.query({ text: explained, values: [...values] });
  const [{ Plan: plan }] = rows[0]['QUERY PLAN'] as [{ Plan: Plan }];
  return rowsOf(plan, table);
}

function rowsOf(plan: Plan, table: string): number {
  const { 'Actual Rows': rows, 'Actual Loops': loops, Plans: parts = [] } = plan;
  const removed =
    (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0);
  // Of a bitmap its index is counted, which names no table.
  const name = plan['Relation Name'] ?? plan['Index Name'] ?? '';
  const isCounted = name.startsWith(table) && plan['Node Type'] !== 'Bitmap Heap Scan';
  const own = isCounted ? (rows + removed) * loops : 0;
  return parts.reduce((sum, part) => sum + rowsOf(part, table), own);
}
