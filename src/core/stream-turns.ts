/**
 * Old events wait for nothing: whoever reads many of them could fill turn after turn of the loop, and nobody else would be
 * heard meanwhile. So a long page is handed on in pieces, one of them in each turn, and the projects that have some
 * waiting take turns. What is new comes in short pages, which wait for nobody.
 */
import type { NamedStreamItem } from './listener-names.ts';

type Items = AsyncGenerator<NamedStreamItem, void, void>;

export class StreamTurns<Project> {
  readonly #pieceEventsMax: number;
  readonly #waiting = new Map<Project, (() => void)[]>();

  constructor(pieceEventsMax: number) {
    this.#pieceEventsMax = pieceEventsMax;
  }

  /** The same items, each page of them in pieces; the seq of a piece is that of its last event. */
  async *share(project: Project, items: Items): Items {
    const max = this.#pieceEventsMax;
    for await (const item of items) {
      if (item.kind !== 'events' || item.events.length <= max) {
        yield item;
        continue;
      }
      const { log, ...later } = item;
      for (let at = 0; at < item.events.length; at += max) {
        await this.#next(project);
        const events = item.events.slice(at, at + max);
        const isLast = at + max >= item.events.length;
        const seq = isLast ? item.seq : (events.at(-1)?.seq ?? item.seq);
        yield { ...(at === 0 ? item : later), events, seq };
      }
    }
  }

  #next(project: Project): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.size === 0) setImmediate(this.#turn);
      const own = this.#waiting.get(project);
      if (own === undefined) this.#waiting.set(project, [resolve]);
      else own.push(resolve);
    });
  }

  readonly #turn = (): void => {
    const [next] = this.#waiting;
    if (next === undefined) return;
    const [project, own] = next;
    own.shift()?.();
    // Behind those of the others.
    this.#waiting.delete(project);
    if (own.length > 0) this.#waiting.set(project, own);
    if (this.#waiting.size > 0) setImmediate(this.#turn);
  };
}
