/** A stream over NDJSON that is resumed by seq whatever happens, and checks the log's order as it goes. */
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

export interface LoggedEvent {
  readonly seq: number;
  readonly type: string;
  readonly connectionId: string | null;
}

const retryMs = 50;

export class LogReader {
  readonly events: LoggedEvent[] = [];
  readonly faults: string[] = [];
  readonly #url: string;
  readonly #end = new AbortController();
  readonly #running: Promise<void>;
  resumes = 0;
  seq = 0;

  constructor(url: string) {
    this.#url = url;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#end.signal.aborted) {
      try {
        await this.#read();
      } catch {
        // Whatever ended the stream, the next one goes on from the seq.
      }
      this.resumes += 1;
      await new Promise((next) => setTimeout(next, retryMs));
    }
  }

  async #read(): Promise<void> {
    const reply = await fetch(`${this.#url}/v1/events?afterSeq=${this.seq}&heartbeatMs=1000`, {
      headers: { accept: 'application/x-ndjson' },
      signal: this.#end.signal,
    });
    if (reply.status >= 400 && reply.status < 500) {
      this.faults.push(`resume after ${this.seq}: ${reply.status} ${await reply.text()}`);
    }
    if (reply.status !== 200 || reply.body === null) return;
    const lines = createInterface({ input: Readable.fromWeb(reply.body as never) });
    for await (const line of lines) this.#take(JSON.parse(line));
  }

  #take(message: { seq?: number; event?: LoggedEvent }): void {
    const { seq, event } = message;
    if (seq === undefined) return;
    if (seq < this.seq) this.faults.push(`seq went back from ${this.seq} to ${seq}`);
    if (event !== undefined) {
      // The stream is not filtered and the log is dense: the next event has the next number.
      if (event.seq !== this.seq + 1 && this.seq !== 0) {
        this.faults.push(`event ${event.seq} came after ${this.seq}`);
      }
      const { type, connectionId } = event;
      this.events.push({ seq: event.seq, type, connectionId: connectionId ?? null });
    }
    this.seq = Math.max(this.seq, seq);
  }

  async end(): Promise<void> {
    this.#end.abort();
    await this.#running;
  }
}
