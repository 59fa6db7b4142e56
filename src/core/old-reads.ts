/**
 * How streams read what was. The streams of a project that is alone read much at once. Beside others each reads a piece, a
 * few of a project at a time, and has its place until the piece may be sent: what every one of hundreds held on to would be
 * copied by collection after collection of garbage, which all wait for.
 */
import { Lines } from './lines.ts';
import type { Neighbours } from './neighbours.ts';
import type { Turns } from './turns.ts';

export interface OldReadLimits {
  readonly pieceItemsMax: number;
  /** Pieces of a project that are read, or wait for their turn. */
  readonly oldPiecesPerProjectMax: number;
}

interface Shared<Project> {
  readonly neighbours: Neighbours<Project>;
  readonly turns: Turns<Project>;
  readonly pieceItemsMax: number;
  readonly lines: Lines<Project>;
}

export class OldReads<Project> {
  readonly #shared: Shared<Project>;

  constructor(neighbours: Neighbours<Project>, turns: Turns<Project>, limits: OldReadLimits) {
    const { pieceItemsMax, oldPiecesPerProjectMax: max } = limits;
    // The streams are few enough, and leave the line when they end.
    const lines = new Lines<Project>({ atOnceMax: () => max, waitMs: null });
    this.#shared = { neighbours, turns, pieceItemsMax, lines };
  }

  reader(project: Project): OldReader<Project> {
    return new OldReader(this.#shared, project);
  }
}

/** Of one stream. */
export class OldReader<Project> implements Disposable {
  readonly #shared: Shared<Project>;
  readonly #project: Project;
  /** Of what was read last, and waits for its turn. */
  #place: Disposable | null = null;

  constructor(shared: Shared<Project>, project: Project) {
    this.#shared = shared;
    this.#project = project;
  }

  /** What is short waits for nobody. @throws the reason of the signal, and what the read throws */
  async read<Result>(
    eventsMax: number,
    read: (eventsMax: number) => Promise<Result>,
    signal: AbortSignal,
  ): Promise<Result> {
    this[Symbol.dispose]();
    const { neighbours, pieceItemsMax, lines } = this.#shared;
    if (eventsMax <= pieceItemsMax || !neighbours.areSeveral) return await read(eventsMax);
    this.#place = await lines.take(this.#project, signal);
    return await read(pieceItemsMax);
  }

  /** Before it is sent. */
  async *pieces<Item>(items: readonly Item[]): AsyncGenerator<readonly Item[], void, void> {
    const { turns } = this.#shared;
    if (this.#place === null) {
      yield* turns.pieces(this.#project, items);
      return;
    }
    await turns.next(this.#project);
    this[Symbol.dispose]();
    yield items;
  }

  [Symbol.dispose](): void {
    this.#place?.[Symbol.dispose]();
    this.#place = null;
  }
}
