/** The log as an iterator: it goes on over cuts and restarts, from the seq where it stood, in the same log. */
import { errorOf, UnreachableError } from './errors.ts';
import { isCrowded, isPassing, Pauses } from './repeat.ts';
import type { Rest } from './rest.ts';
import type { Event, EventsQuery, Problem } from './types.ts';

/** A line of the stream; one that is not known is passed over. */
interface Line {
  readonly seq?: number;
  /** Of the first line: which log the seqs are of. */
  readonly log?: string;
  readonly event?: Event;
  readonly synced?: object;
  readonly ended?: object;
  readonly error?: Problem;
}

export interface FollowOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once, when all that had happened before has been given. */
  readonly onSynced?: (() => void) | undefined;
}

/** How long what ends at the head goes on after a loss without a word, by default. */
const goneMsDefault = 30_000;

/**
 * Ends where the query says so (`endAtHead`, `maxEvents`, `timeoutMs`), or when the loop over it is left.
 * @throws KodamaError what does not pass by itself, such as cursor_expired; what passes by itself, such as an
 *   UnreachableError, where its time is over before it has begun, and with `endAtHead` where it can not begin, and once
 *   nothing has come for `goneMs` after a loss; and what the signal was aborted with
 */
export async function* follow(
  rest: Rest,
  query: EventsQuery,
  { signal, onSynced }: FollowOptions,
  goneMs = goneMsDefault,
): AsyncGenerator<Event, void> {
  const place = new Place(query);
  const pauses = new Pauses();
  let failure: unknown = null;
  let lostAt: number | null = null;
  do {
    try {
      let isAnswered = false;
      for await (const line of lines(rest, place.query(), signal)) {
        isAnswered = true;
        pauses.reset();
        if (line.error !== undefined) throw errorOf(line.error);
        lostAt = null;
        place.pass(line);
        if (line.synced !== undefined && !place.isSynced) {
          place.isSynced = true;
          onSynced?.();
        }
        if (line.event !== undefined) yield line.event;
        if (line.ended !== undefined) return;
      }
      if (query.endAtHead === true && place.isSynced) return;
      // kodama begins each stream with a line: such an answer is of somebody between.
      if (!isAnswered) throw new UnreachableError(`${rest.url} answered a stream without a line`);
    } catch (error) {
      if (!isPassing(error) && !(place.isBegun && isCrowded(error))) throw error;
      const now = performance.now();
      lostAt ??= now;
      // Nobody waits for ever for what is to end.
      if (query.endAtHead === true && (!place.isBegun || now - lostAt > goneMs)) throw error;
      failure = error;
    }
    await pauses.next(signal, place.leftMs);
  } while (place.leftMs > 0);
  // That nothing happened is not known.
  if (!place.isBegun && failure !== null) throw failure;
}

/** What is still asked for, as the stream goes on. */
class Place {
  readonly #query: EventsQuery;
  readonly #endsAt: number;
  #seq: number | null = null;
  #log: string | undefined;
  #eventsLeft: number | undefined;
  isSynced = false;

  constructor(query: EventsQuery) {
    this.#query = query;
    this.#eventsLeft = query.maxEvents;
    this.#endsAt = performance.now() + (query.timeoutMs ?? Number.POSITIVE_INFINITY);
  }

  get isBegun(): boolean {
    return this.#seq !== null;
  }

  /** None where it has all the events that it asked for. */
  get leftMs(): number {
    return this.#eventsLeft === 0 ? 0 : this.#endsAt - performance.now();
  }

  pass({ seq, log, event }: Line): void {
    if (seq !== undefined) this.#seq = seq;
    if (log !== undefined) this.#log = log;
    if (event !== undefined && this.#eventsLeft !== undefined) this.#eventsLeft -= 1;
  }

  query(): EventsQuery {
    const query: EventsQuery = { ...this.#query };
    if (this.#eventsLeft !== undefined) query.maxEvents = this.#eventsLeft;
    if (query.timeoutMs !== undefined) {
      // The API takes no 0, so that is sent only where it was given.
      query.timeoutMs = Math.max(Math.min(query.timeoutMs, 1), Math.ceil(this.leftMs));
    }
    if (this.#seq === null) return query;
    const { since: _, last: __, fromNow: ___, ...rest } = query;
    // Of a log that is another one by now, such as after a restore, the same seq is another event's: it is refused.
    return { ...rest, afterSeq: this.#seq, ...(this.#log !== undefined && { log: this.#log }) };
  }
}

async function* lines(
  rest: Rest,
  query: object,
  signal: AbortSignal | undefined,
): AsyncGenerator<Line, void> {
  const response = await rest.call('GET', '/v1/events', {
    ...{ query, accept: 'application/x-ndjson', signal },
  });
  const decoder = new TextDecoder();
  let text = '';
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause) => {
        signal?.throwIfAborted();
        throw new UnreachableError(`the stream of ${rest.url} was cut`, { cause });
      });
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const whole = text.split('\n');
      text = whole.pop() ?? '';
      for (const line of whole) if (line !== '') yield rest.parsed<Line>(response, line);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
