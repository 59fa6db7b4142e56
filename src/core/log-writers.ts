/** All that appends in this process: its own place, and those of the sessions that it has. */
import type { LogWriter } from './log-writer.ts';

export class LogWriters {
  readonly own: LogWriter;
  readonly #all: Set<LogWriter>;
  /** Of those that have left. */
  #refusedBefore = 0;

  constructor(own: LogWriter) {
    this.own = own;
    this.#all = new Set([own]);
  }

  add(writer: LogWriter): LogWriter {
    this.#all.add(writer);
    return writer;
  }

  /** Its place is to be another's: what it has not committed waits here no more. */
  leave(writer: LogWriter): void {
    writer.queue.leave();
    if (this.#all.delete(writer)) this.#refusedBefore += writer.queue.refusedRecords;
  }

  /** Why the last commit of one of them failed, while it is being repeated; null when all is well. */
  get failure(): unknown {
    return this.#queues.find(({ failure }) => failure !== null)?.failure ?? null;
  }

  get queuedEvents(): number {
    return this.#queues.reduce((sum, { queuedEvents }) => sum + queuedEvents, 0);
  }

  /** How long the oldest of what is to be committed has waited; 0 when nothing does. */
  get waitingMs(): number {
    return Math.max(...this.#queues.map(({ waitingMs }) => waitingMs));
  }

  /** Records that the store refused, and that were left out. */
  get refusedRecords(): number {
    return this.#queues.reduce((sum, queue) => sum + queue.refusedRecords, this.#refusedBefore);
  }

  get #queues() {
    return [...this.#all].map(({ queue }) => queue);
  }
}
