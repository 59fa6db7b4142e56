/**
 * What all preambles of a worker share, since each may hold a read and costs what its client chooses.
 *
 * - So many are under way at once. Others wait unread; the project with the fewest under way is next, and of a project
 *   whoever came first.
 * - Whoever waits for nothing but its client is crowded out by those that wait for a place: at once where its project has
 *   more under way than theirs, else when it has waited for `preamblePatienceMs`. So nobody keeps others out by silence.
 * - The first words of a TLS client cost a signature, milliseconds with a long key, and those that hold its certificates
 *   what it likes. So each has a turn of the loop of its own, however many came at once (word-turns.ts): everybody else is
 *   served in between. Who waits for that is crowded out only where its project has the most under way, and nobody else of it
 *   waits for its client.
 */
import type { ProjectRef } from '../../core/project.ts';
import type { WorkerSettings } from '../messages.ts';
import { WordTurns } from './word-turns.ts';

export interface PreambleTurn {
  /** Resolves when it may begin. */
  readonly ready: Promise<void>;
  /** Resolves when what its client has said may be answered. One after the other. */
  words(): Promise<void>;
  /** To be called once, whether it had begun or not. */
  leave(): void;
}

interface Place {
  readonly begin: () => void;
  readonly crowdedOut: () => void;
  /** On the clock of the turns, in ms. */
  waitsForClientSince: number;
}

/** Each set in the order in which its places came to it. */
interface Book {
  readonly waiting: Set<Place>;
  readonly atClient: Set<Place>;
  /** With words: what they wait for is this worker. */
  readonly atWords: Set<Place>;
}

export class PreambleTurns {
  readonly #max: number;
  readonly #patienceMs: number;
  readonly #monotonicMs: () => number;
  readonly #books = new Map<ProjectRef, Book>();
  readonly #words: WordTurns;
  #underWay = 0;
  #waiting = 0;
  #patience: NodeJS.Timeout | null = null;

  /** The clock never jumps. */
  constructor(
    {
      preamblesMax,
      preamblePatienceMs,
    }: Pick<WorkerSettings, 'preamblesMax' | 'preamblePatienceMs'>,
    monotonicMs = () => performance.now(),
  ) {
    this.#max = preamblesMax;
    this.#patienceMs = preamblePatienceMs;
    this.#monotonicMs = monotonicMs;
    this.#words = new WordTurns(monotonicMs);
  }

  /** `crowdedOut` is called at most once: its place is another's already. */
  take(project: ProjectRef, crowdedOut: () => void): PreambleTurn {
    const { promise: ready, resolve: begin } = Promise.withResolvers<void>();
    const place: Place = { begin, crowdedOut, waitsForClientSince: 0 };
    this.#bookOf(project).waiting.add(place);
    this.#waiting += 1;
    this.#fill();
    return {
      ready,
      words: () => this.#answer(project, place),
      leave: () => {
        this.#leave(project, place);
        this.#fill();
      },
    };
  }

  async #answer(project: ProjectRef, place: Place): Promise<void> {
    const book = this.#books.get(project);
    // One that has left is closed, and has nothing to say: no other is to wait for its turn.
    if (!book?.atClient.delete(place)) return;
    book.atWords.add(place);
    await this.#words.next(project);
    if (book.atWords.delete(place)) this.#waitForClient(book, place);
    this.#fill();
  }

  #bookOf(project: ProjectRef): Book {
    const known = this.#books.get(project);
    if (known !== undefined) return known;
    const book = {
      waiting: new Set<Place>(),
      atClient: new Set<Place>(),
      atWords: new Set<Place>(),
    };
    this.#books.set(project, book);
    return book;
  }

  #waitForClient(book: Book, place: Place): void {
    place.waitsForClientSince = this.#monotonicMs();
    book.atClient.add(place);
  }

  #leave(project: ProjectRef, place: Place): void {
    const book = this.#books.get(project);
    if (book === undefined) return;
    if (book.waiting.delete(place)) this.#waiting -= 1;
    else if (book.atClient.delete(place) || book.atWords.delete(place)) this.#underWay -= 1;
    if (book.waiting.size + heldBy(book) === 0) this.#books.delete(project);
  }

  #fill(): void {
    while (this.#waiting > 0) {
      const book = this.#next();
      if (this.#underWay >= this.#max && !this.#makeRoom(heldBy(book))) break;
      const [place] = book.waiting;
      if (place === undefined) throw new TypeError('a project without any that waits is not next');
      book.waiting.delete(place);
      this.#waiting -= 1;
      this.#underWay += 1;
      this.#waitForClient(book, place);
      place.begin();
    }
    this.#comeBack();
  }

  /** Of the projects with some that wait. */
  #next(): Book {
    const waiting = [...this.#books.values()].filter((book) => book.waiting.size > 0);
    return waiting.reduce((least, book) => (heldBy(book) < heldBy(least) ? book : least));
  }

  /** Of one that holds so many. False where nobody is to be crowded out for it. */
  #makeRoom(held: number): boolean {
    const overdueSince = this.#monotonicMs() - this.#patienceMs;
    let most = held + 1;
    let found: { readonly book: Book; readonly place: Place } | null = null;
    for (const book of this.#books.values()) {
      const [place] = book.atClient;
      const isOverdue = place !== undefined && place.waitsForClientSince <= overdueSince;
      if (heldBy(book) > most) {
        const given = place ?? [...book.atWords].at(-1);
        if (given !== undefined) [most, found] = [heldBy(book), { book, place: given }];
      } else if (isOverdue && book.waiting.size > 0) found ??= { book, place };
    }
    if (found === null) return false;
    const { atClient, atWords } = found.book;
    if (!atClient.delete(found.place)) atWords.delete(found.place);
    this.#underWay -= 1;
    found.place.crowdedOut();
    return true;
  }

  /** When the next one has waited for its client too long. */
  #comeBack(): void {
    if (this.#patience !== null) clearTimeout(this.#patience);
    this.#patience = null;
    let oldestAtMs = Number.POSITIVE_INFINITY;
    for (const { waiting, atClient } of this.#books.values()) {
      const [oldest] = atClient;
      if (waiting.size === 0 || oldest === undefined) continue;
      oldestAtMs = Math.min(oldestAtMs, oldest.waitsForClientSince);
    }
    if (oldestAtMs === Number.POSITIVE_INFINITY) return;
    const leftMs = oldestAtMs + this.#patienceMs - this.#monotonicMs();
    this.#patience = setTimeout(() => this.#fill(), leftMs);
  }
}

const heldBy = (book: Book) => book.atClient.size + book.atWords.size;
