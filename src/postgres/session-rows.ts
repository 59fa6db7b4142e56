/**
 * Sessions of nodes: who has a node's place, when it was heard of last, and whose turn it is to look. Overdue is counted
 * in sweeps of the one row of `fleet`, so that no clock of a replica plays a part, and a jump of the database's is worth one.
 */
import { type ProjectRef, projectRef } from '../core/project.ts';
import type { Micros } from '../core/time.ts';
import type { KnownNode, NodeHello } from '../fleet/admission.ts';
import type { NodeState } from '../fleet/node.ts';
import type { PlaceableNode } from '../fleet/placements.ts';
import type {
  Census,
  ExpiredListener,
  NodeCounts,
  OverdueNode,
  SessionBeat,
  SessionRows as SessionRowsPort,
  TakenSession,
} from '../fleet/store.ts';
import type { Database, Statement } from './database.ts';
import type { NodePlaces } from './node-places.ts';
import { presenceKey, presentKeysSql } from './node-presence.ts';
import type { Wakes } from './wakes.ts';

const nowSql = '(extract(epoch FROM clock_timestamp()) * 1000000)::bigint';

const findSql = `SELECT id, name, encode(key, 'base64'), state = 'removed' FROM nodes
  WHERE id = $1 AND NOT is_built_in AND (state = 'removed' OR key IS NOT NULL)`;

/** The lock of a node comes before that of its place, here and wherever both are taken. */
const takeSql = `WITH node AS (
  UPDATE nodes n SET state = 'ready', replica = $2::integer, seen_sweep = f.sweep, last_seen_at = ${nowSql},
    version = $3, hostname = $4, addresses = $5::text[], listen_host = $6, port_from = $7::integer, port_to = $8::integer,
    clock_offset_ms = $9::bigint
  FROM fleet f WHERE n.id = $1 AND NOT n.is_built_in AND n.state NOT IN ('removed', 'quarantined')
  RETURNING n.ref, n.lost_after_ms, n.boot_id, n.name, n.project, n.shared
)
UPDATE writers w SET epoch = epoch + 1, append_number = 0 FROM node WHERE w.ref = node.ref
RETURNING w.ref, w.epoch, node.lost_after_ms, node.boot_id, ${nowSql}, node.name,
  node.project, node.shared`;

/** In a statement of its own: what a former session still wrote is seen only after its place was taken. */
const throughSql =
  'SELECT project, through FROM node_streams WHERE node = $1::integer AND boot = $2::uuid';

const settleBootSql = `UPDATE nodes n SET boot_id = $3::uuid FROM writers w
  WHERE n.ref = $1::integer AND w.ref = n.ref AND w.epoch = $2::bigint`;

/** In the order of their keys, as every statement that locks many. */
const beatSql = `WITH beats AS (
  SELECT b.*, f.sweep FROM fleet f, unnest($1::integer[], $2::bigint[], $3::integer[], $4::bigint[])
    b(ref, session, spool, clock)
), held AS MATERIALIZED (
  SELECT n.ref FROM nodes n JOIN beats b ON b.ref = n.ref JOIN writers w ON w.ref = n.ref AND w.epoch = b.session
  WHERE n.state IN ('ready', 'disconnected') ORDER BY n.ref FOR UPDATE OF n
)
UPDATE nodes n SET state = 'ready', seen_sweep = b.sweep, last_seen_at = ${nowSql}, spool_records = b.spool,
  clock_offset_ms = b.clock
FROM held, beats b WHERE n.ref = held.ref AND b.ref = held.ref RETURNING n.ref, n.lost_after_ms`;

/** Between what was and now: a clock that was set back does not stop the sweeps. */
const sweepSql = `UPDATE fleet SET sweep = sweep + 1, swept_at = clock_timestamp()
  WHERE swept_at NOT BETWEEN clock_timestamp() - make_interval(secs => $1::float8 / 1000) AND clock_timestamp()
  RETURNING sweep`;

/** In the order of their keys, as a heartbeat locks them. */
const overdueSql = `WITH silent AS MATERIALIZED (
  SELECT n.ref FROM nodes n, fleet f
  WHERE NOT n.is_built_in AND n.state = 'ready' AND f.sweep - n.seen_sweep >= $1::integer
  ORDER BY n.ref FOR UPDATE OF n
), gone AS (
  UPDATE nodes n SET state = 'disconnected', replica = NULL FROM silent WHERE n.ref = silent.ref RETURNING n.ref
)
SELECT n.id, n.ref, n.name, n.project, f.sweep - n.seen_sweep > ceil(n.lost_after_ms / $2::float8)
FROM nodes n, fleet f
WHERE NOT n.is_built_in AND (n.state = 'disconnected' OR n.ref IN (SELECT ref FROM gone)) ORDER BY n.ref`;

/** One that drains is on its way already. */
const expiredSql = `SELECT l.project, l.id FROM nodes n JOIN listeners l ON l.node = n.ref
  WHERE NOT n.is_built_in AND n.state IN ('disconnected', 'lost')
    AND l.is_live AND l.state <> 'draining' AND l.expires_at < $1::bigint LIMIT $2::integer`;

/** Built-in ones, too. No index leads from a node to its connections: where none was removed nothing is looked through. */
const unendedSql = `SELECT n.id FROM nodes n WHERE n.state = 'removed' AND n.removed_at < $1::bigint AND n.ref IN (
  SELECT node FROM listeners WHERE is_live UNION ALL SELECT node FROM open_connections
) AND EXISTS (SELECT FROM nodes WHERE state = 'removed' AND removed_at < $1::bigint) LIMIT $2::integer`;

const censusSql = 'SELECT state, count(*) FROM nodes WHERE NOT is_built_in GROUP BY state';

const countsSql = `SELECT project, count(*) FROM nodes
  WHERE NOT is_built_in AND state IN ('ready', 'disconnected') GROUP BY project`;

const placeableSql = `SELECT n.id, n.name, n.labels, n.project = $1::integer, n.is_built_in, n.state, n.cordoned
FROM nodes n WHERE (n.project = $1::integer OR n.shared) AND n.state <> 'removed' ORDER BY n.ref`;

/** Each by the index that leads from a node to its live listeners. */
export function loadsStatement(project: ProjectRef, nodeIds: readonly string[]): Statement {
  const text = `SELECT n.id, (SELECT count(*) FROM listeners l WHERE l.node = n.ref AND l.is_live)
    FROM nodes n WHERE (n.project = $1::integer OR n.shared) AND n.id = ANY ($2::text[]) ORDER BY n.ref`;
  return { name: 'loads', text, values: [project, nodeIds] };
}

type PlaceableRow = readonly [
  id: string,
  name: string,
  labels: Readonly<Record<string, string>>,
  isOwn: boolean,
  isBuiltIn: boolean,
  state: string,
  cordoned: boolean,
];

type TakenRow = readonly [
  ref: number,
  epoch: number,
  lostAfterMs: number,
  bootId: string | null,
  now: Micros,
  name: string,
  project: number,
  isShared: boolean,
];

export interface SessionRowsOptions {
  readonly database: Database;
  readonly places: NodePlaces;
  readonly wakes: Wakes;
}

export class SessionRows implements SessionRowsPort {
  readonly #database: Database;
  readonly #places: NodePlaces;
  readonly #wakes: Wakes;

  constructor({ database, places, wakes }: SessionRowsOptions) {
    this.#database = database;
    this.#places = places;
    this.#wakes = wakes;
  }

  async installationId(): Promise<string> {
    const [row] = await this.#database.query({ text: 'SELECT installation FROM fleet' });
    return row?.[0] as string;
  }

  async time(): Promise<Micros> {
    const [row] = await this.#database.query({ text: `SELECT ${nowSql}` });
    return row?.[0] as Micros;
  }

  async find(nodeId: string): Promise<KnownNode | 'removed' | null> {
    const [row] = await this.#database.query({ name: 'node', text: findSql, values: [nodeId] });
    if (row === undefined) return null;
    const [id, name, key, isRemoved] = row as readonly [string, string, string, boolean];
    if (isRemoved) return 'removed';
    return { nodeId: id, name, publicKey: Buffer.from(key, 'base64') };
  }

  async take(hello: NodeHello): Promise<TakenSession | null> {
    const { nodeId, bootId, version, hostname, addresses, listenHost, portRange } = hello;
    const { clockOffsetMs } = hello;
    const ports = [portRange?.from ?? null, portRange?.to ?? null];
    const about = [version, hostname, addresses, listenHost, ...ports, Math.round(clockOffsetMs)];
    const values = [nodeId, this.#places.own?.ref ?? null, ...about];
    const [row] = await this.#database.queryAsWriter({ text: takeSql, values });
    if (row === undefined) return null;
    const [ref, number, lostAfterMs, boot, now, nodeName, project, isShared] = row as TakenRow;
    this.#wakes.tellTaken(ref, number);
    const through = await this.#database.query({ text: throughSql, values: [ref, bootId] });
    const pairs = through as readonly (readonly [number, number])[];
    return {
      ...{ ref, number, lostAfterMs, bootId: boot, now, nodeName, isShared },
      project: projectRef(project),
      place: this.#places.sessionPlace(nodeId, { ref, epoch: number, boot: bootId }),
      through: new Map(pairs.map(([project, record]) => [projectRef(project), record])),
    };
  }

  onTaken(callback: (ref: number, session: number) => void): () => void {
    return this.#wakes.onTaken(callback);
  }

  async settleBoot(
    { ref, number }: Pick<TakenSession, 'ref' | 'number'>,
    bootId: string,
  ): Promise<void> {
    await this.#database.query({ text: settleBootSql, values: [ref, number, bootId] });
  }

  async beat(beats: readonly SessionBeat[]): Promise<ReadonlyMap<number, number>> {
    const rows = await this.#database.query({
      name: 'beat',
      text: beatSql,
      values: [
        beats.map(({ ref }) => ref),
        beats.map(({ session }) => session),
        beats.map(({ spoolRecords }) => spoolRecords),
        beats.map(({ clockOffsetMs }) => Math.round(clockOffsetMs)),
      ],
    });
    return new Map(rows as readonly (readonly [ref: number, lostAfterMs: number])[]);
  }

  async census(): Promise<Census> {
    const rows = await this.#database.query({ name: 'census', text: censusSql });
    return new Map(rows.map(([state, count]) => [state as NodeState, Number(count)]));
  }

  async sweep(intervalMs: number): Promise<boolean> {
    const rows = await this.#database.query({ text: sweepSql, values: [intervalMs] });
    return rows.length > 0;
  }

  async overdue(
    missedSweeps: number,
    intervalMs: number,
  ): Promise<{ readonly nodes: readonly OverdueNode[]; readonly counts: NodeCounts }> {
    const values = [missedSweeps, intervalMs];
    const rows = await this.#database.query({ text: overdueSql, values });
    const counts = rows.length === 0 ? [] : await this.#database.query({ text: countsSql });
    const all = rows as readonly (readonly [string, number, string, ProjectRef, boolean])[];
    return {
      nodes: all.map(([id, ref, name, project, isLost]) => ({ id, ref, name, project, isLost })),
      counts: new Map(counts as readonly (readonly [ProjectRef, number])[]),
    };
  }

  async placeable(project: ProjectRef): Promise<readonly PlaceableNode[]> {
    const statement = { name: 'placeable', text: placeableSql, values: [project] };
    const rows = (await this.#database.query(statement)) as readonly PlaceableRow[];
    const present = rows.some(([, , , , isBuiltIn]) => isBuiltIn)
      ? new Set((await this.#database.query({ text: presentKeysSql })).map(([key]) => Number(key)))
      : new Set<number>();
    return rows.map(([id, name, labels, isOwn, isBuiltIn, state, cordoned]) => {
      const isReady = isBuiltIn ? present.has(presenceKey(id)) : state === 'ready';
      return { id, name, labels, isOwn: isOwn && !isBuiltIn, isReady, cordoned };
    });
  }

  async loads(
    project: ProjectRef,
    nodeIds: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#database.query(loadsStatement(project, nodeIds));
    return new Map(rows as readonly (readonly [string, number])[]);
  }

  async isCordoned(nodeId: string): Promise<boolean> {
    const text = `SELECT FROM nodes WHERE id = $1 AND cordoned AND state <> 'removed'`;
    return (await this.#database.query({ text, values: [nodeId] })).length > 0;
  }

  async expired(now: Micros, limit: number): Promise<readonly ExpiredListener[]> {
    const rows = await this.#database.query({ text: expiredSql, values: [now, limit] });
    const all = rows as readonly (readonly [number, string])[];
    return all.map(([project, id]) => ({ project: projectRef(project), id }));
  }

  async unended(before: Micros, limit: number): Promise<readonly string[]> {
    const rows = await this.#database.query({ text: unendedSql, values: [before, limit] });
    return rows.map(([id]) => id as string);
  }

  async markLost(ref: number): Promise<void> {
    const text = `UPDATE nodes SET state = 'lost' WHERE ref = $1::integer AND state = 'disconnected'`;
    await this.#database.query({ text, values: [ref] });
  }
}
