/**
 * Streams that are resumed by seq whatever happens, and check the log's order as they go: each event has the next
 * number, none comes twice, and what was seen is noted, to be held against what the log has at the end.
 */
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { status as grpcStatus } from '@grpc/grpc-js';
import { type GrpcClient, grpcClient, type Message } from '../support/grpc-client.ts';

export interface SeenEvent {
  readonly seq: number;
  readonly type: string;
  readonly connectionId: string | null;
  /** Whole, as REST shows it; null where it came another way. */
  readonly value: object | null;
}

const retryMs = 50;
/** Nothing at all for so long, not even a heartbeat: then the stream hangs. */
const silenceMs = 20_000;

export interface LogReaderOptions {
  /** Else they are checked as they come, and forgotten. */
  readonly keepsEvents: boolean;
  /** Of the key whose project's log it is; none: that of `default`. */
  readonly secret?: string;
}

abstract class LogReader implements AsyncDisposable {
  readonly events: SeenEvent[] = [];
  readonly faults: string[] = [];
  readonly name: string;
  protected readonly stop = new AbortController();
  protected readonly options: LogReaderOptions;
  #running: Promise<void> | null = null;
  resumes = 0;
  seq = 0;

  constructor(name: string, options: LogReaderOptions = { keepsEvents: true }) {
    this.name = name;
    this.options = options;
  }

  begin(): this {
    this.#running ??= this.#run();
    return this;
  }

  async #run(): Promise<void> {
    while (!this.stop.signal.aborted) {
      try {
        await this.read();
      } catch {
        // Whatever ended the stream, the next one goes on from the seq.
      }
      this.resumes += 1;
      await new Promise((next) => setTimeout(next, retryMs));
    }
  }

  /** One stream, to its end. */
  protected abstract read(): Promise<void>;

  protected fault(text: string): void {
    if (this.faults.length < 50) this.faults.push(`${this.name}: ${text}`);
  }

  protected moved(seq: number): void {
    if (seq < this.seq) this.fault(`seq went back from ${this.seq} to ${seq}`);
    this.seq = Math.max(this.seq, seq);
  }

  protected seen(event: SeenEvent): void {
    // The stream is not filtered and the log is dense: the next event has the next number.
    if (event.seq !== this.seq + 1) this.fault(`event ${event.seq} came after ${this.seq}`);
    if (this.options.keepsEvents) this.events.push(event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.#running;
  }
}

export class NdjsonReader extends LogReader {
  readonly #url: string;

  constructor(url: string, options?: LogReaderOptions) {
    super('NDJSON', options);
    this.#url = url;
  }

  protected async read(): Promise<void> {
    const { secret } = this.options;
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(new Error('silent')), silenceMs);
    try {
      const reply = await fetch(`${this.#url}/v1/events?afterSeq=${this.seq}&heartbeatMs=1000`, {
        headers: {
          accept: 'application/x-ndjson',
          ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
        },
        signal: AbortSignal.any([this.stop.signal, silence.signal]),
      });
      if (reply.status !== 200 && reply.status !== 503) {
        this.fault(`resume after ${this.seq}: ${reply.status} ${await reply.text()}`);
      }
      if (reply.status !== 200 || reply.body === null) {
        // What is not read keeps its connection.
        await reply.body?.cancel();
        return;
      }
      const lines = createInterface({ input: Readable.fromWeb(reply.body as never) });
      for await (const line of lines) {
        timer.refresh();
        this.#take(line);
      }
    } finally {
      clearTimeout(timer);
      if (silence.signal.aborted) this.fault(`no word for ${silenceMs} ms after ${this.seq}`);
    }
  }

  #take(line: string): void {
    const { seq, event, error } = JSON.parse(line);
    if (error !== undefined) {
      if (error.code !== 'unavailable') this.fault(`ended with ${line}`);
      return;
    }
    if (event !== undefined) {
      const { type, connectionId = null } = event;
      this.seen({ seq: event.seq, type, connectionId, value: event });
    }
    this.moved(seq);
  }
}

/** UNAVAILABLE tells of a stop or an outage; the others of a connection that was cut. */
const expectedEnds = new Set([
  grpcStatus.OK,
  grpcStatus.UNAVAILABLE,
  grpcStatus.CANCELLED,
  grpcStatus.INTERNAL,
]);

export class GrpcReader extends LogReader {
  /** One for all of its streams: grpc-js leaves connections open of clients that are closed while they connect. */
  readonly #client: GrpcClient;

  constructor(address: string, options?: LogReaderOptions) {
    super('gRPC', options);
    const token = options?.secret;
    const reconnectMsMax = 200;
    this.#client = grpcClient(address, { reconnectMsMax, ...(token !== undefined && { token }) });
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    this.#client[Symbol.dispose]();
  }

  protected async read(): Promise<void> {
    const stream = this.#client.events.StreamEvents(
      { afterSeq: String(this.seq), heartbeatInterval: { seconds: 1 } },
      this.#client.metadata,
    );
    const cancel = () => stream.cancel();
    this.stop.signal.addEventListener('abort', cancel, { once: true });
    const timer = setTimeout(() => {
      this.fault(`no word for ${silenceMs} ms after ${this.seq}`);
      cancel();
    }, silenceMs);
    stream.on('data', (message: Message) => {
      timer.refresh();
      const { event, seq } = message;
      if (event !== undefined && event !== null) {
        const type = (event.type ?? '').replace('EVENT_TYPE_', '').toLowerCase();
        const connectionId = event.connectionId ? event.connectionId : null;
        this.seen({ seq: Number(event.seq), type, connectionId, value: null });
      }
      this.moved(Number(seq));
    });
    await new Promise<void>((resolve) => {
      stream.on('end', () => resolve());
      stream.on('error', (error) => {
        const code = 'code' in error ? Number(error.code) : grpcStatus.UNKNOWN;
        if (!expectedEnds.has(code)) this.fault(`after ${this.seq} ended with ${error.message}`);
        resolve();
      });
    });
    clearTimeout(timer);
    this.stop.signal.removeEventListener('abort', cancel);
  }
}
