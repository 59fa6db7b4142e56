/**
 * The nodes. What is not in their rows is read by a statement of our own: whether the process of a built-in one is there,
 * and what a project has on each. All else is Prisma Client's.
 */
import type { Node as Row } from '../../generated/prisma/client.ts';
import { type PageItems, type PageRequest, readWithNext } from '../core/page.ts';
import { defaultProject, type ProjectRef, projectRef } from '../core/project.ts';
import type { Micros } from '../core/time.ts';
import type { Node, NodeState } from '../fleet/node.ts';
import { builtInUp, noNode } from '../fleet/nodes.ts';
import type { NodeChange, NodeQuery, NodeRows as Port } from '../fleet/store.ts';
import type { AuditOf } from '../tenancy/store.ts';
import { auditRow } from './audit-rows.ts';
import type { Database, Rows } from './database.ts';
import type { LazyPrisma, Transaction } from './lazy-prisma.ts';
import { isHeldSql, presenceKeySql, presentKeysSql } from './node-presence.ts';

/** What a node's row does not have. */
export type NodeSeen = Pick<Node, 'projectName' | 'state' | 'listeners' | 'openConnections'>;

type SeenRow = readonly [
  ...[ref: number, projectName: string, state: NodeState],
  ...[listeners: number, openConnections: number],
];

/** All nodes that a project sees, or for NULL all; there are few, and what they hold is counted in one go. */
const seenSql = `WITH present (key) AS MATERIALIZED (${presentKeysSql}), held AS (
  SELECT l.node, count(*) AS listeners, sum(c.open_connections) AS open_connections
  FROM listeners l LEFT JOIN listener_counts c ON c.listener_id = l.id
  WHERE l.is_live AND ($1::integer IS NULL OR l.project = $1::integer) GROUP BY l.node
), seen AS (
  SELECT n.ref, n.project, n.id, n.name, n.labels, CASE
    WHEN NOT n.is_built_in OR n.state = 'removed' THEN n.state
    WHEN EXISTS (SELECT FROM present WHERE key = ${presenceKeySql('n.id')}) THEN 'ready'
    ELSE 'disconnected' END AS state
  FROM nodes n WHERE $1::integer IS NULL OR n.project = $1::integer OR n.shared
)
SELECT n.ref, (SELECT p.name FROM projects p WHERE p.ref = n.project), n.state,
  coalesce(h.listeners, 0), coalesce(h.open_connections, 0)
FROM seen n LEFT JOIN held h ON h.node = n.ref`;

const findSql = `${seenSql} WHERE n.id = $2
    OR (n.name = $2 AND n.state <> 'removed' AND ($1::integer IS NOT NULL OR n.project = ${defaultProject}))
  ORDER BY n.id = $2 DESC, n.project = $1::integer DESC LIMIT 1`;

const listSql = `${seenSql} WHERE n.ref > $2::integer AND n.labels @> $3::jsonb
    AND CASE WHEN $4::node_state IS NULL THEN n.state <> 'removed' ELSE n.state = $4::node_state END
  ORDER BY n.ref LIMIT $5::bigint`;

/**
 * A replica without echo sockets is no node while it is there, and nothing removes it when it ends, nor when it is killed:
 * it counts as removed from the first look on that misses it, until it is back.
 */
const missedSql = `WITH present (key) AS MATERIALIZED (${presentKeysSql})
UPDATE nodes n SET removed_at = CASE WHEN n.removed_at IS NULL
  THEN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint END
WHERE n.state = 'removed' AND n.is_built_in
  AND (n.removed_at IS NULL) <> EXISTS (SELECT FROM present WHERE key = ${presenceKeySql('n.id')})
  AND NOT EXISTS (SELECT FROM listeners l WHERE l.node = n.ref AND l.is_live)
  AND NOT EXISTS (SELECT FROM open_connections o WHERE o.node = n.ref)`;

const purgeSql = `WITH gone AS (
  DELETE FROM nodes WHERE ref IN (
    SELECT n.ref FROM nodes n WHERE n.state = 'removed' AND n.removed_at < $1::bigint
      AND NOT EXISTS (SELECT FROM listeners l WHERE l.node = n.ref)
      AND NOT EXISTS (SELECT FROM open_connections o WHERE o.node = n.ref) LIMIT $2::bigint)
  RETURNING ref
), places AS (
  DELETE FROM writers w USING gone WHERE w.ref = gone.ref
), streams AS (
  DELETE FROM node_streams s USING gone WHERE s.node = gone.ref
) SELECT ref FROM gone`;

/** A built-in node that starts is seen by its presence, or waits for this lock and takes its removal back. */
const lockSql = `SELECT n.is_built_in AND ${isHeldSql(presenceKeySql('n.id'))} AS "isUp" FROM nodes n
  WHERE n.project = $1::integer AND n.ref = $2::integer AND n.state <> 'removed' FOR UPDATE`;

export class NodeRows implements Port {
  readonly #database: Database;
  readonly #prisma: LazyPrisma;

  constructor(database: Database, prisma: LazyPrisma) {
    this.#database = database;
    this.#prisma = prisma;
  }

  async find(project: ProjectRef | null, idOrName: string): Promise<Node | null> {
    const values = [project, idOrName];
    const rows = await this.#database.query({ name: 'node by id or name', text: findSql, values });
    const [node = null] = await this.#whole(project, rows);
    return node;
  }

  async list({ project, state, labels }: NodeQuery, page: PageRequest): Promise<PageItems<Node>> {
    return await readWithNext(page, async ({ after, pageSize }) => {
      const values = [project, Number(after ?? 0), JSON.stringify(labels), state, pageSize];
      return await this.#whole(project, await this.#database.query({ text: listSql, values }));
    });
  }

  /** In the order of what was seen. One that is gone since then is left out. */
  async #whole(project: ProjectRef | null, rows: Rows): Promise<readonly Node[]> {
    const seen = rows as unknown as readonly SeenRow[];
    if (seen.length === 0) return [];
    const ref = { in: seen.map(([one]) => one) };
    const where = { ref, ...(project !== null && { OR: [{ project }, { shared: true }] }) };
    const found = await this.#prisma.run(project, (prisma) => prisma.node.findMany({ where }));
    const byRef = new Map(found.map((row) => [row.ref, row]));
    return seen.flatMap(([one, projectName, state, listeners, openConnections]) => {
      const row = byRef.get(one);
      const counts = { listeners: Number(listeners), openConnections: Number(openConnections) };
      return row === undefined ? [] : [nodeOf(row, { projectName, state, ...counts })];
    });
  }

  async update(found: Node, change: NodeChange, audit: AuditOf<Node>): Promise<Node> {
    const { labels, cordoned, lostAfterMs } = change;
    const data = {
      ...(labels !== undefined && { labels: { ...labels } }),
      ...(cordoned !== undefined && { cordoned }),
      ...(lostAfterMs !== undefined && { lostAfterMs }),
    };
    return await this.#change(found, { data, state: found.state }, audit);
  }

  async remove(found: Node, now: Micros, audit: AuditOf<Node>): Promise<Node> {
    const state = 'removed';
    const data = { state, key: null, removedAt: BigInt(now) } as const;
    return await this.#change(found, { data, state }, audit);
  }

  async purge(before: Micros, limit: number): Promise<boolean> {
    await this.#database.query({ text: missedSql });
    const gone = await this.#database.query({ text: purgeSql, values: [before, limit] });
    return gone.length === limit;
  }

  async #change(
    found: Node,
    { data, state }: { readonly data: object; readonly state: NodeState },
    audit: AuditOf<Node>,
  ): Promise<Node> {
    const { ref, name, project } = found;
    return await this.#prisma.transaction(project, async (transaction: Transaction) => {
      type Held = { readonly isUp: boolean };
      const [held] = await transaction.$queryRawUnsafe<Held[]>(lockSql, project, ref);
      if (held === undefined) throw noNode(name);
      if (held.isUp && state === 'removed') throw builtInUp(name);
      const where = { ref, project };
      const before = nodeOf(await transaction.node.findUniqueOrThrow({ where }), found);
      const saved = await transaction.node.update({ where, data });
      const after = nodeOf(saved, { ...found, state });
      await transaction.auditEntry.create({ data: auditRow(audit(before, after)) });
      return after;
    });
  }
}

export function nodeOf(row: Row, seen: NodeSeen): Node {
  const { ref, id, name, isBuiltIn, shared, cordoned, version, bootId, hostname } = row;
  const { addresses, listenHost, portFrom: from, portTo: to, lostAfterMs, spoolRecords } = row;
  const { projectName, state, listeners, openConnections } = seen;
  const number = (value: bigint | null) => (value === null ? null : Number(value));
  return {
    ...{ ref, id, project: projectRef(row.project), projectName, name },
    labels: row.labels as Node['labels'],
    ...{ state, isBuiltIn, shared, cordoned, version, bootId, hostname, addresses, listenHost },
    portRange: from === null || to === null ? null : { from, to },
    lastSeenAt: number(row.lastSeenAt),
    ...{ lostAfterMs, spoolRecords, clockOffsetMs: number(row.clockOffsetMs) },
    createdAt: Number(row.createdAt),
    ...{ listeners, openConnections },
  };
}
