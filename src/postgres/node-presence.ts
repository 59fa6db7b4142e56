/**
 * Tells the other nodes of a database that this one is there: a connection of its own holds an advisory lock, which
 * PostgreSQL takes away when that connection is gone. It is held by one who only shares it, so that the successor of a
 * connection that broke need not wait until the server has noticed.
 * https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';
import { ConnectionLoss } from './connection-loss.ts';
import type { Database } from './database.ts';
import { cutBy, type DriverClient } from './driver-client.ts';

export interface NodePresenceOptions {
  readonly database: Database;
  readonly nodeId: string;
  readonly log: Logger;
  /** After a time without a connection: somebody may have taken this node for gone. */
  readonly onReturn: () => Promise<void>;
  /**
   * For the end of another process with this id: one that was killed may be held for alive until its connection is
   * noticed to be gone. Null: any number may be there at once.
   */
  readonly predecessorWaitMs: number | null;
  /** Ends that wait. */
  readonly signal: AbortSignal;
}

/** The first of the two keys of all these locks: "node". */
const lockClass = 0x6e6f6465;
const retryMs = 250;
const goodbyeMs = 500;
const aloneEveryMs = 50;
/** The connection of one that was killed on a host that lives is gone sooner. */
const noticeAfterTries = 20;

/** A host that is gone without a word is noticed after 25 s; by itself the server would wait for hours. */
const settings =
  'SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3';

/** The locks of all nodes of this database. */
const heldSql = `FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = ${lockClass}::oid
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
const isOf = (parameter: string): string => `l.objid = ${parameter}::bigint::oid`;

/** Whether the lock of the node, the parameter's id, is held by anybody. */
export const isHeldSql = (parameter: string): string =>
  `EXISTS (SELECT ${heldSql} AND ${isOf(parameter)})`;

/** The keys of the nodes that hold their locks. */
export const presentKeysSql = `SELECT DISTINCT l.objid::bigint ${heldSql}`;

const holdersSql = `SELECT DISTINCT l.pid ${heldSql} AND ${isOf('$1')} ORDER BY l.pid`;

/** As `presenceKey`, of an id in a column. */
export const presenceKeySql = (column: string): string =>
  `(('x' || left(encode(sha256(convert_to(${column}, 'UTF8')), 'hex'), 8))::bit(32)::bigint >> 1)`;

/** Two ids with one key would each seem to be there while the other is: nothing is taken from either, and one alone starts. */
export function presenceKey(nodeId: string): number {
  return createHash('sha256').update(nodeId).digest().readUInt32BE() >>> 1;
}

export class NodePresence implements AsyncDisposable {
  readonly #options: NodePresenceOptions;
  readonly #stop = new AbortController();
  #client: DriverClient;
  #isExclusive = false;
  /** Resolves when the connection is. */
  #lost: Promise<void> = Promise.resolve();
  #running: Promise<void> = Promise.resolve();

  private constructor(options: NodePresenceOptions) {
    this.#options = options;
    this.#client = options.database.client('kodama presence');
  }

  /**
   * Resolves when the node is there for all to see.
   * @throws what the driver throws; failed_precondition where another process has the id, and keeps it
   */
  static async hold(options: NodePresenceOptions): Promise<NodePresence> {
    const presence = new NodePresence(options);
    using _ = cutBy(options.signal, () => presence.#client);
    await presence.#connect((client) => presence.#untilAlone(client));
    presence.#running = presence.#keep();
    return presence;
  }

  /** Who returns shares the lock with the connection that broke, and waits for nobody. */
  async #connect(prepare: (client: DriverClient) => Promise<void> = async () => {}): Promise<void> {
    const client = this.#client;
    const loss = new ConnectionLoss(client, this.#stop.signal);
    this.#lost = loss.happened;
    try {
      await client.connect();
      await client.query(settings);
      await prepare(client);
      const values = [lockClass, presenceKey(this.#options.nodeId)];
      await client.query('SELECT pg_advisory_lock_shared($1::integer, $2::integer)', values);
      // Only after it is shared: nobody comes in between.
      if (this.#isExclusive) {
        await client.query('SELECT pg_advisory_unlock($1::integer, $2::integer)', values);
        this.#isExclusive = false;
      }
    } catch (error) {
      loss[Symbol.dispose]();
      await this.#leave();
      throw error;
    }
  }

  /** Has the lock for itself then: of several that start at once, one. */
  async #untilAlone(client: DriverClient): Promise<void> {
    const { nodeId, predecessorWaitMs: waitMs, log, signal } = this.#options;
    if (waitMs === null) return;
    const text = 'SELECT pg_try_advisory_lock($1::integer, $2::integer) AS "isAlone"';
    const values = [lockClass, presenceKey(nodeId)];
    const deadline = performance.now() + waitMs;
    for (let tries = 1; !(await client.query(text, values)).rows[0].isAlone; tries += 1) {
      if (performance.now() >= deadline) throw await idTaken(nodeId, client);
      if (tries === noticeAfterTries) {
        log.warn({ nodeId, waitMs }, 'another process has this node id, waiting for its end');
      }
      await delay(aloneEveryMs, undefined, { signal });
    }
    this.#isExclusive = true;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#lost;
      await this.#leave();
      while (!signal.aborted && !(await this.#return())) {
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #return(): Promise<boolean> {
    const { database, log, onReturn } = this.#options;
    this.#client = database.client('kodama presence');
    try {
      await this.#connect();
      await onReturn();
      return true;
    } catch (err) {
      log.debug({ err }, 'the other nodes can not see this one');
      return false;
    }
  }

  /** A server that hangs never answers the goodbye. */
  async #leave(): Promise<void> {
    await Promise.race([this.#client.end().catch(() => undefined), delay(goodbyeMs)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

/** A pooler may hold the session of a host that is gone: who knows that none has the id needs to know which one it is. */
async function idTaken(nodeId: string, client: DriverClient): Promise<AppError> {
  const { rows } = await client.query<{ pid: number }>(holdersSql, [presenceKey(nodeId)]);
  const ends = rows.map(
    ({ pid }) =>
      `; if its host is gone, and a pooler in between has not missed it, SELECT pg_terminate_backend(${pid}) ends its session`,
  );
  return new AppError(
    'failed_precondition',
    `another process has the node id ${nodeId}: KODAMA_NODE_ID must be its own, as must the node-id of a data directory${ends.join('')}`,
  );
}
