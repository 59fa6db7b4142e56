/** Faults that change, lose or double what passes. They hold nothing. */
import type { Fault } from '../../core/fault.ts';
import { copyOf } from './held-items.ts';
import { type ActiveFault, type Link, Stage, type StageContext } from './stage.ts';

/** The places of one read that were drawn, as marks and as a list: all connections use them in turn. */
let drawn = new Uint8Array(65_536);
let listed = new Uint32Array(65_536);

/** So many bytes of each read, or all where it has fewer, each at another place, come back as another byte. */
export class CorruptStage extends Stage {
  readonly #bytes: number;

  constructor(
    active: ActiveFault,
    context: StageContext,
    next: Link,
    fault: Fault & { readonly type: 'corrupt' },
  ) {
    super(active, context, next);
    this.#bytes = fault.bytes;
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

export class DropStage extends Stage {
  protected take(): void {}
}

const discarding: ActiveFault = {
  fault: { type: 'drop', probability: 1, seed: null, match: {}, enabled: true, expiresAt: null },
  random: () => 0,
  sharedRate: null,
};

/** The faults of a stream that is discarded: it ends before them, so only a close still counts its bytes. */
export function behindDiscard(active: readonly ActiveFault[]): readonly ActiveFault[] {
  return active.length === 0 ? active : [discarding, ...active];
}

export class DuplicateStage extends Stage {
  protected take(bytes: Buffer): void {
    // Neither owns the bytes: who changed one in place would change the other.
    this.next.enter(bytes, false);
    this.next.enter(bytes, false);
  }
}
