/** Who has which node's place in the log: takes one's own, and that of a node that is not there. */
import { setTimeout as delay } from 'node:timers/promises';
import { AppError, PlaceLost } from '../core/errors.ts';
import type { Nodes, Whereabouts } from '../core/nodes.ts';
import type { Logger } from '../core/ports.ts';
import { defaultProject } from '../core/project.ts';
import type { Database } from './database.ts';
import { toAppError } from './database-errors.ts';
import { NodePlace, type NodePlaceOptions } from './node-place.ts';
import { isHeldSql, NodePresence, presenceKey } from './node-presence.ts';
import type { Wakes } from './wakes.ts';

export interface NodePlacesOptions
  extends Pick<NodePlaceOptions, 'listeners' | 'connections' | 'cipher' | 'tables' | 'onAppend'> {
  /** Told where places may be lost, too. */
  readonly wakes: Pick<Wakes, 'whileListening'>;
  readonly database: Database;
  readonly nodeId: string;
  readonly log: Logger;
  /** A node that is away for less may have lost no more than its connection. */
  readonly absenceMs: number;
  /** As of `NodePresence`. */
  readonly predecessorWaitMs: number | null;
  /** Ends a start that is under way. */
  readonly signal?: AbortSignal | undefined;
  /** This node was taken for gone while the others could not see it: its place is another's. */
  readonly onDisplaced: (error: unknown) => void;
}

/** One that was removed while it was away is back. */
const backSql = "state = 'pending', removed_at = NULL";
const retakeSql = `WITH node AS (UPDATE nodes SET ${backSql} WHERE id = $1 AND state = 'removed')
  UPDATE writers SET epoch = epoch + 1, append_number = 0 WHERE id = $1
  RETURNING ref, epoch`;
/** Two that enter with one id at once: the node of one, and the writer of it, is the other's too. */
const enterSql = `WITH node AS (
  INSERT INTO nodes AS n (created_at, project, is_built_in, shared, id, name)
  VALUES ((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, ${defaultProject}, true, true, $1, $1)
  ON CONFLICT (id) DO UPDATE SET ${backSql} RETURNING ref
)
INSERT INTO writers AS w (ref, epoch, append_number, id) SELECT ref, 1, 0, $1 FROM node
ON CONFLICT (id) DO UPDATE SET epoch = w.epoch + 1, append_number = 0 RETURNING ref, epoch`;
/**
 * Whether there is a node for others to see; of one that is, its presence tells how it is. Whatever it was: a removal that
 * began before it was seen is waited for, and taken back.
 */
const ownStateSql =
  'UPDATE nodes SET state = $2::node_state, removed_at = NULL WHERE ref = $1::integer';
const lookSql = `SELECT w.epoch, ${isHeldSql('$2')}, n.is_built_in, n.state
  FROM writers w JOIN nodes n ON n.ref = w.ref WHERE w.id = $1`;
/** A process that came meanwhile has a newer epoch; one that comes now takes a newer one after this. */
const takeOverSql = `UPDATE writers SET epoch = epoch + 1, append_number = 0
  WHERE id = $1 AND epoch = $3::bigint AND NOT ${isHeldSql('$2')} AND NOT EXISTS (
    SELECT FROM nodes n WHERE n.ref = writers.ref AND NOT n.is_built_in AND n.state = 'ready') RETURNING ref, epoch`;
const othersSql = `SELECT n.id FROM nodes n WHERE n.id <> $1 AND n.is_built_in AND (
  EXISTS (SELECT FROM listeners l WHERE l.node = n.ref AND l.is_live) OR
  EXISTS (SELECT FROM open_connections o WHERE o.node = n.ref)) ORDER BY n.ref`;

/** Others may try for the same place at the same time. */
const attemptsMax = 3;

export class NodePlaces implements Nodes, AsyncDisposable {
  readonly #options: NodePlacesOptions;
  readonly #stop = new AbortController();
  #presence: NodePresence | null = null;
  #own: NodePlace | null = null;
  #endWakes: () => void = () => undefined;
  #isDisplaced = false;

  constructor(options: NodePlacesOptions) {
    this.#options = options;
  }

  /** Null before it is taken. */
  get own(): NodePlace | null {
    return this.#own;
  }

  /**
   * First seen, then in the place: who looks for this node meanwhile does not take it for gone.
   * @throws failed_precondition where another process has its id
   */
  async takeOwn(holdsSockets = true): Promise<NodePlace> {
    const { database, nodeId, log, predecessorWaitMs, signal: given } = this.#options;
    try {
      const onReturn = () => this.#onReturn();
      const signal = given ? AbortSignal.any([given, this.#stop.signal]) : this.#stop.signal;
      const options = { database, nodeId, log, onReturn, predecessorWaitMs, signal };
      this.#presence ??= await NodePresence.hold(options);
    } catch (error) {
      given?.throwIfAborted();
      throw toAppError(error);
    }
    const values = [nodeId];
    // An insert that finds a row would use up a number all the same, and they are few.
    let [row] = await database.queryAsWriter({ text: retakeSql, values });
    if (row === undefined) [row] = await database.queryAsWriter({ text: enterSql, values });
    this.#own = this.#place(nodeId, row as readonly [number, number]);
    const state = holdsSockets ? 'ready' : 'removed';
    await database.queryAsWriter({ text: ownStateSql, values: [this.#own.ref, state] });
    this.#endWakes();
    this.#endWakes = this.#options.wakes.whileListening(() => {
      this.#onReturn().catch((err: unknown) =>
        log.debug({ err }, 'the place could not be looked at'),
      );
    });
    return this.#own;
  }

  async #onReturn(): Promise<void> {
    try {
      await this.#own?.assertHeld();
    } catch (error) {
      if (!(error instanceof PlaceLost)) throw error;
      this.#displaced(error);
    }
  }

  #displaced(error: PlaceLost): void {
    if (this.#isDisplaced) return;
    this.#isDisplaced = true;
    this.#options.onDisplaced(error);
  }

  async whereIs(nodeId: string): Promise<Whereabouts> {
    return (await this.#look(nodeId)).where;
  }

  async #look(nodeId: string): Promise<{ readonly where: Whereabouts; readonly epoch: number }> {
    const values = [nodeId, presenceKey(nodeId)];
    const [row] = await this.#options.database.query({ text: lookSql, values });
    if (row === undefined) throw new AppError('not_found', `no node ${nodeId}`);
    const [epoch, isHeld, isBuiltIn, state] = row as readonly [number, boolean, boolean, string];
    if (isBuiltIn) return { where: isHeld ? 'there' : 'gone', epoch };
    if (state === 'ready') return { where: 'there', epoch };
    return { where: ['lost', 'removed'].includes(state) ? 'lost' : 'disconnected', epoch };
  }

  /** Null when the node is there. */
  async takeOver(nodeId: string): Promise<NodePlace | null> {
    const { database, absenceMs } = this.#options;
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const { where, epoch } = await this.#look(nodeId);
      if (where === 'there') return null;
      // One whose process seems gone may be back at once; the others were waited for by sweeps.
      if (where === 'gone') await this.#pause(absenceMs);
      const values = [nodeId, presenceKey(nodeId), epoch];
      const [row] = await database.query({ text: takeOverSql, values });
      if (row !== undefined) return this.#place(nodeId, row as readonly [number, number]);
    }
    return null;
  }

  async #pause(timeMs: number): Promise<void> {
    const { signal } = this.#stop;
    await delay(timeMs, undefined, { signal }).catch((cause: unknown) => {
      throw new AppError('unavailable', 'shutting down', { retryAfterMs: 1000, cause });
    });
  }

  #place(nodeId: string, [ref, epoch]: readonly [number, number]): NodePlace {
    return this.sessionPlace(nodeId, { ref, epoch });
  }

  /** One that was taken for a session. */
  sessionPlace(nodeId: string, taken: Pick<NodePlaceOptions, 'ref' | 'epoch' | 'boot'>): NodePlace {
    const onWentBack = (error: PlaceLost) => this.#displaced(error);
    return new NodePlace({ ...this.#options, onWentBack, nodeId, ...taken });
  }

  /** Those with listeners that are not closed, or connections that are open. */
  async others(): Promise<readonly string[]> {
    const { database, nodeId } = this.#options;
    const rows = await database.query({ text: othersSql, values: [nodeId] });
    return rows.map(([id]) => id as string);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#endWakes();
    await this.#presence?.[Symbol.asyncDispose]();
  }
}
