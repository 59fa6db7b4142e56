/** What keeps a project's log short: its age, its bounds, and what is deleted of it. */
import type { Micros } from './time.ts';

export interface LogBounds {
  /** Seq of the newest committed event; 0 before the first. */
  readonly headSeq: number;
  /** Seq of the oldest event still kept; headSeq + 1 where none is. */
  readonly oldestSeq: number;
}

/** How the logs' own time goes on, and how often a log is marked with it. */
export interface LogAgeing {
  /** The time goes on up to here at least; null: it may stand still. */
  readonly timeMin: Micros | null;
  /** And with the database's clock up to here; null: not with it. */
  readonly timeMax: Micros | null;
  /** How late it is, as a person says; unless the database's clock shows less. */
  readonly confirmedTime: Micros | null;
  /** A clock that is ahead of it by no more is believed. */
  readonly leapMaxMs: number;
  /** A mark comes after so much time, */
  readonly markMs: number;
  /** or after so many bytes. */
  readonly markBytes: number;
}

export interface LogAge {
  /** The logs' own; it never falls. */
  readonly time: Micros;
  /** What the database's clock shows. */
  readonly clock: Micros;
  /** Of the events that are kept, about. */
  readonly bytes: number;
}

export interface PurgeRequest {
  /** Of the log's own time: what was appended up to then goes. */
  readonly before: Micros;
  readonly eventsMax: number;
  readonly bytesMax: number;
  readonly limit: number;
}

/** Keeps a project's log short. Both throw `not_found` where it is gone, as that of a project that was deleted. */
export interface LogKeeping {
  /** Lets the time go on that all logs have in common, and marks this one with it. */
  age(ageing: LogAgeing): Promise<LogAge>;
  /**
   * Deletes a bounded piece of what is older than `before`, or beyond the newest `eventsMax` events or `bytesMax`
   * bytes, whole events from the oldest on, with the connections whose closed event goes and closed listeners of no
   * more events. Age and bytes are known at the marks of `age`, and guessed in between. Resolves with the bounds, and
   * whether there is more to delete.
   */
  purge(request: PurgeRequest): Promise<LogBounds & { readonly hasMore: boolean }>;
}
