/** What waits for its commit: events that were appended together, and about how many bytes they take. */
import type { AuditEntry } from './audit.ts';
import type { Event, EventDraft } from './event.ts';
import type { ListenerSecrets } from './listener.ts';
import type { ProjectRef } from './project.ts';
import type { Counters } from './record.ts';
import type { AppendEntry, FirstSeqs } from './writer.ts';

export interface AppendExtra {
  /** By listener id, of the listeners that the events create. */
  readonly secrets?: ReadonlyMap<string, ListenerSecrets>;
  readonly counters?: readonly Counters[];
  /** Who asked for it. What has some is one event, or not divisible: they are on record together. */
  readonly audit?: readonly AuditEntry[];
  /** Records of what has happened, each by itself: what the store refuses of them is left out. */
  readonly isDivisible?: boolean;
  /** Somebody waits for it: it is not held back so that more may come. What is not divisible is always waited for. */
  readonly isAwaited?: boolean;
}

/** What was appended together, and is committed together unless it is divisible. */
export interface Entry extends AppendEntry, Required<AppendExtra> {
  /** By the monotonic clock, in milliseconds. */
  readonly addedAt: number;
  /** Of all of it, about: its events and its audit. */
  readonly commitBytes: number;
  readonly committed: PromiseWithResolvers<readonly Event[]>;
  /** Whoever waited for it was told that it failed: what is not done by then need not be done. */
  isGivenUp: boolean;
}

const noSecrets: ReadonlyMap<string, ListenerSecrets> = new Map();

export function makeEntry(
  project: ProjectRef,
  events: readonly EventDraft[],
  extra: AppendExtra,
): Entry {
  const { secrets = noSecrets, counters = [], audit = [], isDivisible = false } = extra;
  const { isAwaited = !isDivisible } = extra;
  const bytes = events.reduce((sum, event) => sum + eventBytes(event), 0);
  return {
    project,
    events,
    secrets,
    counters,
    audit,
    isDivisible,
    isAwaited,
    bytes,
    commitBytes: audit.reduce((sum, entry) => sum + auditBytes(entry), bytes),
    addedAt: performance.now(),
    committed: Promise.withResolvers<readonly Event[]>(),
    isGivenUp: false,
  };
}

/** How much one commit does with it. */
export function sizeOf(entry: Entry): number {
  return entry.events.length + entry.counters.length;
}

/** The two halves of a divisible entry, which is committed when both are. */
export function halve(entry: Entry): readonly [Entry, Entry] {
  const middle = Math.ceil(entry.events.length / 2);
  const rest = entry.events.length > 0 ? 0 : Math.ceil(entry.counters.length / 2);
  const part = (events: readonly EventDraft[], counters: readonly Counters[]): Entry => ({
    ...makeEntry(entry.project, events, { secrets: entry.secrets, counters, isDivisible: true }),
    addedAt: entry.addedAt,
  });
  const halves = [
    part(entry.events.slice(0, middle), entry.counters.slice(0, rest)),
    // Counters come after the events: one may be of a connection that the events open.
    part(entry.events.slice(middle), entry.counters.slice(rest)),
  ] as const;
  const [first, second] = halves;
  Promise.all([first.committed.promise, second.committed.promise]).then(
    (events) => entry.committed.resolve(events.flat()),
    (error: unknown) => entry.committed.reject(error),
  );
  return halves;
}

interface Committed {
  /** The events of each entry. */
  readonly batches: readonly (readonly Event[])[];
  /** Those of each project at once, in their order. */
  readonly logs: readonly {
    readonly project: ProjectRef;
    readonly firstSeq: number;
    readonly events: readonly Event[];
  }[];
}

/** The events under their seqs. */
export function numbered(entries: readonly AppendEntry[], firstSeqs: FirstSeqs): Committed {
  const logs = new Map(
    [...firstSeqs].map(([project, firstSeq]) => {
      const events: Event[] = [];
      return [project, { project, firstSeq, events }];
    }),
  );
  const batches = entries.map(({ project, events }) => {
    const log = logs.get(project);
    if (log === undefined) throw new TypeError('an append tells the seqs of each project');
    const seq = log.firstSeq + log.events.length;
    const batch = events.map((draft, index): Event => ({ ...draft, seq: seq + index }));
    for (const event of batch) log.events.push(event);
    return batch;
  });
  return { batches, logs: [...logs.values()] };
}

/** The change beside the rest of the row, and its place in the indexes. */
function auditBytes({ change }: AuditEntry): number {
  return dataBytes + Buffer.byteLength(JSON.stringify(change));
}

/** A connection's row with its indexes is 600 bytes (docs/limits.md), and tells two events. */
const connectionBytes = 300;
/** The connection as JSON, beside the row's head and its indexes. */
const dataBytes = 1000;

/**
 * About what the event takes in the store. Text from strangers is short wherever it comes in (docs/limits.md), so a
 * connection's event is of one size; a listener's is as large as its caller made it, and is measured.
 */
export function eventBytes(event: EventDraft): number {
  if ('listener' in event) return dataBytes + Buffer.byteLength(JSON.stringify(event.listener));
  if (event.type === 'connection_half_closed' || 'refusal' in event) return dataBytes;
  return event.connection.tls === null ? connectionBytes : 2 * connectionBytes;
}
