/** The keys: looked up and marked as used by statements of our own, since each call does; all else by Prisma Client. */
import type { ApiKey as Row } from '../../generated/prisma/client.ts';
import type { Actor, Scope } from '../core/caller.ts';
import { AppError } from '../core/errors.ts';
import { type PageItems, type PageRequest, readWithNext } from '../core/page.ts';
import { type ProjectRef, projectRef } from '../core/project.ts';
import type { Micros } from '../core/time.ts';
import type { ApiKey, FoundKey } from '../tenancy/api-key.ts';
import type { AuditOf, KeyChange, KeyToStore, KeyUse, KeyRows as Port } from '../tenancy/store.ts';
import { auditRow } from './audit-rows.ts';
import type { Database } from './database.ts';
import { isTaken, type LazyPrisma, type Transaction } from './lazy-prisma.ts';
import { assertBelow, holdProject } from './project-room.ts';

const byDigestSql = `SELECT k.id, k.project, p.name, k.scopes, k.hint, k.digest, k.former_digest, k.expires_at,
  k.former_ends_at, k.revoked_at, k.project IS NOT NULL AND coalesce(p.state, 'deleting') = 'deleting'
FROM api_keys k LEFT JOIN projects p ON p.ref = k.project WHERE k.digest = $1 OR k.former_digest = $1`;

const usedSql = `UPDATE api_keys k SET last_used_at = u.at, last_used_ip = u.ip
FROM unnest($1::uuid[], $2::bigint[], $3::text[]) u(id, at, ip)
WHERE k.id = u.id AND (k.last_used_at IS NULL OR k.last_used_at < u.at)`;

/** The end of a key is its expiry or its revoke, whichever came first. */
const purgeSql = `DELETE FROM api_keys WHERE id IN (
  SELECT id FROM api_keys WHERE least(expires_at, revoked_at) < $1::bigint LIMIT $2::bigint)
RETURNING 1`;

type FoundRow = readonly [
  ...[id: string, project: number | null, name: string | null, scopes: Scope[], hint: string],
  ...[digest: Buffer, formerDigest: Buffer | null, expiresAt: number | null],
  ...[formerEndsAt: number | null, revokedAt: number | null, isFrozen: boolean | null],
];

export class KeyRows implements Port {
  readonly #database: Database;
  readonly #prisma: LazyPrisma;

  constructor(database: Database, prisma: LazyPrisma) {
    this.#database = database;
    this.#prisma = prisma;
  }

  async findByDigest(digest: Buffer): Promise<FoundKey | null> {
    const statement = { name: 'key', text: byDigestSql, values: [digest] };
    const [row] = (await this.#database.query(statement)) as unknown as readonly FoundRow[];
    if (row === undefined) return null;
    const [
      id,
      ref,
      name,
      scopes,
      hint,
      own,
      formerDigest,
      expiresAt,
      formerEndsAt,
      revokedAt,
      isFrozen,
    ] = row;
    // A key of a project that is gone is no key of none: it is frozen, whatever its project was called.
    const project = ref === null ? null : { ref: projectRef(ref), name: name ?? '' };
    const ends = { expiresAt, formerSecretEndsAt: formerEndsAt, revokedAt };
    const digests = { digest: own, formerDigest };
    return { ...{ id, project, scopes, hint }, ...digests, ...ends, isFrozen: isFrozen === true };
  }

  async used(uses: readonly KeyUse[]): Promise<void> {
    const values = [uses.map(({ id }) => id), uses.map(({ at }) => at), uses.map(({ ip }) => ip)];
    await this.#database.query({ text: usedSql, values });
  }

  async purge(before: Micros, limit: number): Promise<boolean> {
    const gone = await this.#database.query({ text: purgeSql, values: [before, limit] });
    return gone.length === limit;
  }

  async create(key: KeyToStore, max: number, audit: AuditOf<ApiKey>): Promise<ApiKey> {
    const { id, name, hint, digest, project, createdBy, scopes } = key;
    const data = {
      ...{ id, name, hint, digest: new Uint8Array(digest), scopes: [...scopes] },
      createdBy: { ...createdBy },
      project: project?.ref ?? null,
      createdAt: BigInt(key.createdAt),
      expiresAt: key.expiresAt === null ? null : BigInt(key.expiresAt),
    };
    return await this.#named(data.project, key, () =>
      this.#prisma.transaction(data.project, async (transaction) => {
        await assertRoom(transaction, key, max);
        const row = await transaction.apiKey.create({ data });
        const made = keyOf(row, project?.name ?? null);
        await transaction.auditEntry.create({ data: auditRow(audit(null, made)) });
        return made;
      }),
    );
  }

  async find(project: ProjectRef | null, id: string): Promise<ApiKey | null> {
    return await this.#prisma.transaction(project, async (transaction) => {
      const row = await transaction.apiKey.findFirst({ where: { id, project } });
      return row === null ? null : keyOf(row, await nameOf(transaction, project));
    });
  }

  async list(project: ProjectRef | null, page: PageRequest): Promise<PageItems<ApiKey>> {
    return await readWithNext(page, async ({ after, pageSize: take }) => {
      const where = { project, ...(after !== null && { id: { lt: after } }) };
      return await this.#prisma.transaction(project, async (transaction) => {
        const name = await nameOf(transaction, project);
        const rows = await transaction.apiKey.findMany({ where, take, orderBy: { id: 'desc' } });
        return rows.map((row) => keyOf(row, name));
      });
    });
  }

  async update(
    project: ProjectRef | null,
    id: string,
    change: (key: ApiKey, rotation: string | null) => KeyChange,
    audit: AuditOf<ApiKey>,
  ): Promise<ApiKey> {
    const wanted = { name: '' };
    const work = async (transaction: Transaction) => {
      const where = { id, project };
      await transaction.$queryRaw`SELECT id FROM api_keys
        WHERE id = ${id}::uuid AND project IS NOT DISTINCT FROM ${project}::integer FOR UPDATE`;
      const row = await transaction.apiKey.findFirst({ where });
      if (row === null) throw new AppError('not_found', `no key ${id}`);
      const before = keyOf(row, await nameOf(transaction, project));
      const changed = change(before, row.rotation);
      if (changed === before) return before;
      const { name, hint, formerSecretEndsAt, revokedAt, rotation } = changed;
      wanted.name = name;
      const data = {
        ...{ name, hint },
        revokedAt: revokedAt === null ? null : BigInt(revokedAt),
        formerEndsAt: formerSecretEndsAt === null ? null : BigInt(formerSecretEndsAt),
        ...(rotation && { rotation: rotation.id, digest: new Uint8Array(rotation.digest) }),
        ...(rotation && rotation.id !== row.rotation && { formerDigest: row.digest }),
      };
      const saved = keyOf(await transaction.apiKey.update({ where, data }), before.project);
      await transaction.auditEntry.create({ data: auditRow(audit(before, saved)) });
      return saved;
    };
    return await this.#named(project, wanted, () => this.#prisma.transaction(project, work));
  }

  /** @throws already_exists where another key has the name */
  async #named<Result>(
    project: ProjectRef | null,
    wanted: { readonly name: string },
    work: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (!isTaken(error)) throw error;
      const where = { project, name: wanted.name, revokedAt: null };
      const key = await this.#prisma.run(project, ({ apiKey }) => apiKey.findFirst({ where }));
      const told = key === null ? 'another key' : `key ${key.id}`;
      const message = `${told} is called ${where.name}`;
      const errors = [{ path: 'name', message }];
      const owner = key === null ? {} : { owner: key.id };
      throw new AppError('already_exists', `name: ${message}`, { errors, ...owner });
    }
  }
}

/** @throws resource_exhausted, not_found for a project that is being deleted */
async function assertRoom(
  transaction: Transaction,
  { project, createdAt }: KeyToStore,
  max: number,
): Promise<void> {
  await holdProject(transaction, project);
  const of = { project: project?.ref ?? null };
  assertBelow(await transaction.apiKey.count({ where: of }), {
    what: 'keys of one project are kept, those that ended among them',
    ...{ limit: 'keysMax', limitValue: max },
  });
  const quota = project?.quotas.keys ?? null;
  if (quota === null) return;
  const living = {
    revokedAt: null,
    OR: [{ expiresAt: null }, { expiresAt: { gt: BigInt(createdAt) } }],
  };
  const count = await transaction.apiKey.count({ where: { ...of, ...living } });
  assertBelow(count, { what: 'keys', limit: 'keys', limitValue: quota });
}

async function nameOf(transaction: Transaction, ref: ProjectRef | null): Promise<string | null> {
  if (ref === null) return null;
  const project = await transaction.project.findUnique({ where: { ref }, select: { name: true } });
  return project?.name ?? null;
}

function keyOf(row: Row, project: string | null): ApiKey {
  const { id, name, hint, lastUsedIp, scopes, createdBy } = row;
  const time = (value: bigint | null) => (value === null ? null : Number(value));
  return {
    ...{ id, project, name, hint, lastUsedIp },
    scopes: scopes as Scope[],
    createdBy: createdBy as unknown as Actor,
    createdAt: Number(row.createdAt),
    expiresAt: time(row.expiresAt),
    formerSecretEndsAt: time(row.formerEndsAt),
    lastUsedAt: time(row.lastUsedAt),
    revokedAt: time(row.revokedAt),
  };
}
