/**
 * What known keys were refused, for the audit: at once the first time, and then in one entry a minute for each key and
 * operation with their count. Nobody who has no key makes it grow. An operator's key may name any project, made up or not:
 * what it is refused takes no place of theirs.
 */
import {
  type AuditEntry,
  type AuditedCaller,
  type AuditLog,
  auditedCaller,
} from '../core/audit.ts';
import type { Caller } from '../core/caller.ts';
import { type ErrorCode, hasCode } from '../core/errors.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import { KeyEnded } from './good-key.ts';
import { idAt } from './id-at.ts';

export interface RefusalLimits {
  /** Of a key and an operation there is one entry in so long. */
  readonly refusalIntervalMs: number;
  /** Keys with their operations that are counted at once. */
  readonly refusalsMax: number;
  /** Of them those of one project, or of one operator's key. */
  readonly refusalsPerProjectMax: number;
}

export interface RefusalsOptions {
  readonly audit: Pick<AuditLog, 'add'>;
  readonly projectOf: (caller: Pick<Caller, 'project'>) => Promise<ProjectRef>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: RefusalLimits;
}

export interface Refused {
  readonly caller: AuditedCaller;
  /** Where its number is not known, it is looked up. Null: of none. */
  readonly project: { readonly name: string; readonly ref: ProjectRef | null } | null;
  readonly operation: string;
  readonly outcome: ErrorCode;
}

interface Counted {
  /** The last of them. */
  refused: Refused;
  /** Since the last entry. */
  count: number;
  /** When the next entry may be, of a clock that never jumps. */
  dueMs: number;
}

/** How often it is looked whether an entry is due. */
const lookShare = 1 / 6;

export class Refusals implements AsyncDisposable {
  readonly #options: RefusalsOptions;
  /** By key, project, operation and outcome. */
  readonly #counted = new Map<string, Counted>();
  /** How many of them each project has, or operator's key. */
  readonly #ofParty = new Map<string, number>();
  readonly #writing = new Set<Promise<void>>();
  readonly #looking: NodeJS.Timeout;
  #leftOut = 0;

  constructor(options: RefusalsOptions) {
    this.#options = options;
    const lookMs = options.limits.refusalIntervalMs * lookShare;
    this.#looking = setInterval(() => this.#look(performance.now()), lookMs).unref();
  }

  /** Why a call failed, which is told where its caller may not do that, or where its key ended meanwhile. */
  heard(caller: Caller, error: unknown): unknown {
    const { operation, project: name } = caller;
    const outcome = 'permission_denied';
    if (hasCode(error, outcome)) {
      this.tell({ caller, project: { name, ref: null }, operation, outcome });
    } else if (error instanceof KeyEnded) {
      this.tell({ caller, project: error.key.project, operation, outcome: error.code });
    }
    return error;
  }

  tell(refused: Refused): void {
    const { caller, operation, outcome } = refused;
    const { kind, id } = caller.actor;
    const party = partyOf(refused);
    const name = [kind, id, refused.project?.name, operation, outcome].join(' ');
    const counted = this.#counted.get(name);
    if (counted !== undefined) {
      counted.count += 1;
      counted.refused = refused;
    } else if (this.#hasRoom(party)) {
      const dueMs = performance.now() + this.#options.limits.refusalIntervalMs;
      this.#counted.set(name, { refused, count: 0, dueMs });
      this.#count(party, 1);
      this.#write(refused, 1);
    } else this.#leftOut += 1;
  }

  #hasRoom(party: string): boolean {
    const { refusalsMax, refusalsPerProjectMax } = this.#options.limits;
    const own = this.#ofParty.get(party) ?? 0;
    return this.#counted.size < refusalsMax && own < refusalsPerProjectMax;
  }

  #count(party: string, change: 1 | -1): void {
    const own = (this.#ofParty.get(party) ?? 0) + change;
    if (own === 0) this.#ofParty.delete(party);
    else this.#ofParty.set(party, own);
  }

  #look(nowMs: number): void {
    for (const [name, counted] of this.#counted) {
      if (counted.dueMs > nowMs) continue;
      if (counted.count > 0) this.#write(counted.refused, counted.count);
      else {
        this.#counted.delete(name);
        this.#count(partyOf(counted.refused), -1);
      }
      counted.count = 0;
      counted.dueMs = nowMs + this.#options.limits.refusalIntervalMs;
    }
    if (this.#leftOut === 0) return;
    this.#options.logger.warn({ refusals: this.#leftOut }, 'too many refusals at once to audit');
    this.#leftOut = 0;
  }

  #write(refused: Refused, count: number): void {
    const { audit, logger } = this.#options;
    const writing = this.#entry(refused, count)
      .then((entry) => audit.add(entry))
      .catch((err: unknown) => logger.warn({ err, count }, 'refusals are not in the audit'));
    this.#writing.add(writing);
    void writing.finally(() => this.#writing.delete(writing));
  }

  async #entry({ project, caller, ...of }: Refused, count: number): Promise<AuditEntry> {
    const { clock } = this.#options;
    const time = clock.now();
    const known = { id: idAt(time), time, caller: auditedCaller(caller), count };
    const none = { resource: null, change: null };
    return { ...known, ...of, ...none, project: await this.#known(project) };
  }

  /** One that is not there, or no more, has no entries. */
  async #known(project: Refused['project']): Promise<AuditEntry['project']> {
    if (project === null) return null;
    const { name } = project;
    try {
      return { name, ref: project.ref ?? (await this.#options.projectOf({ project: name })) };
    } catch (error) {
      if (hasCode(error, 'not_found')) return null;
      throw error;
    }
  }

  /** What was counted is written. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#looking);
    this.#look(Number.POSITIVE_INFINITY);
    await Promise.all(this.#writing);
  }
}

/** Whose places it takes. */
function partyOf({ caller: { actor }, project }: Refused): string {
  return actor.kind === 'key' ? `project ${project?.name}` : `${actor.kind} ${actor.id}`;
}
