/**
 * Ends loops with another echo, whoever began them. In a loop what we sent comes back, soon, again and again. So what
 * the same pair brings again within a window is a return; after `udpLoopReturnsMax` returns in a row one is not
 * answered, and a datagram in a loop that is not answered is gone for good.
 *
 * - The same is: an equal payload. Where we change payloads ourselves, as `corrupt` does, any payload of that length,
 *   since what comes back is then like nothing that came before.
 * - The window is `udpLoopWindowMs`, and the time that our own faults may hold an answer: of two that hold it the one
 *   that holds it longer sees it come back within its window.
 * - A client that sends equal datagrams loses at most one in so many, and none when it sends them slower than the
 *   window; one that tells its datagrams apart loses none.
 * - One table of fixed size serves all sessions, and outlives them. Datagrams that share a place are counted together:
 *   when the table is full a few too many are taken for returns, and none too few.
 */
import { crc32 } from 'node:zlib';
import type { Micros } from '../../core/time.ts';
import { definitionOf } from '../../faults/all-faults.ts';
import type { ActiveFault } from '../../faults/stage.ts';
import type { WorkerSettings } from '../messages.ts';

const slots = 65_536;

/** What the faults of a session mean for a loop through it. */
export interface LoopTraits {
  readonly isChanged: boolean;
  /** A datagram is answered more than once: its loop ends only by silence, so none is answered until it stays away. */
  readonly isMultiplied: boolean;
  readonly heldMs: number;
}

export function loopTraitsOf(
  faults: readonly ActiveFault['fault'][],
  heldBytesMax: number,
): LoopTraits {
  const traits = { isChanged: false, isMultiplied: false, heldMs: 0 };
  for (const fault of faults) {
    const definition = definitionOf(fault);
    traits.isChanged ||= definition.isChanging === true;
    traits.isMultiplied ||= definition.isDoubling === true;
    traits.heldMs += definition.holdsMs?.(fault, heldBytesMax) ?? 0;
  }
  return traits;
}

/** Whose datagrams they are. */
export interface LoopSide {
  /** A number, up to 2³², of the pair of addresses. */
  readonly pair: number;
  readonly traits: LoopTraits;
}

export class LoopBreaker {
  readonly #windowMs: number;
  readonly #returnsMax: number;
  readonly #returns = new Uint32Array(slots);
  readonly #freeAt = new Float64Array(slots);
  #lastReturns = 0;

  constructor(settings: Pick<WorkerSettings, 'udpLoopWindowMs' | 'udpLoopReturnsMax'>) {
    this.#windowMs = settings.udpLoopWindowMs;
    this.#returnsMax = settings.udpLoopReturnsMax;
  }

  /** Of the datagram that was judged last: how often in a row it had come back. */
  get lastReturns(): number {
    return this.#lastReturns;
  }

  /** Whether this one must not be answered. */
  breaks(side: LoopSide, payload: Buffer, now: Micros): boolean {
    const slot = slotOf(side, payload);
    const returns = this.#isFree(slot, now) ? 0 : (this.#returns[slot] ?? 0) + 1;
    const isLoop = returns >= this.#returnsMax;
    this.#lastReturns = returns;
    this.#returns[slot] = returns;
    this.#freeAt[slot] = isLoop && !side.traits.isMultiplied ? now : this.#endOfWindow(side, now);
    return isLoop;
  }

  /** Our faults have let an answer go: this is what will come back, and from now on. */
  answers(side: LoopSide, payload: Buffer, returns: number, now: Micros): void {
    const slot = slotOf(side, payload);
    if (this.#isFree(slot, now)) this.#returns[slot] = returns;
    this.#freeAt[slot] = Math.max(this.#freeAt[slot] ?? 0, this.#endOfWindow(side, now));
  }

  #isFree(slot: number, now: Micros): boolean {
    return (this.#freeAt[slot] ?? 0) <= now;
  }

  #endOfWindow({ traits }: LoopSide, now: Micros): Micros {
    return now + (this.#windowMs + traits.heldMs) * 1000;
  }
}

function slotOf({ pair, traits }: LoopSide, payload: Buffer): number {
  const key = traits.isChanged ? crc32(String(payload.length), pair) : crc32(payload, pair);
  return key % slots;
}
