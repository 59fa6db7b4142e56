/**
 * Statistics of tables that grow from few rows. The server makes the plan of a statement once and keeps it: one that was
 * right for few, such as to walk all of a project's, is kept until the table has been analyzed. Autovacuum does that within
 * a minute, in which each append would walk all that is open; so who makes a table grow has it analyzed.
 */
import type { Logger } from '../core/ports.ts';
import type { AppendBatch } from './append-batch.ts';
import type { Reads } from './database.ts';

/** With fewer rows any plan does. */
const rowsMin = 500;
const growth = 2;
/** Between two times: each samples up to 30,000 rows, some 20 ms of the server where these are in memory. */
const restMs = 5000;

class GrownTable {
  /** With the columns by which its rows are looked up. */
  readonly sql: string;
  /** Written by this process, and still there; what another wrote may go as well, and counts for none. */
  #rows = 0;
  /** The least there were since it was analyzed: with so few a plan may have been made. */
  #least = 0;
  #analyzedAt = Number.NEGATIVE_INFINITY;

  constructor(name: string, columns: string) {
    // Who waited for autovacuum would end it.
    this.sql = `ANALYZE (SKIP_LOCKED) ${name} (${columns})`;
  }

  /** True where it is to be analyzed now. */
  changed(by: number): boolean {
    this.#rows = Math.max(0, this.#rows + by);
    this.#least = Math.min(this.#least, this.#rows);
    const now = performance.now();
    const isGrown = this.#rows >= Math.max(rowsMin, growth * this.#least);
    if (!isGrown || now - this.#analyzedAt < restMs) return false;
    this.#least = this.#rows;
    this.#analyzedAt = now;
    return true;
  }
}

export class GrownTables {
  readonly #database: Reads;
  readonly #log: Pick<Logger, 'warn'>;
  readonly #open = new GrownTable('open_connections', 'project, id');
  readonly #listeners = new GrownTable('listeners', 'project, id, name');

  constructor(database: Reads, log: Pick<Logger, 'warn'>) {
    this.#database = database;
    this.#log = log;
  }

  appended({ open, gone, newListeners }: AppendBatch): void {
    if (this.#open.changed(open.length - gone.length)) void this.#analyze(this.#open);
    if (this.#listeners.changed(newListeners.length)) void this.#analyze(this.#listeners);
  }

  async #analyze({ sql }: GrownTable): Promise<void> {
    try {
      await this.#database.query({ text: sql });
    } catch (error) {
      this.#log.warn({ err: error }, `it costs more until the database does so itself: ${sql}`);
    }
  }
}
