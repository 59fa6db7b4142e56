/** How this node is, for those who watch it. */
import { type Caller, isOperator } from './caller.ts';
import { hasCode } from './errors.ts';
import type { EventLog } from './event-log.ts';
import type { HeldNodes } from './held-nodes.ts';
import type { WorkerStatus } from './ports.ts';
import type { ProjectRef } from './project.ts';
import type { Retention, RetentionState } from './retention.ts';
import type { StoreProbe } from './store-probe.ts';

export interface Status {
  readonly version: string;
  /** Of the node that is built in; null: this process holds no echo sockets of its own. */
  readonly nodeId: string | null;
  /** The control plane's own process, which forked the workers. */
  readonly pid: number;
  readonly uptimeMs: number;
  readonly workers: readonly WorkerStatus[];
  /** The id of the project's log: seqs mean something within it only. */
  readonly log: string;
  readonly headSeq: number;
  readonly oldestSeq: number;
  /** Of all that is committed here, on behalf of other hosts' nodes too. */
  readonly store: {
    readonly state: 'reachable' | 'away';
    readonly queuedEvents: number;
    /** The oldest of what waits for its commit; 0 when nothing does. */
    readonly waitingMs: number;
    readonly refusedRecords: number;
  };
  /** Null until it was first looked at. */
  readonly retention: RetentionState | null;
  /** So many of the project's nodes are overdue at once that none is declared lost. */
  readonly fleetSuspended: boolean;
}

/** What only operators are shown: how busy others are is not a project's to know. */
type OperatorsPart = 'pid' | 'workers' | 'store';
export type ShownStatus = Omit<Status, OperatorsPart> & Partial<Pick<Status, OperatorsPart>>;

export function shownStatus(status: Status, caller: Caller): ShownStatus {
  if (isOperator(caller)) return status;
  const { pid: _, workers: _w, store: _s, ...shown } = status;
  return shown;
}

export interface ReadinessLimits {
  /** How long a store that says nothing counts as there. */
  readonly pingTimeoutMs: number;
  /** For how long an answer of it is good for who tells of it. */
  readonly pingAgeMs: number;
  /** How long what waits for its commit may wait while the node counts as ready. */
  readonly commitTimeoutMs: number;
}

export interface StatusSources {
  readonly version: string;
  readonly pid: number;
  readonly probe: StoreProbe;
  readonly eventLog: EventLog;
  readonly nodes: HeldNodes;
  readonly retention: Pick<Retention, 'stateOf'>;
  /** Projects of whose nodes none is declared lost now. */
  readonly sweeps: { readonly suspended: readonly ProjectRef[] };
  readonly limits: ReadinessLimits;
}

/** What others have committed. Of a store that is away nothing more is known. @throws not_found */
export async function learnHead(sources: StatusSources, project: ProjectRef): Promise<void> {
  if (!isReachable(sources)) return;
  const learning = sources.eventLog.of(project).learn();
  await learning.catch((error: unknown) => {
    if (!hasCode(error, 'unavailable')) throw error;
  });
}

/** With what is known here of the project's log. */
export function statusOf(sources: StatusSources, startedAt: number, project: ProjectRef): Status {
  const { version, pid, nodes, eventLog, retention, sweeps } = sources;
  const { id: log, headSeq, oldestSeq } = eventLog.of(project);
  const { writers } = eventLog;
  return {
    version,
    nodeId: nodes.own?.nodeId ?? null,
    pid,
    uptimeMs: Math.round(performance.now() - startedAt),
    workers: nodes.workers,
    ...{ log, headSeq, oldestSeq },
    store: {
      state: isReachable(sources) ? 'reachable' : 'away',
      queuedEvents: writers.queuedEvents,
      waitingMs: Math.round(writers.waitingMs),
      refusedRecords: writers.refusedRecords,
    },
    retention: retention.stateOf(project),
    fleetSuspended: sweeps.suspended.includes(project),
  };
}

/** A store that is silent fails no commit where none is under way: so it is asked, too. */
export function isReachable({ eventLog, probe }: StatusSources): boolean {
  return probe.isThere && eventLog.writers.failure === null;
}

/** What keeps the node from serving. */
export async function problemsOf({
  nodes,
  eventLog,
  probe,
  limits,
}: StatusSources): Promise<readonly string[]> {
  const problems: string[] = [];
  if (nodes.own !== null && nodes.workers.length === 0) problems.push('no worker is up');
  // Anybody may ask, and as often as they like: the store hears of it once in a while.
  if (!(await probe.ask(limits.pingAgeMs))) problems.push('the store is away');
  else {
    // One that answers on the connections that it has given may give no more: then reads fail.
    if (!probe.hasConnections) problems.push('the database gives no connections');
    // It may still refuse, or be too slow: then creates fail, and records are held back.
    const { waitingMs } = eventLog.writers;
    if (waitingMs > limits.commitTimeoutMs) problems.push('the log does not get on');
  }
  return problems;
}
