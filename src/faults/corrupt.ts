import type { FaultDefinition } from './fault-definition.ts';
import { type EffectOf, type Fields, readBytesMax } from './fields.ts';
import { copyOf } from './held-items.ts';
import { type ActiveFault, type Link, Stage, type StageContext } from './stage.ts';

const fields = {
  bytes: { kind: 'whole_number', min: 1, max: readBytesMax, about: 'How many.' },
} as const satisfies Fields;

type Corrupt = EffectOf<'corrupt', typeof fields>;

export const corrupt = {
  type: 'corrupt',
  about: 'Some bytes come back changed.',
  on: ['stream', 'datagram'],
  fields,
  createStage: (active, context, next) => new CorruptStage(active, context, next),
  isChanging: true,
} as const satisfies FaultDefinition<Corrupt>;

/** The places of one read that were drawn, as marks and as a list: all connections use them in turn. */
let drawn = new Uint8Array(readBytesMax);
let listed = new Uint32Array(readBytesMax);

/** So many bytes of each read, or all where it has fewer, each at another place, come back as another byte. */
class CorruptStage extends Stage {
  readonly #bytes: number;

  constructor(active: ActiveFault<Corrupt>, context: StageContext, next: Link) {
    super(active, context, next);
    this.#bytes = active.fault.bytes;
  }

  protected take(bytes: Buffer, isOwned: boolean): void {
    const changed = isOwned ? bytes : copyOf(bytes);
    for (const place of this.#places(changed.length)) {
      const other = 1 + Math.floor(this.active.random() * 255);
      changed[place] = (changed[place] ?? 0) ^ other;
    }
    this.next.enter(changed, true);
  }

  /**
   * Different places, all equally likely: Floyd's sampling (Bentley and Floyd, CACM 30(9), 1987). The list is good
   * until the next draw.
   */
  #places(length: number): Uint32Array {
    const first = Math.max(0, length - this.#bytes);
    if (drawn.length < length) {
      drawn = new Uint8Array(length);
      listed = new Uint32Array(length);
    }
    const places = listed.subarray(0, length - first);
    for (let last = first; last < length; last += 1) {
      const place = Math.floor(this.active.random() * (last + 1));
      const chosen = drawn[place] === 1 ? last : place;
      drawn[chosen] = 1;
      places[last - first] = chosen;
    }
    for (const place of places) drawn[place] = 0;
    return places;
  }
}
