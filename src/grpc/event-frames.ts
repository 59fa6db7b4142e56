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

  /** The frames of an item, in writes of about a bounded size. */
  *writes(item: NamedStreamItem): Generator<StreamWrite<Buffer>, void, void> {
    // An encoder that failed may have left a part of its event.
    this.#sink.at = 0;
    if (item.kind !== 'events') {
      const { kind, seq, log, ...said } = item;
      this.#frame({ seq, log, [kind]: said });
      yield { message: this.#sink.take(), seq };
      return;
    }
    let written = 0;
    while (written < item.events.length) {
      let seq = item.seq;
      for (const event of item.events.slice(written)) {
        if (this.#sink.at >= this.#writeBytesMax) break;
        const log = written === 0 ? item.log : undefined;
        this.#frameEvent(event, item.names.get(event.listenerId) ?? null, log);
        seq = event.seq;
        written += 1;
      }
      yield { message: this.#sink.take(), seq };
    }
  }

  /** One that says which log it is of is the first of its stream, and is that stream's own. */
  #frameEvent(event: Event, listenerName: string | null, log?: string): void {
    const { seq } = event;
    if (log === undefined && this.#kept.copyTo(this.#sink, seq, listenerName)) return;
    const start = this.#sink.at;
    this.#frame({ seq, log, event: { ...event, listenerName } });
    if (log === undefined) this.#kept.keep(seq, this.#sink, start, listenerName);
  }

  #frame(item: object): void {
    const start = beginFrame(this.#sink);
    encode(item, this.#sink);
    endFrame(this.#sink, start);
  }
}
