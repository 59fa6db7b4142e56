/** A pool of connections to PostgreSQL, which knows whether it gives any: a server may answer on those that it has given. */
import pg from 'pg';
import type { Logger } from '../core/ports.ts';
import { DriverClient, type DriverConfig } from './driver-client.ts';

export interface ConnectionPoolOptions {
  readonly config: pg.PoolConfig & DriverConfig;
  /** Made once on each connection. */
  readonly setUp: pg.QueryConfig;
  readonly log: Logger;
}

export class ConnectionPool extends pg.Pool {
  /** The first that could not be made, with none given since, by a clock that never jumps. */
  #failedAt: number | null = null;
  #trying: Promise<void> | null = null;

  constructor({ config, setUp, log }: ConnectionPoolOptions) {
    super(poolConfig(config, setUp, () => this.#failed()));
    // A connection that fails while idle is dropped by the pool; the next query makes another.
    // Not the error itself: the pool has put its client there, and with it all that it is configured with.
    this.on('error', ({ message }) =>
      log.debug({ reason: message }, 'a database connection was lost'),
    );
    // Between two who use it nobody listens, if a server's last words come in one piece with its answer to the first:
    // an error that nobody hears would end the process. The next one finds that the connection is none.
    this.on('connect', (client) => void client.on('error', unheard));
    this.on('acquire', () => {
      this.#failedAt = null;
    });
  }

  #failed(): void {
    this.#failedAt ??= performance.now();
  }

  /** Since when it has given no connection, in ms; 0: it gives them, as far as anybody has asked. */
  get dryMs(): number {
    return this.#failedAt === null ? 0 : performance.now() - this.#failedAt;
  }

  /** Where it has given none, as nobody else may ask it before it gives them again. */
  async tryAgain(): Promise<void> {
    if (this.#failedAt === null) return;
    this.#trying ??= this.connect()
      .then((client) => client.release(), unheard)
      .finally(() => {
        this.#trying = null;
      });
    await this.#trying;
  }
}

function poolConfig(
  config: pg.PoolConfig & DriverConfig,
  setUp: pg.QueryConfig,
  onFailed: () => void,
): pg.PoolConfig {
  const { onNoConnection = unheard } = config;
  const failed = () => {
    onFailed();
    onNoConnection();
  };
  const made = {
    Client: DriverClient,
    ...config,
    onNoConnection: failed,
    onConnect: async (client: pg.ClientBase) => {
      await client.query(setUp).catch((error: unknown) => {
        failed();
        throw error;
      });
    },
  };
  return made;
}

function unheard(): void {}
