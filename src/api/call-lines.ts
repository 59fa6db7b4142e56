/**
 * One project's many calls at once hold up another's few, in the control plane, which is one thread, as in the database.
 * So where several projects are at it, each has few of its calls under way, and its further ones wait in its own line. A project
 * that is alone has no such line.
 */
import type { Caller } from '../core/caller.ts';
import { AppError } from '../core/errors.ts';
import { Lines } from '../core/lines.ts';
import type { Neighbours } from '../core/neighbours.ts';

export interface CallLineLimits {
  /** Under way of one project, while another one is at it. */
  readonly callsPerProjectMax: number;
  /** A call that takes longer waits for something: it makes room for the next. */
  readonly callPlaceMs: number;
  /** For a place. */
  readonly callWaitMs: number;
}

const noPlace: Disposable = { [Symbol.dispose]: () => undefined };

export class CallLines {
  readonly #limits: CallLineLimits;
  readonly #lines: Lines<string>;
  readonly #neighbours: Pick<Neighbours<unknown>, 'areSeveral'>;

  constructor(limits: CallLineLimits, neighbours: Pick<Neighbours<unknown>, 'areSeveral'>) {
    this.#limits = limits;
    this.#neighbours = neighbours;
    const { callsPerProjectMax: atOnceMax, callWaitMs: waitMs } = limits;
    this.#lines = new Lines({ atOnceMax: () => atOnceMax, waitMs }, () => tooMany(atOnceMax));
  }

  /**
   * A place, until it is disposed of or has been held for too long.
   * @throws resource_exhausted where it is waited for too long; the reason of the caller's signal
   */
  async take({ project, signal }: Pick<Caller, 'project' | 'signal'>): Promise<Disposable> {
    if (!this.#neighbours.areSeveral) return noPlace;
    const place = await this.#lines.take(project, signal);
    const held = new DisposableStack();
    held.use(place);
    const timer = setTimeout(() => held.dispose(), this.#limits.callPlaceMs).unref();
    held.defer(() => clearTimeout(timer));
    return held;
  }
}

function tooMany(limitValue: number): AppError {
  const message = `at most ${limitValue} calls of a project at once while others call: ask again, or for less at once`;
  const limit = 'callsPerProjectMax';
  return new AppError('resource_exhausted', message, { limit, limitValue, retryAfterMs: 1000 });
}
