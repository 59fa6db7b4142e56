/**
 * Lets go of what is older than the log is kept, or beyond its number or size, oldest first, in small pieces with the
 * log free between them: appends and readers never wait long for it.
 *
 * Age is counted in the log's own time, which is in the database, and one for all nodes. It follows the database's clock
 * at a pace of between half and twice that of the clocks that never jump, while a node is up: so no jump of a clock
 * erases what is young, nor keeps for ever what is old. A leap is believed only if it is small, at a start, which was
 * preceded by some time without us; or if a person confirms it.
 */
import type { AuditKeeping } from './audit-keeping.ts';
import { hasCode } from './errors.ts';
import type { EventLog } from './event-log.ts';
import { fairShare } from './fair-share.ts';
import type { LogAge } from './log-keeping.ts';
import type { Clock, Logger } from './ports.ts';
import type { ProjectRef } from './project.ts';
import type { Projects } from './projects.ts';
import { within } from './quotas.ts';
import type { ProjectStore, Store } from './store.ts';
import type { Micros } from './time.ts';
import { WakeUps } from './wake-ups.ts';

export interface RetentionOptions {
  readonly store: Pick<Store, 'of' | 'projects' | 'idempotencyKeeping' | 'ping'>;
  readonly eventLog: EventLog;
  /** A project may have less than what holds for all. */
  readonly projects: Pick<Projects, 'termsOf'>;
  readonly audit: Pick<AuditKeeping, 'purge'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ageMs: number;
  /** How long an answer is kept under its idempotency key. */
  readonly idempotencyTtlMs: number;
  /** Of all projects. */
  readonly eventsMax: number;
  /** Of the events of all projects in the store, about. */
  readonly bytesMax: number;
  /** A person's word that it is that late at least; null without. */
  readonly confirmedTime: Micros | null;
  readonly intervalMs: number;
  /** Events of one piece. */
  readonly purgeEventsMax: number;
  /** A clock that never jumps, in milliseconds. */
  readonly monotonicMs?: () => number;
}

export interface RetentionState {
  /** How far the database's clock is ahead of the log's time; below 0, behind it. */
  readonly clockAheadMs: number;
  /** Of the events in the store, about. */
  readonly bytes: number;
}

const dayMs = 86_400_000;
const paceMin = 0.5;
const paceMax = 2;
/** The part of the age that a start may leap. */
const leapShare = 1 / 30;
/** The parts of the age and of the size between two marks. */
const markShare = 1 / 1000;

interface PurgeFailure {
  readonly of: string;
  readonly err: unknown;
}

const failuresNamed = 10;
/** So many of a round in a row end it, such as where each statement takes too long. */
const unavailableMax = 2;

/** One for all: in the log they are one line. */
function failureOf(failures: readonly PurgeFailure[]): Error {
  const named = failures.slice(0, failuresNamed).map(({ of }) => of);
  const more = failures.length - named.length;
  const rest = more === 0 ? '' : `, and ${more} more`;
  return new Error(`of ${named.join(', ')}${rest}`, { cause: failures[0]?.err });
}

export class Retention implements AsyncDisposable {
  readonly #options: RetentionOptions;
  readonly #monotonicMs: () => number;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** The project whose purge was begun last. */
  #begun: ProjectRef | null = null;
  #last: (LogAge & { readonly atMs: number }) | null = null;
  #isHeldBack = false;
  readonly #bytes = new Map<ProjectRef, number>();
  readonly #events = new Map<ProjectRef, number>();

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#running = this.#run();
  }

  /** Of the project's log, as it was last looked at; null before the first time. */
  stateOf(project: ProjectRef): RetentionState | null {
    if (this.#last === null) return null;
    const { time, clock } = this.#last;
    const bytes = this.#bytes.get(project) ?? 0;
    return { clockAheadMs: Math.round((clock - time) / 1000), bytes };
  }

  /** Of the logs of all projects, as they were last looked at. */
  get bytes(): number {
    return [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  async #run(): Promise<void> {
    const { logger, intervalMs } = this.#options;
    const wakeUps = new WakeUps();
    while (!this.#stop.signal.aborted) {
      try {
        await this.purge();
      } catch (err) {
        logger.warn({ err }, 'could not purge the log; trying again later');
      }
      await wakeUps.sleep(intervalMs, this.#stop.signal);
    }
  }

  /** Purges all that is due now, of each whatever becomes of the others. @throws unavailable, and what the others threw */
  async purge(): Promise<void> {
    const { store, audit } = this.#options;
    const projects = await store.projects.all();
    for (const known of [...this.#bytes.keys()].filter((one) => !projects.includes(one))) {
      this.#forget(known);
    }
    const failures: PurgeFailure[] = [];
    let unavailable = 0;
    const purgeOf = async (of: string, work: () => Promise<void>) => {
      // A round of a slow database would take long, and a stop waits for it.
      if (this.#stop.signal.aborted || unavailable >= unavailableMax) return;
      try {
        await work();
        unavailable = 0;
      } catch (err) {
        failures.push({ of, err });
        if (!hasCode(err, 'unavailable')) return;
        unavailable += 1;
        // An outage is told once, and ends the round.
        await store.ping();
      }
    };
    await purgeOf('idempotency keys', () => this.#purgeKeys());
    for (const project of this.#inTurn(projects)) {
      await purgeOf(`project ${project}`, () => this.#purgeProject(project));
    }
    // Projects that are slow, again and again, do not keep it.
    unavailable = 0;
    const last = this.#last;
    if (last !== null) {
      await purgeOf('the audit', () => audit.purge(last.time, projects, this.#stop.signal));
    }
    if (failures.length > 0) throw failureOf(failures);
  }

  /** Those first that a round which ended early did not come to. */
  #inTurn(projects: readonly ProjectRef[]): readonly ProjectRef[] {
    const { length } = projects.filter((one) => this.#begun !== null && one <= this.#begun);
    return [...projects.slice(length), ...projects.slice(0, length)];
  }

  async #purgeProject(project: ProjectRef): Promise<void> {
    this.#begun = project;
    const own = this.#options.store.of(project);
    try {
      await this.#purgeLog(project, own, await this.#age(project, own));
    } catch (err) {
      if (!hasCode(err, 'not_found')) throw err;
      // It was deleted meanwhile.
      this.#forget(project);
    }
  }

  #forget(project: ProjectRef): void {
    this.#bytes.delete(project);
    this.#events.delete(project);
  }

  async #purgeLog(project: ProjectRef, { keeping }: ProjectStore, time: Micros): Promise<void> {
    const { eventLog, purgeEventsMax: limit } = this.#options;
    const { ageMs, eventsMax, bytesMax } = this.#boundsOf(project);
    const before = time - ageMs * 1000;
    let hasMore = true;
    while (hasMore && !this.#stop.signal.aborted) {
      const result = await keeping.purge({ before, eventsMax, bytesMax, limit });
      eventLog.expireOf(project, result.oldestSeq);
      this.#events.set(project, result.headSeq - result.oldestSeq + 1);
      hasMore = result.hasMore;
    }
  }

  /** Together the projects keep what the bounds say; whose log is small keeps it whole, and the large ones have as much each. */
  #boundsOf(project: ProjectRef) {
    const { ageMs, projects } = this.#options;
    const eventsMax = fairShare(this.#events.values(), this.#options.eventsMax);
    const bytesMax = fairShare(this.#bytes.values(), this.#options.bytesMax);
    const { retentionDays, eventsKept } = projects.termsOf(project).quotas;
    const ownAgeMs = retentionDays === null ? null : retentionDays * dayMs;
    const own = { ageMs: within(ownAgeMs, ageMs), eventsMax: within(eventsKept, eventsMax) };
    return { ...own, bytesMax };
  }

  async #purgeKeys(): Promise<void> {
    const { store, clock, idempotencyTtlMs, purgeEventsMax: limit } = this.#options;
    const before = clock.now() - idempotencyTtlMs * 1000;
    let hasMore = true;
    while (hasMore && !this.#stop.signal.aborted) {
      hasMore = await store.idempotencyKeeping.purge(before, limit);
    }
  }

  async #age(project: ProjectRef, { keeping }: ProjectStore): Promise<Micros> {
    const { ageMs, bytesMax, confirmedTime } = this.#options;
    const last = this.#last;
    const elapsed = last === null ? 0 : (this.#monotonicMs() - last.atMs) * 1000;
    const age = await keeping.age({
      // Counted from what was seen, not from what is there now: so several nodes are no faster than one.
      timeMin: last === null ? null : Math.round(last.time + elapsed * paceMin),
      timeMax: last === null ? null : Math.round(last.time + elapsed * paceMax),
      confirmedTime,
      leapMaxMs: last === null ? ageMs * leapShare : 0,
      markMs: this.#boundsOf(project).ageMs * markShare,
      markBytes: Math.ceil(bytesMax * markShare),
    });
    this.#last = { ...age, atMs: this.#monotonicMs() };
    this.#bytes.set(project, age.bytes);
    this.#tell(age);
    return age.time;
  }

  #tell({ time, clock }: LogAge): void {
    const { logger, ageMs } = this.#options;
    const clockAheadMs = Math.round((clock - time) / 1000);
    const isHeldBack = Math.abs(clockAheadMs) > ageMs * leapShare;
    if (isHeldBack && !this.#isHeldBack) {
      const message =
        'the clock of the database has jumped: retention follows it slowly (KODAMA_RETENTION_CONFIRMED_TIME)';
      logger.warn({ clockAheadMs }, message);
    } else if (!isHeldBack && this.#isHeldBack) {
      logger.info({ clockAheadMs }, 'retention goes by the clock of the database again');
    }
    this.#isHeldBack = isHeldBack;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
