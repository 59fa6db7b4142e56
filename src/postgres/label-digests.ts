/**
 * How listeners are found by their labels: each row has a digest of its project, the key and the value for each label that
 * its newest generation has, in one index for all projects. What another project has, or had, stands in nobody's way.
 */
import { createHash } from 'node:crypto';
import type { LabelledRequest } from '../core/directories.ts';
import type { Listener } from '../core/listener.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Statement } from './database.ts';

/** UUIDs, being 16 bytes: the first of SHA-256, so that no two labels have one. The migration made those of before alike. */
export function labelDigests(project: ProjectRef, labels: Listener['labels']): readonly string[] {
  return Object.entries(labels).map(([key, value]) =>
    createHash('sha256').update(`${project}\n${key}\n${value}`).digest('hex').slice(0, 32),
  );
}

/** OFFSET 0 keeps the planner from a walk over all listeners of the project: the index is read instead. */
const labelledText = `SELECT l.id FROM (
    SELECT id, project FROM listeners WHERE label_digests @> $1::uuid[] OFFSET 0
  ) l WHERE l.project = $3::integer LIMIT $2::bigint`;
const labelledAmongText = `SELECT id FROM listeners
  WHERE project = $3::integer AND id = ANY ($4::uuid[]) AND label_digests @> $1::uuid[] LIMIT $2::bigint`;

/** Gives ids. There is at least one label. */
export function labelledStatement(
  project: ProjectRef,
  { labels, among, limit }: LabelledRequest,
): Statement {
  const values = [labelDigests(project, labels), limit, project];
  return among === null
    ? { name: 'labelled', text: labelledText, values }
    : { name: 'labelled among', text: labelledAmongText, values: [...values, among] };
}
