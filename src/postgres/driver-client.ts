/**
 * The driver's client without what it would take from the environment behind our back: a shell's PGREPLICATION makes its
 * sessions take no statements, PGSSLNEGOTIATION is an error without TLS. What is ours to leave to it: docs/postgresql.md.
 */
import pg from 'pg';

interface Parameters {
  options: string | undefined;
  replication: string | undefined;
}

interface Sent {
  /** Texts by the names of their statements, which the server has, too. */
  parsedStatements: Readonly<Record<string, string>>;
}

export interface DriverConfig extends pg.ClientConfig {
  /** Called where the server has not let it in. */
  readonly onNoConnection?: (() => void) | undefined;
}

export class DriverClient extends pg.Client {
  declare readonly connectionParameters: Parameters;
  declare readonly connection: pg.Connection & Sent;

  constructor(config: DriverConfig = {}) {
    // A pool hides the password from those who list the options' fields, as a spread does.
    const { password, onNoConnection } = config;
    super({ ...config, password, sslnegotiation: 'postgres', client_encoding: 'utf8' });
    const parameters = this.connectionParameters;
    parameters.replication = undefined;
    // Those of PGOPTIONS stand only where none are given; the driver takes an empty text for none given.
    if (config.options !== undefined) parameters.options = config.options;
    if (onNoConnection === undefined) return;
    this.once('end', onNoConnection);
    this.once('connect', () => void this.off('end', onNoConnection));
  }

  /** Before a statement of this name: where it would be one too many, the server lets go of all of them, and their plans. */
  async makeRoom(name: string, namesMax: number, timeoutMs: number): Promise<void> {
    const { parsedStatements: parsed } = this.connection;
    if (parsed[name] !== undefined || Object.keys(parsed).length < namesMax) return;
    const query: pg.QueryConfig & Pick<pg.ClientConfig, 'query_timeout'> = {
      ...{ text: 'DEALLOCATE ALL', query_timeout: timeoutMs },
    };
    await this.query(query);
    this.connection.parsedStatements = {};
  }

  /** Whatever it waits for fails: the server hears no goodbye, which one that does not answer would never take. */
  cut(): void {
    this.connection.stream.destroy();
  }
}

/** int8 as number: seqs, times and counters are all below 2^53. */
const int8Oid = 20;
export const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === int8Oid ? Number : pg.types.getTypeParser(oid, format),
};

/** Of a pool, which makes its clients by itself: `note` is told of each before it connects. */
export function notedClients(note: (client: DriverClient) => void): typeof DriverClient {
  return class extends DriverClient {
    constructor(config?: pg.ClientConfig) {
      super(config);
      note(this);
    }
  };
}

/** Until it is disposed of, the signal cuts the client, however far it has come. @throws the reason of the signal */
export function cutBy(
  signal: AbortSignal | undefined,
  client: () => DriverClient | null,
): Disposable {
  signal?.throwIfAborted();
  const cut = () => client()?.cut();
  signal?.addEventListener('abort', cut, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener('abort', cut) };
}
