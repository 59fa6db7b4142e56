/** The Store over PostgreSQL: wires what keeps each of its ports. Each part has its SQL beside its parser. */

import type { AuditLog } from '../core/audit.ts';
import { systemClock } from '../core/clock.ts';
import type { IdempotencyKeeping } from '../core/idempotency-keys.ts';
import { LoopShares } from '../core/loop-shares.ts';
import type { Clock, Logger } from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import type { ProjectStore, Store } from '../core/store.ts';
import type { FleetStore } from '../fleet/store.ts';
import type { TenancyStore } from '../tenancy/store.ts';
import { AuditRows } from './audit-rows.ts';
import { ClosedNames } from './closed-names.ts';
import { CommandRows } from './command-rows.ts';
import { ConnectionReader } from './connection-reader.ts';
import { Database, type DatabaseLimits } from './database.ts';
import { EventReader } from './event-reader.ts';
import { GrownTables } from './grown-tables.ts';
import { IdempotencyKeyRows } from './idempotency-keys.ts';
import { JoinTokenRows } from './join-token-rows.ts';
import { KeyRows } from './key-rows.ts';
import { LazyPrisma } from './lazy-prisma.ts';
import { ListenerReader, ListenerRows } from './listener-reader.ts';
import { age } from './log-ages.ts';
import { NodeDirectory } from './node-directory.ts';
import type { NodePlace } from './node-place.ts';
import { NodePlaces } from './node-places.ts';
import { NodeRows } from './node-rows.ts';
import { openDatabase, type WaitOptions, waitForDatabase } from './open-database.ts';
import { ProjectReads, readLines } from './project-reads.ts';
import { ProjectRemoval } from './project-removal.ts';
import { ProjectRows } from './project-rows.ts';
import { Purges } from './purge.ts';
import { SecretCipher, type SecretKeys } from './secret-cipher.ts';
import { SecretRotation, type SecretRotationLimits } from './secret-rotation.ts';
import { SessionRows } from './session-rows.ts';
import { storeLimits } from './store-limits.ts';
import { Wakes } from './wakes.ts';

export interface PostgresStoreLimits extends DatabaseLimits {
  /** How long an open waits for a server that is not there yet. */
  readonly openTimeoutMs: number;
  /** How long some part may get no connection before a ping says so. */
  readonly dryPoolMs: number;
  /** How often to look for other nodes' appends without being told. */
  readonly pollMs: number;
  /** How often to tell other nodes of this one's appends, at most. */
  readonly wakeMs: number;
  /** How long another node must be away before it counts as gone: 0 where nobody else can be there. */
  readonly absenceMs: number;
  /** How long a start waits for the end of another process with its node id: null where none can be, or may be. */
  readonly predecessorWaitMs: number | null;
  readonly projectsMax: number;
  /** Reads of one project at once. */
  readonly readsPerProjectMax: number;
  /** Of them those with long answers. */
  readonly longReadsPerProjectMax: number;
  /** For a place among these. */
  readonly longReadWaitMs: number;
  /** The same through Prisma Client. */
  readonly prismaPerProjectMax: number;
  /** Of a long answer, in one piece. */
  readonly answerRowsMax: number;
  /** Names of closed listeners that are remembered, of all projects. */
  readonly closedNamesMax: number;
  /** Idempotency keys of calls that ended while the database was away: they are free all the same. */
  readonly unsettledKeysMax: number;
  /** Events that are looked through for the newest that match, where no index tells which do. */
  readonly newestSeqsMax: number;
}

export interface PostgresStoreOptions {
  readonly connectionString: string;
  readonly nodeId: string;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Those of the process, for what is long. */
  readonly loop?: LoopShares<ProjectRef>;
  /** Without any, secrets lie in the database as they are. */
  readonly secretKeys?: SecretKeys;
  readonly limits?: Partial<PostgresStoreLimits>;
  /** Told when another process has taken this node's place, as soon as it can be known. */
  readonly onDisplaced?: (error: unknown) => void;
  /** Ends an open that is under way. */
  readonly signal?: AbortSignal | undefined;
}

export const defaultLimits: PostgresStoreLimits = {
  ...storeLimits,
  absenceMs: 3000,
  predecessorWaitMs: null,
  projectsMax: 1000,
};

export class PostgresStore implements Store, AsyncDisposable {
  readonly projects: ProjectRows;
  readonly tenancy: TenancyStore;
  readonly fleet: FleetStore;
  readonly audit: AuditLog;
  readonly idempotencyKeeping: IdempotencyKeeping;
  readonly foreignAppends: Wakes;
  readonly nodes: NodePlaces;
  /** Made anew for each who asks: it holds nothing. */
  readonly of: (project: ProjectRef) => ProjectStore;
  readonly #database: Database;
  readonly #dryPoolMs: number;
  readonly #log: Logger;
  readonly #waiting: WaitOptions;
  readonly #cipher: SecretCipher;

  private constructor(
    options: PostgresStoreOptions,
    limits: PostgresStoreLimits,
    database: Database,
    schema: string,
  ) {
    const { nodeId, log, clock = systemClock(), onDisplaced = () => undefined } = options;
    const { absenceMs, predecessorWaitMs, pollMs, wakeMs, projectsMax } = limits;
    this.#database = database;
    this.#dryPoolMs = limits.dryPoolMs;
    this.#log = log;
    this.#waiting = { log, signal: options.signal, timeoutMs: limits.openTimeoutMs };
    const cipher = new SecretCipher(options.secretKeys ?? { current: null, old: null });
    this.#cipher = cipher;
    const directory = new NodeDirectory(database);
    const { connectTimeoutMs: waitMs } = limits;
    const lists = readLines({ atOnceMax: () => limits.prismaPerProjectMax, waitMs });
    const prisma = new LazyPrisma(database, schema, lists);
    const closedNames = new ClosedNames(limits.closedNamesMax);
    const listeners = new ListenerRows({ database, nodes: directory, cipher, prisma, closedNames });
    const { loop = new LoopShares() } = options;
    const reads = new ProjectReads(database, loop, {
      atOnceMax: limits.readsPerProjectMax,
      longAtOnceMax: limits.longReadsPerProjectMax,
      pieceRowsMax: limits.answerRowsMax,
      ...{ waitMs, longWaitMs: limits.longReadWaitMs },
    });
    const connections = (project: ProjectRef) =>
      new ConnectionReader(reads.of(project), directory, project);
    const wakes = new Wakes({ database, log, pollMs, wakeMs });
    const onAppend = (projects: Iterable<ProjectRef>) => wakes.tell(projects);
    const tables = new GrownTables(database, log);
    const rows = { database, listeners, connections, cipher, tables };
    const nodes = new NodePlaces({
      ...{ ...rows, nodeId, log, absenceMs, predecessorWaitMs },
      ...{ onDisplaced, onAppend, wakes, signal: options.signal },
    });
    const keys = new IdempotencyKeyRows({
      ...{ database, clock, ownPlace: () => nodes.own },
      unsettledKeysMax: limits.unsettledKeysMax,
    });
    this.idempotencyKeeping = keys;
    this.projects = new ProjectRows(database, prisma, { projectsMax });
    const apiKeys = new KeyRows(database, prisma);
    this.audit = new AuditRows(database, prisma);
    const removal = new ProjectRemoval(database);
    this.tenancy = { projects: this.projects, keys: apiKeys, removal, wakes };
    this.foreignAppends = wakes;
    this.nodes = nodes;
    this.fleet = {
      nodeRows: new NodeRows(database, prisma),
      joinTokens: new JoinTokenRows(database, prisma),
      sessions: new SessionRows({ database, places: nodes, wakes }),
      commands: new CommandRows({ database, cipher, wakes }),
    };
    const purges = new Purges(database, { projectsMax });
    this.of = (project) => ({
      log: new EventReader(reads.of(project), directory, project, limits),
      keeping: {
        age: (ageing) => age(database, project, ageing),
        purge: (request) => purges.purge(project, request),
      },
      listeners: new ListenerReader(reads.of(project), listeners, project),
      connections: connections(project),
      idempotencyKeys: keys.of(project),
    });
  }

  /**
   * Connects, waiting a while for a server that is still starting, and migrates.
   * @throws unavailable when there is no server in time, failed_precondition when its database is not ours to use
   */
  static async open(options: PostgresStoreOptions): Promise<PostgresStore> {
    const limits = { ...defaultLimits, ...options.limits };
    await using resources = new AsyncDisposableStack();
    const database = resources.use(new Database({ ...options, limits }));
    const { log, signal } = options;
    const schema = await openDatabase({ database, log, signal, timeoutMs: limits.openTimeoutMs });
    const store = new PostgresStore(options, limits, database, schema);
    resources.move();
    return store;
  }

  /**
   * This node's place, which is had with one more connection: waits for it as an open does.
   * @throws unavailable
   */
  async takeOwn(holdsSockets: boolean): Promise<NodePlace> {
    return await waitForDatabase(this.#waiting, () => this.nodes.takeOwn(holdsSockets));
  }

  /** Behind the use of the store, which it must not outlive. */
  rotateSecrets(limits: SecretRotationLimits): SecretRotation {
    const of = { database: this.#database, cipher: this.#cipher, log: this.#log };
    return new SecretRotation({ ...of, limits });
  }

  async ping(): Promise<boolean> {
    await this.#database.query({ text: 'SELECT 1' });
    return await this.#database.givesConnections(this.#dryPoolMs);
  }

  /** Connections to the database that could not be made. */
  get connectFailures(): number {
    return this.#database.connectFailures;
  }

  /** Idempotent. Resolves when every connection to the database is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.nodes[Symbol.asyncDispose]();
    await this.foreignAppends[Symbol.asyncDispose]();
    await this.#database[Symbol.asyncDispose]();
  }
}
