/**
 * What the connections of a project may be in a worker, of all its listeners together. A project is known here as long
 * as it has a bound, or a connection.
 */
import type { ProjectLimits } from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Micros } from '../core/time.ts';
import { TokenBucket } from '../core/token-bucket.ts';
import type { WorkerClock } from './worker-clock.ts';

/** The room of one project, as its listeners see it. */
export interface ProjectRoom {
  readonly isFull: boolean;
  /** False where too many have come of late. */
  takes(now: Micros): boolean;
  opened(): void;
  closed(): void;
}

interface Book {
  open: number;
  limits: ProjectLimits | null;
  bucket: TokenBucket | null;
}

export class ProjectRooms {
  readonly #clock: Pick<WorkerClock, 'monotonic'>;
  readonly #books = new Map<ProjectRef, Book>();

  constructor(clock: Pick<WorkerClock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** How many projects are known. */
  get size(): number {
    return this.#books.size;
  }

  limit(project: ProjectRef, limits: ProjectLimits | null): void {
    const { open, limits: before, bucket: running } = this.#bookOf(project);
    const rate = limits?.acceptRate ?? null;
    // The same rate goes on where it is: a change of something else is no new burst.
    const isSame = rate?.perSecond === before?.acceptRate?.perSecond;
    const fresh = rate === null ? null : new TokenBucket(rate, this.#clock.monotonic());
    this.#keep(project, { open, limits, bucket: isSame ? running : fresh });
  }

  of(project: ProjectRef): ProjectRoom {
    const bookOf = () => this.#bookOf(project);
    return {
      get isFull() {
        const { open, limits } = bookOf();
        return limits !== null && open >= limits.maxConnections;
      },
      takes: (now) => bookOf().bucket?.take(now) ?? true,
      opened: () => this.#count(project, 1),
      closed: () => this.#count(project, -1),
    };
  }

  #count(project: ProjectRef, more: number): void {
    const book = this.#bookOf(project);
    book.open += more;
    this.#keep(project, book);
  }

  #bookOf(project: ProjectRef): Book {
    return this.#books.get(project) ?? { open: 0, limits: null, bucket: null };
  }

  #keep(project: ProjectRef, book: Book): void {
    if (book.open === 0 && book.limits === null) this.#books.delete(project);
    else this.#books.set(project, book);
  }
}
