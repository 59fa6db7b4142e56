/**
 * Connections to PostgreSQL: one for the append, so that no reader can hold it up, and a few for all else. Each
 * query ends within a bound, also when the server never answers: then its connection is dropped.
 */
import pg from 'pg';
import type { Logger } from '../core/ports.ts';
import { toAppError } from './database-errors.ts';

export interface DatabaseLimits {
  /** To get a connection: a free one, or a new one. */
  readonly connectTimeoutMs: number;
  /** For the server to give a statement up, which then has had no effect. */
  readonly statementTimeoutMs: number;
  /** Connections for reads. */
  readonly readConnectionsMax: number;
}

export interface DatabaseOptions {
  readonly connectionString: string;
  readonly log: Logger;
  readonly limits: DatabaseLimits;
}

export interface Statement {
  /** With a name it is parsed and planned once a connection; without, planned for the very values. */
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

export type Rows = readonly (readonly unknown[])[];

/** The server gives up first, and says so; the client only when no answer comes at all. */
const answerGraceMs = 1000;
const idleTimeoutMs = 60_000;

/**
 * Every table has the index that a statement here needs, so a scan of the whole table is never right, whatever the
 * statistics of a table that was empty a moment ago say.
 */
const sessionSettings = 'SET enable_seqscan = off; SET jit = off';

/**
 * The append is planned once a connection: left to itself the server would plan it anew each time, for a quarter of
 * what a small one costs. Whatever its values are, it finds rows by their keys.
 */
const writerSettings = `${sessionSettings}; SET plan_cache_mode = force_generic_plan;
  SET enable_hashjoin = off; SET enable_mergejoin = off`;

/** int8 as number: seqs, times and counters are all below 2^53. */
const int8Oid = 20;
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === int8Oid ? Number : pg.types.getTypeParser(oid, format),
};

export class Database implements AsyncDisposable {
  readonly #options: DatabaseOptions;
  /** For Prisma, too. */
  readonly readers: pg.Pool;
  readonly #writer: pg.Pool;
  #closed: Promise<void> | null = null;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#writer = this.#pool('kodama append', 1, writerSettings);
    this.readers = this.#pool('kodama', options.limits.readConnectionsMax, sessionSettings);
  }

  #pool(name: string, max: number, settings: string): pg.Pool {
    const pool = new pg.Pool({
      ...this.#clientConfig(name),
      max,
      idleTimeoutMillis: idleTimeoutMs,
      types,
      onConnect: async (client) => {
        await client.query(settings);
      },
    });
    // A connection that fails while idle is dropped by the pool; the next query makes another.
    pool.on('error', (err) => this.#options.log.debug({ err }, 'a database connection was lost'));
    return pool;
  }

  #clientConfig(name: string): pg.ClientConfig {
    const { connectionString, limits } = this.#options;
    return {
      connectionString,
      application_name: name,
      connectionTimeoutMillis: limits.connectTimeoutMs,
      statement_timeout: limits.statementTimeoutMs,
      query_timeout: limits.statementTimeoutMs + answerGraceMs,
      keepAlive: true,
    };
  }

  /** On the connection of the append. @throws unavailable */
  async queryAsWriter(statement: Statement): Promise<Rows> {
    return await run(this.#writer, statement);
  }

  /** @throws unavailable */
  async query(statement: Statement): Promise<Rows> {
    return await run(this.readers, statement);
  }

  /** A connection of one's own, not yet connected. Its `error` event is the caller's to hear. */
  client(name: string): pg.Client {
    return new pg.Client(this.#clientConfig(name));
  }

  /** One whose statements may take as long as they take, for work that is done once. */
  async patientClient(name: string): Promise<AsyncDisposable & { readonly client: pg.Client }> {
    const { log } = this.#options;
    const unbounded = { statement_timeout: 0, query_timeout: 0 };
    const client = new pg.Client({ ...this.#clientConfig(name), ...unbounded });
    client.on('error', (err) => log.debug({ err }, 'a database connection was lost'));
    await client.connect();
    return { client, [Symbol.asyncDispose]: () => client.end() };
  }

  /** Resolves when every connection is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= Promise.all([this.readers.end(), this.#writer.end()]).then(() => undefined);
    await this.#closed;
  }
}

async function run(pool: pg.Pool, { name, text, values = [] }: Statement): Promise<Rows> {
  try {
    const config = { text, values: [...values], rowMode: 'array' as const };
    const result = await pool.query(name === undefined ? config : { ...config, name });
    return result.rows;
  } catch (error) {
    throw toAppError(error);
  }
}
