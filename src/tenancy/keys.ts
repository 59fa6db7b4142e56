/** What can be done with keys. Nobody gives more than he has: a key that is made, or rotated, is a key in one's hand. */
import { type Caller, isOperator } from '../core/caller.ts';
import { AppError, hasCode } from '../core/errors.ts';
import { listPage, type Page, type PageAsk } from '../core/page.ts';
import type { Clock } from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Micros } from '../core/time.ts';
import {
  type ApiKey,
  assertGivable,
  expandScopes,
  type ScopeWord,
  type ToldKey,
} from './api-key.ts';
import { auditOf } from './audited.ts';
import { digestOf, hintOf, makeSecret } from './key-secret.ts';
import { assertOperator, type ProjectCases } from './projects.ts';
import type { KeyRows, KnownProject, TenancyWakes } from './store.ts';

export interface KeyCasesOptions {
  readonly rows: KeyRows;
  readonly projects: Pick<ProjectCases, 'known'>;
  readonly wakes: Pick<TenancyWakes, 'tellChange'>;
  readonly clock: Clock;
  readonly makeId: () => string;
  readonly limits: {
    /** Keys of one project that are kept, ended ones too. */
    readonly keysMax: number;
  };
}

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly ScopeWord[];
  readonly expiresAt: Micros | null;
  /** Of no project. */
  readonly ofNoProject: boolean;
}

/** Of a caller's project, or of none. */
interface Owner {
  readonly project: KnownProject | null;
  readonly ref: ProjectRef | null;
}

export class KeyCases {
  readonly #options: KeyCasesOptions;

  constructor(options: KeyCasesOptions) {
    this.#options = options;
  }

  /**
   * Its secret is in the answer, and told never again.
   * @throws permission_denied for what the caller has not, already_exists, resource_exhausted, unavailable
   */
  async create(caller: Caller, given: NewKey, id = this.#options.makeId()): Promise<ToldKey> {
    const { rows, clock, limits } = this.#options;
    if (given.ofNoProject) assertOperator(caller, 'a key of no project');
    const scopes = expandScopes(given.scopes);
    assertGivable(scopes, caller.scopes, !given.ofNoProject);
    assertNotLonger(given.expiresAt, caller);
    const { project } = await this.#owner(caller, given.ofNoProject);
    caller.signal.throwIfAborted();
    const secret = makeSecret();
    const { name, expiresAt } = given;
    const key = await rows.create(
      {
        ...{ id, name, scopes, expiresAt, project },
        ...{ hint: hintOf(secret), digest: digestOf(secret) },
        ...{ createdBy: caller.actor, createdAt: clock.now() },
        ...{ formerSecretEndsAt: null, lastUsedAt: null, lastUsedIp: null, revokedAt: null },
      },
      limits.keysMax,
      this.#audit(caller, 'createKey', project),
    );
    return { ...key, secret };
  }

  /** Of the caller's project; for an operator one of none, too. @throws not_found, unavailable */
  async get(caller: Caller, id: string): Promise<ApiKey> {
    const [, key] = await this.#find(caller, id);
    return key;
  }

  /** Newest first. @throws permission_denied, unavailable */
  async list(
    caller: Caller,
    { ofNone }: { readonly ofNone: boolean },
    ask: PageAsk,
  ): Promise<Page<ApiKey>> {
    if (ofNone) assertOperator(caller, 'a list of keys of no project');
    const { ref } = await this.#owner(caller, ofNone);
    const query = { kind: 'keys', project: caller.project, ofNone };
    return await listPage(query, ask, (page) => this.#options.rows.list(ref, page));
  }

  /** @throws not_found, already_exists, unavailable */
  async rename(caller: Caller, id: string, name: string): Promise<ApiKey> {
    return await this.#change(caller, 'updateKey', id, (key) =>
      key.name === name ? key : { ...key, name },
    );
  }

  /** It is refused from now on, everywhere within some seconds, and its streams end. Idempotent. */
  async revoke(caller: Caller, id: string): Promise<void> {
    const revokedAt = this.#options.clock.now();
    await this.#change(caller, 'revokeKey', id, (key) =>
      key.revokedAt === null ? { ...key, revokedAt } : key,
    );
  }

  /**
   * A second secret; the first one ends after the overlap. A rotation of the same id, whose answer was lost, is done
   * again: nobody knows its secret, and another takes its place.
   * @throws not_found, permission_denied (for a key with more than the caller has), failed_precondition (it has ended,
   *   or two secrets already), unavailable
   */
  async rotate(
    caller: Caller,
    id: string,
    overlapMs: number,
    rotationId = this.#options.makeId(),
  ): Promise<ToldKey> {
    const now = this.#options.clock.now();
    const secret = makeSecret();
    const rotation = { id: rotationId, digest: digestOf(secret) };
    const key = await this.#change(caller, 'rotateKey', id, (before, last) => {
      const isAgain = last === rotationId;
      assertGivable(before.scopes, caller.scopes, before.project !== null);
      assertNotLonger(before.expiresAt, caller);
      assertRotatable(isAgain ? { ...before, formerSecretEndsAt: null } : before, now);
      const endsAt = isAgain ? before.formerSecretEndsAt : now + overlapMs * 1000;
      return { ...before, rotation, hint: hintOf(secret), formerSecretEndsAt: endsAt };
    });
    return { ...key, secret };
  }

  /** Of a call that was lost after it made a key: its secret is told no more. Null where it made none. */
  async made(caller: Caller, id = ''): Promise<ToldKey | null> {
    try {
      return { ...(await this.get(caller, id)), secret: null };
    } catch (error) {
      if (hasCode(error, 'not_found')) return null;
      throw error;
    }
  }

  async #change(
    caller: Caller,
    operation: string,
    id: string,
    change: Parameters<KeyRows['update']>[2],
  ): Promise<ApiKey> {
    const { rows, wakes } = this.#options;
    const [{ ref, project }] = await this.#find(caller, id);
    caller.signal.throwIfAborted();
    const changed = await rows.update(ref, id, change, this.#audit(caller, operation, project));
    wakes.tellChange();
    return changed;
  }

  async #find(caller: Caller, id: string): Promise<readonly [owner: Owner, key: ApiKey]> {
    const { rows } = this.#options;
    for (const ofNone of isOperator(caller) ? [false, true] : [false]) {
      const owner = await this.#owner(caller, ofNone);
      const key = await rows.find(owner.ref, id);
      if (key !== null) return [owner, key];
    }
    throw new AppError('not_found', `no key ${id}`);
  }

  async #owner(caller: Caller, ofNone: boolean): Promise<Owner> {
    if (ofNone) return { project: null, ref: null };
    const project = await this.#options.projects.known(caller.project);
    return { project, ref: project.ref };
  }

  #audit(caller: Caller, operation: string, project: KnownProject | null) {
    return auditOf<ApiKey>({
      ...{ caller, operation, now: this.#options.clock.now(), kind: 'key' },
      project: () => project,
      fields: ({ name, scopes, hint, expiresAt, formerSecretEndsAt, revokedAt }) => ({
        ...{ name, scopes, hint, expiresAt, formerSecretEndsAt, revokedAt },
      }),
    });
  }
}

/** @throws permission_denied */
function assertNotLonger(expiresAt: Micros | null, { expiresAt: own }: Caller): void {
  if (own === null || (expiresAt !== null && expiresAt <= own)) return;
  throw new AppError(
    'permission_denied',
    'a key gives at most what it has: it ends later than your own',
  );
}

/** @throws failed_precondition */
function assertRotatable({ revokedAt, expiresAt, formerSecretEndsAt }: ApiKey, now: Micros): void {
  const refuse = (why: string): never => {
    throw new AppError('failed_precondition', why);
  };
  if (revokedAt !== null) refuse('the key is revoked');
  if (expiresAt !== null && expiresAt <= now) refuse('the key has expired');
  if (formerSecretEndsAt !== null && formerSecretEndsAt > now) {
    refuse('the key has two secrets until the one of before its last rotation ends');
  }
}
