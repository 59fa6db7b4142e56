/**
 * How streams read what was. The streams of a project that is alone read much at once. Beside others each reads a piece, a
 * few of a project at a time, and has it until its turn: a page that every one of hundreds held on to for so long would be
 * copied by collection after collection of garbage, which all wait for.
 */
import { AppError } from './errors.ts';
import { Lines } from './lines.ts';
import type { Neighbours } from './neighbours.ts';
import type { Turns } from './turns.ts';

export interface OldReadLimits {
  readonly pieceItemsMax: number;
  /** Pieces of a project that are read, or wait for their turn. */
  readonly oldPiecesPerProjectMax: number;
  readonly oldPieceWaitMs: number;
}

export class OldReads<Project> {
  readonly #neighbours: Neighbours<Project>;
  readonly #turns: Turns<Project>;
  readonly #pieceItemsMax: number;
  readonly #lines: Lines<Project>;

  constructor(neighbours: Neighbours<Project>, turns: Turns<Project>, limits: OldReadLimits) {
    this.#neighbours = neighbours;
    this.#turns = turns;
    this.#pieceItemsMax = limits.pieceItemsMax;
    const { oldPiecesPerProjectMax: max, oldPieceWaitMs: waitMs } = limits;
    this.#lines = new Lines({ atOnceMax: () => max, waitMs }, () => tooMany(max));
  }

  /** Resolves when what was read may be sent. @throws resource_exhausted, and what the read throws */
  async read<Result>(
    project: Project,
    eventsMax: number,
    read: (eventsMax: number) => Promise<Result>,
  ): Promise<Result> {
    if (!this.#neighbours.areSeveral) return await read(eventsMax);
    using _place = await this.#lines.take(project);
    const found = await read(Math.min(eventsMax, this.#pieceItemsMax));
    await this.#turns.next(project);
    return found;
  }
}

function tooMany(limitValue: number): AppError {
  const message = `too many streams of the project read old events: ${limitValue} at once beside other projects`;
  const limit = 'oldPiecesPerProjectMax';
  return new AppError('resource_exhausted', message, { limit, limitValue, retryAfterMs: 1000 });
}
