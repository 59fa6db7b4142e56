/** A node's place in the log, once it is taken: what may be done in it, until another process takes it. */
import type { Connection } from '../core/connection.ts';
import { AppError, PlaceLost, StoreWentBack } from '../core/errors.ts';
import type { Listener, ListenerSecrets } from '../core/listener.ts';
import type { TakenNode } from '../core/nodes.ts';
import type { SizedPageRequest } from '../core/page.ts';
import { type ProjectRef, projectRef } from '../core/project.ts';
import { quotaReached } from '../core/quotas.ts';
import type { Micros } from '../core/time.ts';
import type { Append, FirstSeqs } from '../core/writer.ts';
import { type AppendBatch, foldAppend } from './append-batch.ts';
import { type AppendRow, appendStatement } from './append-statement.ts';
import type { ConnectionReader } from './connection-reader.ts';
import type { Database } from './database.ts';
import { isUniqueViolation } from './database-errors.ts';
import type { GrownTables } from './grown-tables.ts';
import type { ListenerRows } from './listener-reader.ts';
import { renewIfBack } from './log-renewal.ts';
import type { SecretCipher } from './secret-cipher.ts';

export interface NodePlaceOptions {
  readonly database: Database;
  readonly listeners: ListenerRows;
  readonly connections: (project: ProjectRef) => ConnectionReader;
  readonly cipher: SecretCipher;
  readonly tables: Pick<GrownTables, 'appended'>;
  readonly nodeId: string;
  /** The number in the rows of the writer, and of the node that is built into it. */
  readonly ref: number;
  readonly epoch: number;
  /** Of a node on a host of its own: each start of its agent has another. */
  readonly boot?: string | undefined;
  /** Told which logs have grown, where there is another who may want to know. */
  readonly onAppend: (projects: Iterable<ProjectRef>) => void;
  /** Told before who appends is: every place of this process, and of all others, is lost. */
  readonly onWentBack: (error: PlaceLost) => void;
}

const placeSql = 'ref = $1::integer AND epoch = $2::bigint';
/** An append that was settled and not done has no first seqs. */
const settleSql = `UPDATE writers SET append_number = $3::bigint, first_seqs = NULL
  WHERE ${placeSql} AND append_number = $3::bigint - 1 RETURNING true`;
const outcomeSql = `SELECT array_to_json(first_seqs) FROM writers
  WHERE ${placeSql} AND append_number = $3::bigint`;
const isHeldSql = `SELECT FROM writers WHERE ${placeSql} AND append_number >= $3::bigint`;

/** In the row of a writer: the seqs behind which its last append began, by project. */
type Bases = readonly (readonly [project: number, base: number])[];

export class NodePlace implements TakenNode {
  readonly ref: number;
  readonly epoch: number;
  readonly #options: NodePlaceOptions;
  /** The last append whose outcome is known. */
  #number = 0;
  #loss: Promise<PlaceLost> | null = null;

  constructor(options: NodePlaceOptions) {
    this.#options = options;
    this.ref = options.ref;
    this.epoch = options.epoch;
  }

  async append(append: Append): Promise<FirstSeqs> {
    const { database, cipher, tables, boot = null } = this.#options;
    const fence = { writer: this.ref, epoch: this.epoch, number: append.number };
    const batch = foldAppend(append, { node: this.ref, boot }, cipher);
    const [row] = await database.append(appendStatement(batch, fence)).catch((error: unknown) => {
      if (!isUniqueViolation(error, 'listeners_name_key')) throw error;
      const errors = [{ path: 'name', message: 'is taken' }];
      throw new AppError('already_exists', 'the name is taken', { errors, cause: error });
    });
    const [bases, isWriter, held, hasOthers, listenersMax] = row as AppendRow;
    if (bases !== null) {
      this.#number = append.number;
      tables.appended(batch);
      const grown = batch.logs.filter(({ events }) => events > 0).map(({ project }) => project);
      if (hasOthers && grown.length > 0) this.#options.onAppend(grown);
      return firstSeqs(batch.logs.map(({ project }, at) => [project, bases[at] ?? 0]));
    }
    if (listenersMax !== null) throw quotaReached('listeners', listenersMax, 'listeners');
    if (isWriter) throw refusal(batch, Number(held));
    // The append was done before, or the place is another's.
    const done = await this.settle(append.number);
    if (done === null) throw new TypeError(`append ${append.number} was settled as not done`);
    return done;
  }

  /** Whichever comes first takes the number: the append, still on its way to the server, or this. */
  async settle(number: number): Promise<FirstSeqs | null> {
    const { database } = this.#options;
    const values = [this.ref, this.epoch, number];
    this.#number = number - 1;
    const [settled] = await database.queryAsWriter({ text: settleSql, values });
    if (settled !== undefined) return this.#settled(number, null);
    const [row] = await database.queryAsWriter({ text: outcomeSql, values });
    if (row === undefined) throw await this.#whyLost();
    const bases = row[0] as Bases | null;
    return this.#settled(number, bases === null ? null : firstSeqs(bases));
  }

  #settled(number: number, outcome: FirstSeqs | null): FirstSeqs | null {
    this.#number = number;
    return outcome;
  }

  /** @throws PlaceLost when another process has taken the place; StoreWentBack; unavailable */
  async assertHeld(): Promise<void> {
    const values = [this.ref, this.epoch, this.#number];
    const [row] = await this.#options.database.query({ text: isHeldSql, values });
    if (row === undefined) throw await this.#whyLost();
  }

  /** It stays lost, for the reason that was found first. @throws unavailable */
  async #whyLost(): Promise<PlaceLost> {
    this.#loss ??= this.#findLoss();
    try {
      return await this.#loss;
    } catch (error) {
      this.#loss = null;
      throw error;
    }
  }

  async #findLoss(): Promise<PlaceLost> {
    const { database, nodeId, onWentBack } = this.#options;
    const { ref, epoch } = this;
    if (await renewIfBack(database, { ref, epoch, number: this.#number })) {
      const loss = new StoreWentBack(nodeId);
      onWentBack(loss);
      return loss;
    }
    return new PlaceLost(nodeId);
  }

  async readListeners(
    page: SizedPageRequest,
  ): Promise<readonly (Listener & { readonly secrets: ListenerSecrets })[]> {
    return await this.#options.listeners.own(this.ref, page);
  }

  async readEnded(since: Micros, limit: number): Promise<readonly Listener[]> {
    return await this.#options.listeners.ended(this.ref, since, limit);
  }

  async readOpenConnections(
    project: ProjectRef,
    afterId: string | null,
    limit: number,
    listenerId: string | null = null,
  ): Promise<readonly Connection[]> {
    return await this.#options
      .connections(project)
      .ownOpen(this.ref, { afterId, limit, listenerId });
  }
}

function firstSeqs(bases: Bases): FirstSeqs {
  return new Map(bases.map(([project, base]) => [projectRef(project), base + 1]));
}

/** Why the writer's own append was not done. */
function refusal({ changedListeners, logs }: AppendBatch, held: number): AppError {
  if (held < changedListeners.length) {
    const message = 'the listener was changed by another meanwhile';
    return new AppError('failed_precondition', message, { retryAfterMs: 1000 });
  }
  const projects = logs.map(({ project }) => project).join(', ');
  return new AppError('not_found', `not each of the projects ${projects} has a log`);
}
