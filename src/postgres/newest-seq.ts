/** Where the newest events that match begin: along their indexes, or back through the log in steps. */
import { limitReached } from '../core/errors.ts';
import type { EventFilter } from '../core/event-filter.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Reads, Statement } from './database.ts';
import { wantedSources } from './event-sources.ts';
import { isByContent, makeParameters, type Query, unionSql } from './event-statements.ts';

/** Seqs that one step looks at. */
const stepSeqs = 200_000;

export interface Newest {
  /** Above 0. */
  readonly count: number;
  readonly filter: EventFilter;
  readonly headSeq: number;
  /** How many of the newest are looked at, where no index tells which match. */
  readonly seqsMax: number;
  readonly signal: AbortSignal;
}

/** @throws resource_exhausted; the reason of the signal */
export async function seqBeforeNewest(
  reads: Reads,
  project: ProjectRef,
  { count, filter, headSeq, seqsMax, signal }: Newest,
): Promise<number> {
  const step = newestStepOf(filter);
  let limit = count;
  for (let beforeSeq = headSeq + 1; ; ) {
    signal.throwIfAborted();
    const left = seqsMax - (headSeq + 1 - beforeSeq);
    if (step !== null && left <= 0) throw tooFarBack(count, seqsMax);
    const range = step === null ? null : Math.min(step, left);
    const statement = newestStatement(project, { beforeSeq, range }, { limit, filter });
    const [row] = await reads.query(statement);
    const [matches, lowest, oldest] = row as readonly [number, number | null, number];
    if (matches === limit && lowest !== null) return lowest - 1;
    limit -= matches;
    beforeSeq -= range ?? beforeSeq;
    if (beforeSeq <= oldest) return oldest - 1;
  }
}

function tooFarBack(count: number, seqsMax: number) {
  const message = `last: the newest ${count} that match lie further back than the newest ${seqsMax} events: begin at a seq or a time, or page with order=desc`;
  return limitReached('newestSeqsMax', seqsMax, message);
}

/** Null: all seqs at once. */
export function newestStepOf(filter: EventFilter): number | null {
  return filter.connectionIds.length > 0 || !isByContent(filter) ? null : stepSeqs;
}

/** One row: how many of the newest events below the seq match, up to the limit, and the lowest seq of them. */
export function newestStatement(
  ref: ProjectRef,
  { beforeSeq, range }: { readonly beforeSeq: number; readonly range: number | null },
  { limit, filter }: { readonly limit: number; readonly filter: EventFilter },
): Statement {
  const { parameter, values, project } = makeParameters(ref);
  const before = parameter(beforeSeq);
  const oldest = 'h.oldest_seq - 1';
  const query: Query = {
    project,
    filter,
    sources: wantedSources(filter),
    columns: (source) => `${source.seq} AS seq`,
    order: 'DESC',
    isLoose: false,
    from:
      range === null
        ? `(${oldest})`
        : `greatest(${oldest}, ${before}::bigint - 1 - ${parameter(range)}::bigint)`,
    to: `(${before}::bigint - 1)`,
    limit: parameter(limit),
    parameter,
  };
  const text = `SELECT count(e.seq), min(e.seq), h.oldest_seq FROM log_heads h LEFT JOIN LATERAL (
    ${unionSql(query)} ORDER BY 1 DESC LIMIT ${query.limit}::bigint) e ON true
    WHERE h.project = ${project} GROUP BY h.oldest_seq`;
  return { text, values };
}
