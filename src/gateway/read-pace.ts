/**
 * How fast one stream is read: each frame costs the time that it would take at the rates that it may have, and a second's
 * worth may come at once. What comes faster waits on its way, and in the end with the agent.
 */
import type { AgentStream } from './frame-writer.ts';

export interface ReadRates {
  readonly framesPerSecond: number;
  readonly frameBytesPerSecond: number;
  readonly recordsPerSecond: number;
}

const burstMs = 1000;

export class ReadPace implements Disposable {
  readonly #stream: AgentStream;
  readonly #rates: ReadRates;
  /** When what came would be over at the rates that it may have. */
  #paidUntil = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: AgentStream, rates: ReadRates) {
    this.#stream = stream;
    readLittleAhead(stream);
    this.#rates = rates;
  }

  /** Of one frame; nothing more is read until it is paid for. */
  charge(bytes: number, records: number): void {
    const { framesPerSecond, frameBytesPerSecond, recordsPerSecond } = this.#rates;
    const seconds = Math.max(
      1 / framesPerSecond,
      bytes / frameBytesPerSecond,
      records / recordsPerSecond,
    );
    const now = performance.now();
    this.#paidUntil = Math.max(this.#paidUntil, now - burstMs) + seconds * 1000;
    const restMs = this.#paidUntil - now;
    if (restMs <= 0) return;
    this.#stream.pause();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#stream.resume(), restMs);
  }

  /** What still comes is to be thrown away. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#stream.resume();
  }
}

/** grpc-js reads 16 messages ahead of whoever rests, each of up to a megabyte, and has no setting for it. */
function readLittleAhead(stream: AgentStream): void {
  const { _readableState: state } = stream as unknown as {
    readonly _readableState?: { highWaterMark: number };
  };
  if (state === undefined)
    throw new TypeError(`Node ${process.version} has no streams as kodama knows them`);
  state.highWaterMark = 1;
}
