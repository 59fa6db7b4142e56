/** Listeners by what a reader of their history calls them: names and labels, of closed ones too. */
import type { LabelledRequest } from '../core/ports.ts';
import type { Database } from './database.ts';
import { isUuid } from './rows.ts';

/** Of ids made one after the other the highest is the newest. */
const findText = `SELECT coalesce(
    (SELECT l.id FROM listeners l WHERE l.id = k.id),
    (SELECT l.id FROM listeners l WHERE l.name = k.name AND l.is_live),
    (SELECT l.id FROM listeners l WHERE l.name = k.name AND NOT l.is_live ORDER BY l.id DESC LIMIT 1)
  ) FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY k(id, name, place) ORDER BY k.place`;

export async function findListenerIds(
  database: Database,
  idsOrNames: readonly string[],
): Promise<readonly (string | null)[]> {
  const values = [
    idsOrNames.map((one) => (isUuid(one) ? one : null)),
    idsOrNames.map((one) => (isUuid(one) ? null : one)),
  ];
  const rows = await database.query({ name: 'listener ids', text: findText, values });
  return rows.map(([id]) => id as string | null);
}

export async function findListenerNames(
  database: Database,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  const text = 'SELECT id, name FROM listeners WHERE id = ANY ($1::uuid[])';
  const rows = await database.query({ name: 'listener names', text, values: [ids] });
  return new Map(rows as readonly (readonly [id: string, name: string | null])[]);
}

/**
 * A listener has a spec for each generation, and carries the labels of its last. OFFSET 0 keeps the planner from a walk
 * over all specs, which it would take for the quickest way to the first few; the index is read only as far as the limit.
 */
const labelledText = `SELECT l.id FROM (
    SELECT s.listener_id, s.generation FROM listener_specs s WHERE s.labels @> $1::jsonb OFFSET 0
  ) s JOIN listeners l ON l.id = s.listener_id AND l.generation = s.generation LIMIT $2::bigint`;
const labelledAmongText = `SELECT l.id FROM listeners l
  JOIN listener_specs s ON s.listener_id = l.id AND s.generation = l.generation
  WHERE l.id = ANY ($3::uuid[]) AND s.labels @> $1::jsonb LIMIT $2::bigint`;

export async function findLabelledIds(
  database: Database,
  { labels, among, limit }: LabelledRequest,
): Promise<readonly string[]> {
  const values = [JSON.stringify(labels), limit];
  const statement =
    among === null
      ? { name: 'labelled', text: labelledText, values }
      : { name: 'labelled among', text: labelledAmongText, values: [...values, among] };
  const rows = await database.query(statement);
  return rows.map(([id]) => id as string);
}
