/** What streams write. An event is framed once for all streams: what it says is the same to each of them. */
import type { Event } from '../core/event.ts';
import type { NamedStreamItem } from '../core/listener-names.ts';
import { ByteSink } from './byte-sink.ts';
import type { StreamWrite } from './calls.ts';
import { beginFrame, endFrame } from './framing.ts';
import type { GrpcLimits } from './grpc-limits.ts';
import { KeptFrames } from './kept-frames.ts';
import { encoderOf } from './message-encoder.ts';
import { messageType } from './protos.ts';

const encode = encoderOf(messageType('StreamEventsResponse'));

export class EventFrames {
  readonly #kept: KeptFrames;
  readonly #writeBytesMax: number;
  /** All streams use it: it is filled and taken out without a break. */
  readonly #sink = new ByteSink();

  constructor(
    options: Pick<GrpcLimits, 'framesKept' | 'framesKeptBytesMax' | 'streamWriteBytesMax'>,
  ) {
    const { framesKept: framesMax, framesKeptBytesMax: bytesMax } = options;
    this.#kept = new KeptFrames({ framesMax, bytesMax });
    this.#writeBytesMax = options.streamWriteBytesMax;
  }

  /** The frames of a stream's items, in writes of about a bounded size. The first item says which log it is of. */
  async *writes(items: AsyncIterable<NamedStreamItem>): AsyncGenerator<StreamWrite<Buffer>> {
    let log = '';
    for await (const item of items) {
      log = item.log ?? log;
      yield* this.#writes(item, log);
    }
  }

  *#writes(item: NamedStreamItem, log: string): Generator<StreamWrite<Buffer>> {
    // An encoder that failed may have left a part of its event.
    this.#sink.at = 0;
    if (item.kind !== 'events') {
      const { kind, seq, log: told, ...said } = item;
      this.#frame({ seq, log: told, [kind]: said });
      yield { message: this.#sink.take(), seq };
      return;
    }
    let written = 0;
    while (written < item.events.length) {
      let seq = item.seq;
      for (const event of item.events.slice(written)) {
        if (this.#sink.at >= this.#writeBytesMax) break;
        const name = item.names.get(event.listenerId) ?? null;
        this.#frameEvent(event, name, log, written === 0 && item.log !== undefined);
        seq = event.seq;
        written += 1;
      }
      yield { message: this.#sink.take(), seq };
    }
  }

  /** The first of its stream says which log it is of, and is that stream's own. */
  #frameEvent(event: Event, listenerName: string | null, log: string, isFirst: boolean): void {
    const { seq } = event;
    if (!isFirst && this.#kept.copyTo(this.#sink, log, seq, listenerName)) return;
    const start = this.#sink.at;
    this.#frame({ seq, ...(isFirst && { log }), event: { ...event, listenerName } });
    if (!isFirst) this.#kept.keep(log, seq, listenerName, this.#sink, start);
  }

  #frame(item: object): void {
    const start = beginFrame(this.#sink);
    encode(item, this.#sink);
    endFrame(this.#sink, start);
  }
}
