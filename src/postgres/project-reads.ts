/**
 * Reads have a few connections for all projects. One project has at most its share of them at once, so that those of the
 * others find one however much it asks for; its further reads wait in line, for as long as they would for a connection. An
 * answer that will cost the loop long waits for a turn of its own.
 */
import type { ProjectRef } from '../core/project.ts';
import { Turns } from '../core/turns.ts';
import type { Database, Reads, Rows, Statement } from './database.ts';
import { toAppError } from './database-errors.ts';

interface Line {
  running: number;
  readonly waiting: Set<() => void>;
}

export interface ReadShares {
  /** Reads of one project at once. */
  readonly atOnceMax: number;
  readonly waitMs: number;
  /** An answer of more rows is a long one. */
  readonly turnRowsMax: number;
}

export class ProjectReads {
  readonly #database: Pick<Database, 'query'>;
  readonly #shares: ReadShares;
  /** Of the projects that read just now. */
  readonly #lines = new Map<ProjectRef, Line>();
  readonly #turns = new Turns<ProjectRef>();

  constructor(database: Pick<Database, 'query'>, shares: ReadShares) {
    this.#database = database;
    this.#shares = shares;
  }

  of(project: ProjectRef): Reads {
    return { query: (statement) => this.#query(project, statement) };
  }

  async #query(project: ProjectRef, statement: Statement): Promise<Rows> {
    const line = this.#lines.get(project) ?? { running: 0, waiting: new Set() };
    this.#lines.set(project, line);
    if (line.running < this.#shares.atOnceMax) line.running += 1;
    else await this.#placeIn(line);
    try {
      const rows = await this.#database.query(statement);
      if (rows.length > this.#shares.turnRowsMax) await this.#turns.next(project);
      return rows;
    } finally {
      const [next] = line.waiting;
      // The place goes from hand to hand, so that nobody overtakes.
      if (next !== undefined) next();
      else line.running -= 1;
      if (line.running === 0) this.#lines.delete(project);
    }
  }

  #placeIn({ waiting }: Line): Promise<void> {
    return new Promise((resolve, reject) => {
      const take = () => {
        clearTimeout(timer);
        waiting.delete(take);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(take);
        const message = 'too many reads of this project wait for the database';
        reject(toAppError(Object.assign(new Error(message), { code: 'ETIMEDOUT' })));
      }, this.#shares.waitMs);
      waiting.add(take);
    });
  }
}
