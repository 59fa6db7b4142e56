/**
 * The part of an append that takes the seqs: the head of each of its projects' logs is locked, and counted on.
 *
 * Most appends are of one project, and its head is updated by its key. Several are locked in a step of their own and
 * then updated, since an update alone would lock them in an order of its choosing; so is one whose quota is asked, since
 * only the lock shows what there is.
 */
import type { LogShare } from './append-batch.ts';

/** What was taken, and how the rest of the append speaks of it. */
export interface AppendHeads {
  /** For the name of the statement. */
  readonly letter: string;
  /** From $4 to $8. */
  readonly values: readonly unknown[];
  /** Gives `head` with the `bases` of the logs, and `pairs` of a project and its base; or no row: nothing is done. */
  readonly sql: string;
  /** What a row has in the place of its project: that one's number. */
  readonly project: string;
  /** What a row has in the place of a seq that counts from its project's first. */
  readonly seqOf: (column: string) => string;
  /** The quota of listeners that a project would be beyond. */
  readonly listenersMax: string;
}

export interface HeadOptions {
  /** Of listeners, which are `held`, and $9. */
  readonly hasChanges: boolean;
  /** Listeners, for which there is a quota. */
  readonly hasNew: boolean;
}

/** How far apart the marks are, by which a time's place in the log is found. */
const markEvents = 4096;

export function appendHeads(logs: readonly LogShare[], options: HeadOptions): AppendHeads {
  const [log, ...others] = logs;
  const isOne = log !== undefined && others.length === 0 && !options.hasNew;
  return isOne ? oneHead(log, options) : severalHeads(logs, options);
}

function oneHead(log: LogShare, { hasChanges }: HeadOptions): AppendHeads {
  const share = {
    ...{ events: '$5::bigint', bytes: '$6::bigint', maxTime: '$7::bigint' },
    listeners: '$8::integer',
  };
  return {
    letter: '1',
    values: [log.project, log.events, log.bytes, log.maxTime, log.listeners],
    sql: `heads AS (
  ${countedOn(share)}
  FROM writer WHERE h.project = $4::integer ${heldGate(hasChanges)}
  ${taken(share.events)}
), head AS MATERIALIZED (
  SELECT ARRAY[base] AS bases, ARRAY[ARRAY[project, base]] AS pairs FROM heads
), ${markSql}`,
    project: '$4::integer',
    seqOf: (column) => `bases[1] + r.${column}`,
    listenersMax: 'NULL',
  };
}

function severalHeads(logs: readonly LogShare[], { hasChanges, hasNew }: HeadOptions): AppendHeads {
  const share = {
    ...{ events: 'a.events', bytes: 'a.bytes', maxTime: 'a.max_time', listeners: 'a.listeners' },
  };
  return {
    letter: '',
    values: [
      ...[logs.map((log) => log.project), logs.map((log) => log.events)],
      ...[logs.map((log) => log.bytes), logs.map((log) => log.maxTime)],
      logs.map((log) => log.listeners),
    ],
    sql: `locked AS MATERIALIZED (
  SELECT h.project, h.listeners, h.listeners_max FROM log_heads h
  WHERE h.project = ANY ($4::integer[]) AND EXISTS (SELECT FROM writer) ${heldGate(hasChanges)}
  ORDER BY h.project FOR UPDATE
), ${hasNew ? beyondSql : ''}heads AS (
  ${countedOn(share)}
  FROM unnest($4::integer[], $5::integer[], $6::bigint[], $7::bigint[], $8::integer[])
    a(project, events, bytes, max_time, listeners)
  WHERE h.project = a.project AND (SELECT count(*) FROM locked) = cardinality($4::integer[])
    ${hasNew ? 'AND NOT EXISTS (SELECT FROM beyond)' : ''}
  ${taken(share.events)}
), head AS MATERIALIZED (
  SELECT array_agg(base ORDER BY project) AS bases, array_agg(ARRAY[project, base] ORDER BY project) AS pairs
  FROM heads HAVING count(*) > 0
), ${markSql}`,
    project: '($4::integer[])[r.project]',
    seqOf: (column) => `bases[r.project] + r.${column}`,
    listenersMax: hasNew ? '(SELECT min(listeners_max) FROM beyond)' : 'NULL',
  };
}

const heldGate = (hasChanges: boolean): string =>
  hasChanges ? 'AND (SELECT count(*) FROM held) = cardinality($9::listeners[])' : '';

/** What is only closed is taken whatever the quota is. */
const beyondSql = `beyond AS MATERIALIZED (
  SELECT l.listeners_max FROM locked l JOIN unnest($4::integer[], $8::integer[]) a(project, listeners)
    ON l.project = a.project AND a.listeners > 0 AND l.listeners + a.listeners > l.listeners_max
), `;

type ShareSql = Readonly<Record<'events' | 'bytes' | 'maxTime' | 'listeners', string>>;

const countedOn = ({ events, bytes, maxTime, listeners }: ShareSql): string =>
  `UPDATE log_heads h SET seq = h.seq + ${events}, bytes = h.bytes + ${bytes}, listeners = h.listeners + ${listeners},
    max_time = CASE WHEN h.marked_seq = h.seq THEN ${maxTime} ELSE greatest(h.max_time, ${maxTime}) END,
    marked_seq = CASE WHEN h.seq + ${events} >= h.marked_seq + ${markEvents} THEN h.seq + ${events}
      ELSE h.marked_seq END`;

const taken = (events: string): string =>
  `RETURNING h.project, h.seq - ${events} AS base, h.seq, h.max_time, h.marked_seq`;

const markSql = `mark AS (
  INSERT INTO log_marks (seq, max_time, project)
  SELECT seq, max_time, project FROM heads WHERE seq = marked_seq AND seq > base
)`;
