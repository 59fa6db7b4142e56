/**
 * A long page costs the control plane, which is one thread, some hundred times what a short call does. So a project has
 * few of them under way at once, however many it asks for, and each is made, and goes to its caller, in pieces, in turns of
 * the loop that the projects take. A short page waits for nobody.
 */
import type { Caller } from '../core/caller.ts';
import { AppError } from '../core/errors.ts';
import { Lines } from '../core/lines.ts';
import type { LoopShares } from '../core/loop-shares.ts';
import type { PageInPieces } from '../core/page.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Projects } from '../core/projects.ts';
import type { Turns } from '../core/turns.ts';

export interface LongPageLimits {
  readonly pieceItemsMax: number;
  readonly longPagesPerProjectMax: number;
  /** For one of these places. */
  readonly longPageWaitMs: number;
}

export interface LongPagesOptions {
  readonly projects: Pick<Projects, 'of'>;
  readonly loop: Pick<LoopShares<ProjectRef>, 'long'>;
  readonly limits: LongPageLimits;
}

/** Items that are there, or that are read as they go. */
export type ItemList<Item, End> = readonly Item[] | PageInPieces<Item, End>;

/** How a page goes to its caller; a long one holds a place of its project until it is disposed of. */
export interface Pace extends Disposable {
  pieces<Item, End = object>(list: ItemList<Item, End>): PageInPieces<Item, End | null>;
  /** Resolves when a part of what was made of the pieces may be sent; null: all may be, at once. */
  readonly turn: (() => Promise<void>) | null;
}

/** Of all that is short. */
export const atOnce: Pace = {
  async *pieces(list) {
    if (!(Symbol.iterator in list)) return yield* list;
    yield list;
    return null;
  },
  turn: null,
  [Symbol.dispose]: () => undefined,
};

export class LongPages {
  readonly #options: LongPagesOptions;
  readonly #lines: Lines<ProjectRef>;

  constructor(options: LongPagesOptions) {
    this.#options = options;
    const { longPagesPerProjectMax: atOnceMax, longPageWaitMs: waitMs } = options.limits;
    this.#lines = new Lines({ atOnceMax: () => atOnceMax, waitMs }, () => tooMany(atOnceMax));
  }

  /** @throws resource_exhausted where its project has too many for too long, not_found, unavailable; the reason of the caller's signal */
  async paceOf(caller: Caller, input: unknown): Promise<Pace> {
    const { projects, loop, limits } = this.#options;
    if (pageSizeOf(input) <= limits.pieceItemsMax) return atOnce;
    const project = await projects.of(caller);
    const place = await this.#lines.take(project, caller.signal);
    return {
      pieces: (list) => inTurns(loop.long, project, list),
      turn: () => loop.long.next(project),
      [Symbol.dispose]: () => place[Symbol.dispose](),
    };
  }
}

/** A list that is short after all waits for nobody; of one that is read as it goes all that follows waits. */
async function* inTurns<Item, End>(
  turns: Turns<ProjectRef>,
  project: ProjectRef,
  list: ItemList<Item, End>,
): PageInPieces<Item, End | null> {
  if (Symbol.iterator in list) {
    yield* turns.pieces(project, list);
    return null;
  }
  let step = await list.next();
  if (step.done !== true) {
    yield* turns.pieces(project, step.value);
    step = await list.next();
  }
  for (; step.done !== true; step = await list.next()) {
    yield* turns.waitingPieces(project, step.value);
  }
  return step.value;
}

function pageSizeOf(input: unknown): number {
  const isPage = typeof input === 'object' && input !== null && 'pageSize' in input;
  return isPage ? Number(input.pageSize) : 0;
}

function tooMany(limitValue: number): AppError {
  const message = `at most ${limitValue} long pages of a project at once: ask again, or for shorter ones`;
  const limit = 'longPagesPerProjectMax';
  return new AppError('resource_exhausted', message, { limit, limitValue, retryAfterMs: 1000 });
}
