/**
 * Reads have a few connections for all projects. One project has at most its share of them at once, so that those of the
 * others find one however much it asks for; its further reads wait in line, for as long as they would for a connection.
 * A long answer comes in pieces, and is looked at in pieces, so that no turn of the loop has all of it.
 */
import { type LineLimits, Lines } from '../core/lines.ts';
import type { LoopShares } from '../core/loop-shares.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Database, Reads, Rows, Statement } from './database.ts';
import { toAppError } from './database-errors.ts';

export interface ReadShares {
  /** Reads of one project at once. */
  readonly atOnceMax: number;
  /** Of them those with long answers, each of which has a piece in about every turn of the loop; one beside others. */
  readonly longAtOnceMax: number;
  readonly waitMs: number;
  /** For a place among the long ones, behind those of the same project. */
  readonly longWaitMs: number;
  /** Of a long answer, in one piece. */
  readonly pieceRowsMax: number;
}

/** The reads of one project. */
export interface ProjectReader extends Reads {
  /** For statements whose answers have at most so many rows: a long one comes in pieces. */
  upTo(rows: number): Reads;
  /** What each row tells; of many rows in several turns of the loop. */
  parsed<Item>(rows: Rows, parse: (row: Rows[number]) => Item): Promise<Item[]>;
}

export class ProjectReads {
  readonly #database: Pick<Database, 'query'>;
  readonly #loop: LoopShares<ProjectRef>;
  readonly #pieceRowsMax: number;
  readonly #lines: Lines<ProjectRef>;
  readonly #longLines: Lines<ProjectRef>;

  constructor(database: Pick<Database, 'query'>, loop: LoopShares<ProjectRef>, shares: ReadShares) {
    this.#database = database;
    this.#loop = loop;
    this.#pieceRowsMax = shares.pieceRowsMax;
    const { atOnceMax, longAtOnceMax, waitMs, longWaitMs } = shares;
    this.#lines = readLines({ atOnceMax: () => atOnceMax, waitMs });
    this.#longLines = readLines({
      atOnceMax: () => (loop.neighbours.areSeveral ? 1 : longAtOnceMax),
      waitMs: longWaitMs,
    });
  }

  of(project: ProjectRef): ProjectReader {
    const query = (statement: Statement) => this.#query(project, statement);
    const pieceRowsMax = this.#pieceRowsMax;
    const inPieces = async (statement: Statement) => {
      using _place = await this.#longLines.take(project);
      return await query({ ...statement, pieceRowsMax });
    };
    return {
      query,
      upTo: (rows) => ({ query: rows > pieceRowsMax ? inPieces : query }),
      parsed: (rows, parse) => this.#parsed(project, rows, parse),
    };
  }

  async #query(project: ProjectRef, statement: Statement): Promise<Rows> {
    using _place = await this.#lines.take(project);
    return await this.#database.query(statement);
  }

  async #parsed<Item>(
    project: ProjectRef,
    rows: Rows,
    parse: (row: Rows[number]) => Item,
  ): Promise<Item[]> {
    const items: Item[] = [];
    for await (const piece of this.#loop.prompt.pieces(project, rows)) {
      for (const row of piece) items.push(parse(row));
    }
    return items;
  }
}

/** Who waits too long in one finds the database unavailable, as who waits too long for a connection does. */
export function readLines(limits: LineLimits): Lines<ProjectRef> {
  const message = 'too many reads of this project wait for the database';
  return new Lines(limits, () =>
    toAppError(Object.assign(new Error(message), { code: 'ETIMEDOUT' })),
  );
}
