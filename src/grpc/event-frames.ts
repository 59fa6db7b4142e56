/**
 * What streams write. An event is framed once for all streams: what it says is the same to each of them.
 * The frames of the newest are kept, each in the place that its seq has in a ring.
 */
import type { Event } from '../core/event.ts';
import type { StreamItem } from '../core/follow.ts';
import type { StreamWrite } from './calls.ts';
import { toEventMessage } from './event-messages.ts';
import { frame } from './framing.ts';
import { messageType } from './protos.ts';

const response = messageType('StreamEventsResponse');

interface Kept {
  readonly event: Event;
  readonly framed: Buffer;
}

export class EventFrames {
  readonly #keptMax: number;
  readonly #writeBytesMax: number;
  readonly #kept: (Kept | undefined)[];

  constructor(options: { readonly framesKept: number; readonly streamWriteBytesMax: number }) {
    this.#keptMax = options.framesKept;
    this.#writeBytesMax = options.streamWriteBytesMax;
    this.#kept = new Array(options.framesKept);
  }

  /** The frames of an item, in writes of a bounded size. */
  *writes(item: StreamItem): Generator<StreamWrite<Buffer>> {
    if (item.kind !== 'events') {
      const message = { seq: item.seq, [item.kind]: {} };
      yield { message: frame(response.encode(message).finish()), seq: item.seq };
      return;
    }
    let frames: Buffer[] = [];
    let bytes = 0;
    let seq = 0;
    for (const event of item.events) {
      const framed = this.#frame(event);
      if (bytes > 0 && bytes + framed.length > this.#writeBytesMax) {
        yield { message: Buffer.concat(frames, bytes), seq };
        frames = [];
        bytes = 0;
      }
      frames.push(framed);
      bytes += framed.length;
      seq = event.seq;
    }
    yield { message: Buffer.concat(frames, bytes), seq };
  }

  #frame(event: Event): Buffer {
    const place = event.seq % this.#keptMax;
    const kept = this.#kept[place];
    if (kept?.event === event) return kept.framed;
    const message = { seq: event.seq, event: toEventMessage(event) };
    const framed = frame(response.encode(message).finish());
    this.#kept[place] = { event, framed };
    return framed;
  }
}
