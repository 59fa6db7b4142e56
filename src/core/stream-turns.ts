/**
 * Old events wait for nothing, so a long page of them is handed on in pieces, each in a turn of its own. What is new comes in
 * short pages, which wait for nobody.
 */
import type { NamedStreamItem } from './listener-names.ts';
import { Turns } from './turns.ts';

type Items = AsyncGenerator<NamedStreamItem, void, void>;

export class StreamTurns<Project> {
  readonly #pieceEventsMax: number;
  readonly #turns = new Turns<Project>();

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
        await this.#turns.next(project);
        const events = item.events.slice(at, at + max);
        const isLast = at + max >= item.events.length;
        const seq = isLast ? item.seq : (events.at(-1)?.seq ?? item.seq);
        yield { ...(at === 0 ? item : later), events, seq };
      }
    }
  }
}
