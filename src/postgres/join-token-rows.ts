/** The join tokens, and the nodes that join by them. A join is one transaction: a use and a node, or neither. */
import type { JoinToken as Row } from '../../generated/prisma/client.ts';
import type { AuditEntry } from '../core/audit.ts';
import type { Actor } from '../core/caller.ts';
import { AppError } from '../core/errors.ts';
import { type PageItems, type PageRequest, readWithNext } from '../core/page.ts';
import { type ProjectRef, projectRef } from '../core/project.ts';
import { type Quotas, within } from '../core/quotas.ts';
import type { Micros } from '../core/time.ts';
import type { KnownNode } from '../fleet/admission.ts';
import { isGood, type JoinToken } from '../fleet/join-token.ts';
import { noToken } from '../fleet/join-tokens.ts';
import { type Node, nodeName } from '../fleet/node.ts';
import type {
  JoinLimits,
  NodeToJoin,
  JoinTokenRows as Port,
  TokenLimits,
  TokenToStore,
} from '../fleet/store.ts';
import type { AuditOf } from '../tenancy/store.ts';
import { auditRow } from './audit-rows.ts';
import type { Database } from './database.ts';
import type { LazyPrisma, Transaction } from './lazy-prisma.ts';
import { nodeOf } from './node-rows.ts';
import { assertBelow, holdProject } from './project-room.ts';

/** The end of a token is its expiry or its revoke, whichever came first. */
const purgeSql = `DELETE FROM join_tokens WHERE id IN (
  SELECT id FROM join_tokens WHERE least(expires_at, revoked_at) < $1::bigint LIMIT $2::bigint)
RETURNING 1`;

/** For as long as nothing is known of a node's sessions. */
const seenAtJoin = { state: 'pending', listeners: 0, openConnections: 0 } as const;

export class JoinTokenRows implements Port {
  readonly #database: Database;
  readonly #prisma: LazyPrisma;

  constructor(database: Database, prisma: LazyPrisma) {
    this.#database = database;
    this.#prisma = prisma;
  }

  async create(
    token: TokenToStore,
    limits: TokenLimits,
    audit: AuditOf<JoinToken>,
  ): Promise<JoinToken> {
    const { id, hint, shared, labels, digest, createdBy, project, uses: usesMax } = token;
    const data = {
      ...{ id, hint, shared, usesMax, project: project.ref, digest: new Uint8Array(digest) },
      ...{ labels: { ...labels }, createdBy: { ...createdBy } },
      ...{ createdAt: BigInt(token.createdAt), expiresAt: BigInt(token.expiresAt) },
    };
    return await this.#prisma.transaction(project.ref, async (transaction) => {
      await assertRoom(transaction, token, limits);
      const made = tokenOf(await transaction.joinToken.create({ data }));
      await transaction.auditEntry.create({ data: auditRow(audit(null, made)) });
      return made;
    });
  }

  async find(project: ProjectRef, id: string): Promise<JoinToken | null> {
    const where = { id, project };
    const row = await this.#prisma.run(project, (prisma) => prisma.joinToken.findFirst({ where }));
    return row === null ? null : tokenOf(row);
  }

  async list(project: ProjectRef, page: PageRequest): Promise<PageItems<JoinToken>> {
    return await readWithNext(page, async ({ after, pageSize: take }) => {
      const where = { project, ...(after !== null && { id: { lt: after } }) };
      const rows = await this.#prisma.run(project, (prisma) =>
        prisma.joinToken.findMany({ where, take, orderBy: { id: 'desc' } }),
      );
      return rows.map(tokenOf);
    });
  }

  async revoke(
    project: ProjectRef,
    id: string,
    now: Micros,
    audit: AuditOf<JoinToken>,
  ): Promise<JoinToken> {
    return await this.#prisma.transaction(project, async (transaction) => {
      await transaction.$queryRaw`SELECT id FROM join_tokens
        WHERE id = ${id}::uuid AND project = ${project}::integer FOR UPDATE`;
      const where = { id, project };
      const row = await transaction.joinToken.findFirst({ where });
      if (row === null) throw noToken(id);
      if (row.revokedAt !== null) return tokenOf(row);
      const data = { revokedAt: BigInt(now) };
      const revoked = tokenOf(await transaction.joinToken.update({ where, data }));
      await transaction.auditEntry.create({ data: auditRow(audit(tokenOf(row), revoked)) });
      return revoked;
    });
  }

  async join(
    node: NodeToJoin,
    limits: JoinLimits,
    audit: (node: Node, token: JoinToken) => AuditEntry,
  ): Promise<KnownNode> {
    const { digest, publicKey } = node;
    const joined = await this.#prisma.transaction(null, async (transaction) => {
      await transaction.$queryRaw`SELECT id FROM join_tokens WHERE digest = ${digest} FOR UPDATE`;
      const where = { digest: new Uint8Array(digest) };
      const row = await transaction.joinToken.findUnique({ where });
      if (row === null) throw refused('it is nobody’s');
      const known = await transaction.node.findFirst({
        where: { project: row.project, joinToken: row.id, key: new Uint8Array(publicKey) },
      });
      if (known !== null) return known;
      const token = tokenOf(row);
      if (!isGood(token, node.now)) throw refused('it is used up, revoked or expired');
      const projectName = await assertNodeRoom(transaction, projectRef(row.project), limits);
      const made = await makeNode(transaction, row, node);
      const data = { uses: { increment: 1 } };
      await transaction.joinToken.update({ where: { id: row.id, project: row.project }, data });
      const entry = audit(nodeOf(made, { ...seenAtJoin, projectName }), token);
      await transaction.auditEntry.create({ data: auditRow(entry) });
      return made;
    });
    return { nodeId: joined.id, name: joined.name, publicKey };
  }

  async purge(before: Micros, limit: number): Promise<boolean> {
    const gone = await this.#database.query({ text: purgeSql, values: [before, limit] });
    return gone.length === limit;
  }
}

/** @throws resource_exhausted, not_found for a project that is being deleted */
async function assertRoom(
  transaction: Transaction,
  { project, createdAt }: TokenToStore,
  { joinTokensMax, joinTokensKeptMax }: TokenLimits,
): Promise<void> {
  await holdProject(transaction, project);
  const of = { project: project.ref };
  assertBelow(await transaction.joinToken.count({ where: of }), {
    what: 'join tokens of one project are kept, those that ended among them',
    ...{ limit: 'joinTokensKeptMax', limitValue: joinTokensKeptMax },
  });
  const [living] = await transaction.$queryRaw<{ count: number }[]>`
    SELECT count(*)::integer AS count FROM join_tokens WHERE project = ${project.ref}::integer
      AND revoked_at IS NULL AND uses < uses_max AND expires_at > ${BigInt(createdAt)}`;
  const room = roomOf('joinTokens', project.quotas, ['joinTokensMax', joinTokensMax]);
  assertBelow(living?.count ?? 0, { what: 'join tokens that have not ended', ...room });
}

/**
 * The rows of the project and of `default` are held: so no two see the last room. Resolves to the project's name.
 * @throws unauthenticated for a project that is being deleted, resource_exhausted
 */
async function assertNodeRoom(
  transaction: Transaction,
  project: ProjectRef,
  { nodesMax, projectNodesMax }: JoinLimits,
): Promise<string> {
  const [own] = await transaction.$queryRaw<{ name: string; quotas: Partial<Quotas> }[]>`
    SELECT name, quotas FROM (
      SELECT ref, name, quotas, state FROM projects WHERE ref IN (1, ${project}) ORDER BY ref FOR UPDATE
    ) p WHERE ref = ${project} AND state = 'active'`;
  if (own === undefined) throw refused('its project is being deleted');
  const joined = { isBuiltIn: false, state: { not: 'removed' } } as const;
  const count = await transaction.node.count({ where: { project, ...joined } });
  const room = roomOf('nodes', own.quotas, ['projectNodesMax', projectNodesMax]);
  assertBelow(count, { what: 'nodes of one project', ...room });
  const all = await transaction.node.count({ where: joined });
  assertBelow(all, { what: 'nodes', limit: 'nodesMax', limitValue: nodesMax });
  return own.name;
}

/** The project's quota, or the bound that all have where that is lower. */
function roomOf(
  quota: 'nodes' | 'joinTokens',
  quotas: Partial<Quotas>,
  [name, bound]: readonly [name: string, bound: number],
) {
  const limitValue = within(quotas[quota] ?? null, bound);
  return { limit: limitValue < bound ? quota : name, limitValue };
}

/** Its place in the log has not been taken yet: the first session is number 1. */
async function makeNode(transaction: Transaction, token: Row, node: NodeToJoin) {
  const { id, publicKey, hostname, version } = node;
  const { project, shared, labels } = token;
  const name = await freeName(transaction, projectRef(project), node.name);
  const made = await transaction.node.create({
    data: {
      ...{ id, project, shared, name, hostname, version, joinToken: token.id, isBuiltIn: false },
      ...{ key: new Uint8Array(publicKey), keyGeneration: 1, createdAt: BigInt(node.now) },
      labels: labels as object,
    },
  });
  await transaction.$executeRaw`
    INSERT INTO writers (ref, epoch, append_number, id) VALUES (${made.ref}, 0, 0, ${id})`;
  return made;
}

/** A built-in node that was removed has its name again when its process is back. */
async function freeName(
  transaction: Transaction,
  project: ProjectRef,
  wanted: string,
): Promise<string> {
  const rows = await transaction.node.findMany({
    where: { project, OR: [{ isBuiltIn: true }, { state: { not: 'removed' } }] },
    select: { name: true },
  });
  const taken = new Set(rows.map(({ name }) => name));
  for (let number = 1; ; number += 1) {
    const suffix = number === 1 ? '' : `-${number}`;
    const name = `${wanted.slice(0, nodeName.charsMax - suffix.length)}${suffix}`;
    if (!taken.has(name)) return name;
  }
}

function refused(why: string): AppError {
  return new AppError('unauthenticated', `token: ${why}`);
}

function tokenOf(row: Row): JoinToken {
  const { id, hint, shared, usesMax: uses, uses: used, createdBy, revokedAt } = row;
  return {
    ...{ id, hint, shared, uses, used },
    labels: row.labels as JoinToken['labels'],
    createdBy: createdBy as unknown as Actor,
    createdAt: Number(row.createdAt),
    expiresAt: Number(row.expiresAt),
    revokedAt: revokedAt === null ? null : Number(revokedAt),
  };
}
