import { Neighbours } from './neighbours.ts';
import { OldReads } from './old-reads.ts';
import { Turns } from './turns.ts';

/**
 * Of a long list so many items are looked at in one piece, and so long in one turn of the loop. Where several projects are
 * at it, which they are for so long after each call and whatever they are sent, what is long rests so long between turns; of
 * a page so many items are read at once, and of the old events of streams so many pieces of each project.
 */
export const loopLimits = {
  ...{ pieceItemsMax: 50, turnMs: 1, restMs: 19, besideMs: 1000 },
  ...{ readItemsMax: 250, oldPiecesPerProjectMax: 2 },
};

export type LoopLimits = Readonly<Record<keyof typeof loopLimits, number>>;

/**
 * How the projects share the loop. What is short, a call or a page that is one piece, waits for nobody; of what is not:
 *
 *   prompt  events as they come, and rows that were read: some of it in each turn of the loop
 *   long    what was, and is to be sent: where other projects are at it most of the time is left to all the rest
 */
export class LoopShares<Project> {
  readonly neighbours: Neighbours<Project>;
  readonly prompt: Turns<Project>;
  readonly long: Turns<Project>;
  readonly oldReads: OldReads<Project>;
  readonly #readItemsMax: number;

  constructor(given: Partial<LoopLimits> = {}) {
    const limits = { ...loopLimits, ...given };
    const { pieceItemsMax, turnMs } = limits;
    this.neighbours = new Neighbours(limits.besideMs);
    this.prompt = new Turns({ pieceItemsMax, turnMs });
    const restMs = () => (this.neighbours.areSeveral ? limits.restMs : 0);
    this.long = new Turns({ pieceItemsMax, turnMs, restMs });
    this.oldReads = new OldReads(this.neighbours, this.long, limits);
    this.#readItemsMax = limits.readItemsMax;
  }

  /** Of a long page so much is read at once: beside other projects little, since it is kept until its turns come. */
  get readItemsMax(): number {
    return this.neighbours.areSeveral ? this.#readItemsMax : Number.POSITIVE_INFINITY;
  }
}
