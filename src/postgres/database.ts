/**
 * Connections to PostgreSQL: one for the append, so that no reader can hold it up, and a few for all else. Each
 * query ends within a bound, also when the server never answers: then its connection is dropped.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Logger } from '../core/ports.ts';
import { ConnectionPool } from './connection-pool.ts';
import { toAppError, toAppendError } from './database-errors.ts';
import { databaseConfig } from './database-url.ts';
import { cutBy, DriverClient, type DriverConfig, notedClients, types } from './driver-client.ts';
import { durability, keeperSettings, sessionSettings, writerSettings } from './session-settings.ts';

export interface DatabaseLimits {
  /** To get a connection: a free one, or a new one. */
  readonly connectTimeoutMs: number;
  /** For the server to give a statement up, which then has had no effect. */
  readonly statementTimeoutMs: number;
  /** Connections for reads; as many more for those whose plans are kept. */
  readonly readConnectionsMax: number;
  /** Plans that the connection of the append keeps, and of statements without a name each that had them: some 200 kB each. */
  readonly keptPlansMax: number;
  /** For Prisma Client. */
  readonly prismaConnectionsMax: number;
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
  /** The same plan is right whatever its values are: it is kept; without a name too, while not too many are. */
  readonly isPlannedOnce?: true;
  /** Its answer comes in pieces of so many rows, each in a turn of the loop: a round trip for each, and one more. */
  readonly pieceRowsMax?: number;
}

export type Rows = readonly (readonly unknown[])[];

/** The server gives up first, and says so; the client only when no answer comes at all. */
const answerGraceMs = 1000;
const idleTimeoutMs = 60_000;
/** Then the server's host is asked whether it is there: what may take as long as it takes ends with the host. */
const quietMaxMs = 10_000;
const goodbyeMs = 500;

/** Until it is disposed of. */
type OwnClient = AsyncDisposable & { readonly client: pg.Client };

/** What readers have of it. */
export type Reads = Pick<Database, 'query'>;

export class Database implements AsyncDisposable {
  readonly #options: DatabaseOptions;
  readonly #config: pg.ClientConfig;
  /** Prisma's own. */
  readonly prismaPool: ConnectionPool;
  readonly #readers: ConnectionPool;
  /** Readers that keep plans. */
  readonly #keepers: ConnectionPool;
  /** By text. */
  readonly #keptNames = new Map<string, string>();
  readonly #writer: ConnectionPool;
  /** The newest of its connections, which may be still under way. */
  #writerClient: DriverClient | null = null;
  #connectFailures = 0;
  #closed: Promise<void> | null = null;

  /** @throws DatabaseUrlError */
  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#config = databaseConfig(options.connectionString);
    const { readConnectionsMax: max, prismaConnectionsMax: few } = options.limits;
    const unbounded = { query_timeout: 0 };
    const Client = notedClients((client) => {
      this.#writerClient = client;
    });
    this.#writer = this.#pool(
      { name: 'kodama append', max: 1, settings: writerSettings },
      { ...unbounded, Client },
    );
    this.#readers = this.#pool({ name: 'kodama', max, settings: sessionSettings }, unbounded);
    this.#keepers = this.#pool(
      { name: 'kodama history', max, settings: keeperSettings },
      unbounded,
    );
    const forPrisma = { name: 'kodama prisma', max: few, settings: sessionSettings };
    this.prismaPool = this.#pool(forPrisma);
  }

  #pool({ name, max, settings }: PoolOptions, overrides: pg.PoolConfig = {}): ConnectionPool {
    const limits = { max, types, idleTimeoutMillis: idleTimeoutMs };
    const config = { ...this.#clientConfig(name), ...overrides, ...limits };
    const setUp = this.#setUp(this.#settings(settings));
    return new ConnectionPool({ config, setUp, log: this.#options.log });
  }

  /** Not among the parameters of the connection: PgBouncer refuses those that it does not know. */
  #settings(settings: string): string {
    return `SET statement_timeout = ${this.#options.limits.statementTimeoutMs}; ${settings}`;
  }

  /**
   * A pool's clock stops when the server has let it in; a pooler that has no server then holds what is asked first, and
   * most pools have no other bound.
   */
  #setUp(text: string): pg.QueryConfig {
    const query: pg.QueryConfig & Pick<pg.ClientConfig, 'query_timeout'> = {
      text,
      query_timeout: this.#options.limits.connectTimeoutMs,
    };
    return query;
  }

  #clientConfig(name: string): DriverConfig {
    return {
      ...this.#config,
      application_name: name,
      connectionTimeoutMillis: this.#options.limits.connectTimeoutMs,
      query_timeout: this.#answerTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: quietMaxMs,
      onNoConnection: () => {
        this.#connectFailures += 1;
      },
    };
  }

  get #answerTimeoutMs(): number {
    return this.#options.limits.statementTimeoutMs + answerGraceMs;
  }

  /** @throws unavailable for all that is not the fault of what is appended */
  async append(statement: Statement): Promise<Rows> {
    try {
      const client = await this.#writer.connect();
      if (statement.name !== undefined) await this.#makeRoom(client, statement.name);
      return await rowsOf(client, statement, this.#answerTimeoutMs);
    } catch (error) {
      throw toAppendError(error);
    }
  }

  /** Appends have hundreds of kinds, by the tables that they write to: those of rare ones would be kept for good. */
  async #makeRoom(client: pg.PoolClient, name: string): Promise<void> {
    if (!(client instanceof DriverClient)) throw new TypeError('a client of this pool');
    try {
      await client.makeRoom(name, this.#options.limits.keptPlansMax, this.#answerTimeoutMs);
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  /** On the connection of the append. @throws unavailable */
  async queryAsWriter(statement: Statement): Promise<Rows> {
    return await run(this.#writer, statement, this.#answerTimeoutMs);
  }

  /** @throws unavailable */
  async query(statement: Statement): Promise<Rows> {
    if (statement.isPlannedOnce === undefined) {
      return await run(this.#readers, statement, this.#answerTimeoutMs);
    }
    const name = statement.name ?? this.#keptName(statement.text);
    const kept = name === undefined ? statement : { ...statement, name };
    return await run(this.#keepers, kept, this.#answerTimeoutMs);
  }

  /** Undefined where there are too many already: it is planned each time. */
  #keptName(text: string): string | undefined {
    const { keptPlansMax } = this.#options.limits;
    const known = this.#keptNames.get(text);
    if (known !== undefined || this.#keptNames.size >= keptPlansMax) return known;
    const name = `kept ${this.#keptNames.size}`;
    this.#keptNames.set(text, name);
    return name;
  }

  /** A connection of one's own, not yet connected. Its `error` event is the caller's to hear. */
  client(name: string): DriverClient {
    return new DriverClient(this.#clientConfig(name));
  }

  /**
   * The connection of the append, for work that comes before the first one: its statements may take as long as they
   * take, with the settings that the server gives a session, but for what is durable. The signal ends the wait for it.
   */
  async patientWriter(signal?: AbortSignal): Promise<OwnClient> {
    using _ = cutBy(signal, () => this.#writerClient);
    const client = await this.#writer.connect();
    try {
      await client.query(this.#setUp(`RESET ALL; ${durability}`));
    } catch (error) {
      client.release(true);
      throw error;
    }
    return { client, [Symbol.asyncDispose]: () => this.#asWriterAgain(client) };
  }

  async #asWriterAgain(client: pg.PoolClient): Promise<void> {
    try {
      await client.query(this.#setUp(`RESET ALL; ${this.#settings(writerSettings)}`));
      client.release();
    } catch {
      // Whatever has become of it: the next append makes another.
      client.release(true);
    }
  }

  /** A connection of its own, until it is disposed of. The signal ends the wait for it. */
  async ownClient(name: string, signal?: AbortSignal): Promise<OwnClient> {
    const { log } = this.#options;
    await using resources = new AsyncDisposableStack();
    const client = this.client(name);
    client.on('error', ({ message }) =>
      log.debug({ reason: message }, 'a database connection was lost'),
    );
    using _ = cutBy(signal, () => client);
    // A server that hangs never answers the goodbye.
    resources.defer(() => Promise.race([client.end(), delay(goodbyeMs)]));
    await client.connect();
    await client.query(this.#setUp(durability));
    const owned = resources.move();
    return { client, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }

  /** Connections that could not be made. */
  get connectFailures(): number {
    return this.#connectFailures;
  }

  get #pools(): readonly ConnectionPool[] {
    return [this.prismaPool, this.#readers, this.#keepers, this.#writer];
  }

  /** False where one of the pools has given none for so long, and gives none now. */
  async givesConnections(dryMs: number): Promise<boolean> {
    await Promise.all(this.#pools.map((pool) => pool.tryAgain()));
    return this.#pools.every((pool) => pool.dryMs < dryMs);
  }

  /** Resolves when every connection is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= Promise.all(this.#pools.map((pool) => pool.end())).then(() => undefined);
    await this.#closed;
  }
}

interface PoolOptions {
  readonly name: string;
  readonly max: number;
  /** Made once on each connection. */
  readonly settings: string;
}

async function run(pool: pg.Pool, statement: Statement, timeoutMs: number): Promise<Rows> {
  try {
    return await rowsOf(await pool.connect(), statement, timeoutMs);
  } catch (error) {
    throw toAppError(error);
  }
}

/**
 * Gives the connection back, or drops it after an error. pg's own promises and time-outs are not used: what came
 * through them stays reachable until the next full collection, so that each small one copies megabytes.
 */
function rowsOf(client: pg.PoolClient, statement: Statement, timeoutMs: number): Promise<Rows> {
  const { name, text, values = [], pieceRowsMax: rows } = statement;
  // A portal that gives so many rows at a time (PostgreSQL 18, 54.2.3).
  const pieces = rows === undefined ? {} : { rows };
  const config = { text, values: [...values], rowMode: 'array' as const, ...pieces };
  return new Promise((resolve, reject) => {
    let isOver = false;
    const end = (error: Error | null, result?: pg.QueryArrayResult) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      client.off('error', end);
      client.release(error ?? undefined);
      if (error !== null) reject(error);
      else if (result === undefined) reject(new TypeError('an answer without rows'));
      else resolve(result.rows);
    };
    const timer = setTimeout(() => end(noAnswer()), timeoutMs);
    client.on('error', end);
    void client.query(name === undefined ? config : { ...config, name }, end);
  });
}

function noAnswer(): Error {
  return Object.assign(new Error('the database does not answer'), { code: 'ETIMEDOUT' });
}
