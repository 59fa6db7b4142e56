/** What can be done with join tokens. */
import { type Caller, defaultProject } from '../core/caller.ts';
import { AppError, hasCode, invalidField } from '../core/errors.ts';
import { listPage, type Page, type PageAsk } from '../core/page.ts';
import type { Clock } from '../core/ports.ts';
import { auditOf } from '../tenancy/audited.ts';
import { digestOf, hintOf, makeSecret } from '../tenancy/key-secret.ts';
import { assertOperator, type ProjectCases } from '../tenancy/projects.ts';
import type { KnownProject } from '../tenancy/store.ts';
import { tokenPrefix } from './join.ts';
import type { JoinToken, ToldJoinToken } from './join-token.ts';
import type { JoinTokenRows, TokenLimits } from './store.ts';

export interface JoinTokenCasesOptions {
  readonly rows: JoinTokenRows;
  readonly projects: Pick<ProjectCases, 'known'>;
  /** Of the gateway's own certificate, which no authority vouches for; null: one does, or there is no gateway. */
  readonly pin: () => string | null;
  /** Null: the gateway is off. */
  readonly gatewayUrl: () => string | null;
  readonly clock: Clock;
  readonly makeId: () => string;
  readonly limits: TokenLimits;
}

export interface NewJoinToken {
  readonly ttlMs: number;
  readonly uses: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly shared: boolean;
}

export class JoinTokenCases {
  readonly #options: JoinTokenCasesOptions;

  constructor(options: JoinTokenCasesOptions) {
    this.#options = options;
  }

  /**
   * Its secret is in the answer, and told never again.
   * @throws permission_denied, invalid_argument (a shared one of another project than `default`), resource_exhausted,
   *   unavailable
   */
  async create(
    caller: Caller,
    { ttlMs, ...given }: NewJoinToken,
    id = this.#options.makeId(),
  ): Promise<ToldJoinToken> {
    const { rows, projects, pin, clock, limits } = this.#options;
    if (given.shared) assertShareable(caller);
    const project = await projects.known(caller.project);
    caller.signal.throwIfAborted();
    const secret = makeSecret(tokenPrefix);
    const createdAt = clock.now();
    const token = await rows.create(
      {
        ...{ ...given, id, project, used: 0, hint: hintOf(secret), digest: digestOf(secret) },
        ...{ createdBy: caller.actor, createdAt, expiresAt: createdAt + ttlMs * 1000 },
        revokedAt: null,
      },
      limits,
      this.#audit(caller, 'createJoinToken', project),
    );
    const own = pin();
    return this.#told(token, own === null ? secret : `${secret}.${own}`);
  }

  /** Of a call that was lost after it made a token: its secret is told no more. Null where it made none. */
  async made(caller: Caller, id = ''): Promise<ToldJoinToken | null> {
    try {
      return this.#told(await this.get(caller, id), null);
    } catch (error) {
      if (hasCode(error, 'not_found')) return null;
      throw error;
    }
  }

  /** @throws not_found, unavailable */
  async get(caller: Caller, id: string): Promise<JoinToken> {
    const { rows, projects } = this.#options;
    const { ref } = await projects.known(caller.project);
    const token = await rows.find(ref, id);
    if (token === null) throw noToken(id);
    return token;
  }

  /** Newest first. @throws not_found, invalid_argument for another query's token, unavailable */
  async list(caller: Caller, ask: PageAsk): Promise<Page<JoinToken>> {
    const { rows, projects } = this.#options;
    const { ref } = await projects.known(caller.project);
    const query = { kind: 'join_tokens', project: ref };
    return await listPage(query, ask, (page) => rows.list(ref, page));
  }

  /** Nobody joins with it from now on; nodes that have stay. Idempotent. @throws not_found, unavailable */
  async revoke(caller: Caller, id: string): Promise<void> {
    const { rows, projects, clock } = this.#options;
    const project = await projects.known(caller.project);
    caller.signal.throwIfAborted();
    const audit = this.#audit(caller, 'deleteJoinToken', project);
    await rows.revoke(project.ref, id, clock.now(), audit);
  }

  #told(token: JoinToken, secret: string | null): ToldJoinToken {
    return { ...token, secret, joinUrl: this.#options.gatewayUrl() };
  }

  #audit(caller: Caller, operation: string, project: KnownProject) {
    return auditOf<JoinToken>({
      ...{ caller, operation, now: this.#options.clock.now(), kind: 'join_token' },
      project: () => project,
      fields: ({ hint, labels, shared, uses, expiresAt, revokedAt }) => ({
        ...{ hint, labels, shared, uses, expiresAt, revokedAt },
      }),
    });
  }
}

/** @throws permission_denied, invalid_argument */
function assertShareable(caller: Caller): void {
  assertOperator(caller, 'a join token of shared nodes');
  if (caller.project !== defaultProject) {
    throw invalidField(
      'shared',
      `shared nodes are of the project ${defaultProject}: name no other`,
    );
  }
}

export function noToken(id: string): AppError {
  return new AppError('not_found', `no join token ${id}`);
}
