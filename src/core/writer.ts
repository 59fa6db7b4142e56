/** The append: what one transaction writes to the logs, and who may. */
import type { AuditEntry } from './audit.ts';
import type { EventDraft } from './event.ts';
import type { ListenerSecrets } from './listener.ts';
import type { ProjectRef } from './project.ts';
import type { Counters } from './record.ts';

/** One transaction of the logs. */
export interface Append {
  /**
   * Rises by one with every append of this process; one that was settled takes up its number, one that was refused
   * does not. An append that is repeated under its number is done once.
   */
  readonly number: number;
  readonly entries: readonly AppendEntry[];
}

/** What an append writes for one project, which may have several entries. */
export interface AppendEntry {
  readonly project: ProjectRef;
  /**
   * A listener event writes its listener's row (counts aside), a connection event its connection's. A listener has the
   * revision that its row gets, and is changed only on top of the one before.
   */
  readonly events: readonly EventDraft[];
  /** By listener id, for listeners created in this append. */
  readonly secrets: ReadonlyMap<string, ListenerSecrets>;
  readonly counters: readonly Counters[];
  /** Who asked for what its events tell; there with them, or not at all. */
  readonly audit: readonly AuditEntry[];
  /** Of its events in the store, about; a log's own size is the sum of these. */
  readonly bytes: number;
}

/** Of each project that an append was for, the seq of its first event there: the others follow, entry after entry. */
export type FirstSeqs = ReadonlyMap<ProjectRef, number>;

/** Who may append to the logs. */
export interface Writer {
  /**
   * Writes it all in one transaction, durable when it resolves; the seqs of each project are dense.
   * @throws already_exists when a listener's name is taken
   * @throws failed_precondition when a listener is not at the revision before
   * @throws not_found when a project has no log
   * @throws resource_exhausted when a project would have more listeners than its quota
   * @throws PlaceLost when another process has taken the node; StoreWentBack
   */
  append(append: Append): Promise<FirstSeqs>;
  /**
   * The outcome of an append that failed, for good: its first seqs when it was done; null when it was not, and then it
   * never will be, whatever of it is still on its way. Either way its number is used up.
   * @throws PlaceLost when another process has taken the node; StoreWentBack
   */
  settle(number: number): Promise<FirstSeqs | null>;
}
