/**
 * Tells the other nodes of a database that this one is there: a connection of its own holds an advisory lock, which
 * PostgreSQL takes away when that connection is gone. It is held by one who only shares it, so that the successor of a
 * connection that broke need not wait until the server has noticed.
 * https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Logger } from '../core/ports.ts';
import { ConnectionLoss } from './connection-loss.ts';
import type { Database } from './database.ts';

export interface NodePresenceOptions {
  readonly database: Database;
  readonly nodeId: string;
  readonly log: Logger;
  /** After a time without a connection: somebody may have taken this node for gone. */
  readonly onReturn: () => Promise<void>;
}

/** The first of the two keys of all these locks: "node". */
const lockClass = 0x6e6f6465;
const retryMs = 250;
const goodbyeMs = 500;

/** A host that is gone without a word is noticed after 25 s; by itself the server would wait for hours. */
const settings =
  'SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3';

/** Whether the lock of the node, the parameter's id, is held by anybody. */
export const isHeldSql = (parameter: string): string => `EXISTS (SELECT FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = ${lockClass}::oid
    AND l.objid = ${parameter}::bigint::oid
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))`;

/** The keys of the nodes that hold their locks. */
export const presentKeysSql = `SELECT DISTINCT l.objid::bigint FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = ${lockClass}::oid
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** As `presenceKey`, of an id in a column. */
export const presenceKeySql = (column: string): string =>
  `(('x' || left(encode(sha256(convert_to(${column}, 'UTF8')), 'hex'), 8))::bit(32)::bigint >> 1)`;

/** Two ids with one key would each seem to be there while the other is: nothing is taken from either then. */
export function presenceKey(nodeId: string): number {
  return createHash('sha256').update(nodeId).digest().readUInt32BE() >>> 1;
}

export class NodePresence implements AsyncDisposable {
  readonly #options: NodePresenceOptions;
  readonly #stop = new AbortController();
  #client: Client;
  /** Resolves when the connection is. */
  #lost: Promise<void> = Promise.resolve();
  #running: Promise<void> = Promise.resolve();

  private constructor(options: NodePresenceOptions) {
    this.#options = options;
    this.#client = options.database.client('kodama presence');
  }

  /** Resolves when the node is there for all to see. @throws what the driver throws */
  static async hold(options: NodePresenceOptions): Promise<NodePresence> {
    const presence = new NodePresence(options);
    await presence.#connect();
    presence.#running = presence.#keep();
    return presence;
  }

  async #connect(): Promise<void> {
    const client = this.#client;
    const loss = new ConnectionLoss(client, this.#stop.signal);
    this.#lost = loss.happened;
    try {
      await client.connect();
      await client.query(settings);
      const values = [lockClass, presenceKey(this.#options.nodeId)];
      await client.query('SELECT pg_advisory_lock_shared($1::integer, $2::integer)', values);
    } catch (error) {
      loss[Symbol.dispose]();
      await this.#leave();
      throw error;
    }
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
