/** What callers wait for: each wait is a stream that answers once, and ends as streams do. */
import type { Caller } from './caller.ts';
import type { Connection } from './connection.ts';
import type { CountedQuery } from './connection-filter.ts';
import { ConnectionTally } from './connection-tally.ts';
import { assertSameLog } from './cursor-errors.ts';
import { AppError } from './errors.ts';
import type { Event } from './event.ts';
import type { EventStreams, OpenStream } from './event-streams.ts';
import { EventTally } from './event-tally.ts';
import {
  type ConnectionAsk,
  chooseEvents,
  chooseListeners,
  type EventAsk,
  nobodysId,
} from './listener-choice.ts';
import { ListenerEnds } from './listener-ends.ts';
import type { ListenerNames, Named } from './listener-names.ts';
import type { ProjectRef } from './project.ts';
import {
  type Near,
  type Tally,
  toldCount,
  type WaitOutcome,
  type WaitRule,
  wait,
  waitCountMax,
} from './wait.ts';
import { whileThere } from './while-there.ts';

export interface WaitAsk extends WaitRule {
  /** Only what came after it counts; 0: all. */
  readonly afterSeq: number;
  /** Of which log that is; null: of any. */
  readonly log: string | null;
  /** So many are shown. */
  readonly pageSize: number;
}

export type ConnectionWaitAsk = ConnectionAsk &
  Pick<CountedQuery, 'minBytesIn' | 'minBytesOut'> & { readonly wait: WaitAsk };
export type EventWaitAsk = EventAsk & { readonly wait: WaitAsk };

/** What was waited for. */
export interface Waited<Item> {
  /** One above waitCountMax stands for any number. */
  readonly count: number;
  /** Where the log stood, and which it is: the next wait's afterSeq and log. */
  readonly seq: number;
  readonly log: string;
  /** The oldest of them. */
  readonly items: readonly Item[];
}

/** What was seen instead. */
interface SeenOf<Kind extends string, Item> {
  readonly kind: Kind;
  readonly items: readonly Item[];
  readonly near: readonly Near<Item>[];
}
export type Seen = SeenOf<'connections', Named<Connection>> | SeenOf<'events', Named<Event>>;

export class NotMet extends AppError {
  readonly seen: Seen;

  constructor({ why, seq }: WaitOutcome, { min, max }: WaitRule, count: number, seen: Seen) {
    const found = count > waitCountMax ? `more than ${waitCountMax}` : count;
    const wanted = max === null ? `${min} or more` : min === max ? min : `${min} to ${max}`;
    const details = { why, count, min, ...(max !== null && { max }), seq };
    const kind = count === 1 ? seen.kind.slice(0, -1) : seen.kind;
    super('not_met', `${why}: ${found} ${kind} matched, not ${wanted}`, details);
    this.seen = seen;
  }
}

export interface WaitLimits {
  /** Events of one page that a wait reads. */
  readonly pageEventsMax: number;
  readonly pageBytesMax: number;
  /** Listeners that a wait may choose by their labels. */
  readonly labelledListenersMax: number;
  /** Connections that a wait looks through. */
  readonly waitRowsMax: number;
}

interface WaitsOptions {
  readonly streams: EventStreams;
  readonly names: (project: ProjectRef) => ListenerNames;
  readonly limits: WaitLimits;
}

/** A tally that shows what it has counted. */
interface Shown<Item> extends Tally {
  items(count: number): Promise<readonly Item[]>;
  near(): Promise<readonly Near<Item>[]>;
}

export class Waits {
  readonly #options: WaitsOptions;

  constructor(options: WaitsOptions) {
    this.#options = options;
  }

  /** See ControlPlane.waitConnections. */
  async connections(caller: Caller, ask: ConnectionWaitAsk): Promise<Waited<Named<Connection>>> {
    const { labelledListenersMax, waitRowsMax: rowsMax } = this.#options.limits;
    const { listeners: _l, labels: _s, wait: asked, ...rest } = ask;
    return await this.#during(caller, asked, async (stream) => {
      const { store, log } = stream;
      const chosen = await chooseListeners(store.listeners, ask, labelledListenersMax);
      const ends = await ListenerEnds.of(chosen, store.listeners);
      const listenerIds = chosen?.length === 0 ? [nobodysId] : chosen;
      const { afterSeq } = asked;
      const query = { ...rest, listenerIds };
      const tally = new ConnectionTally({ query, afterSeq, store, ends, rowsMax });
      const from = afterSeq === 0 ? log.headSeq : afterSeq;
      return await this.#wait(stream, tally, { asked, from }, (seen) => ({
        ...seen,
        kind: 'connections',
      }));
    });
  }

  /** See ControlPlane.waitEvents. */
  async events(caller: Caller, ask: EventWaitAsk): Promise<Waited<Named<Event>>> {
    const { labelledListenersMax, pageBytesMax: bytesMax } = this.#options.limits;
    const { wait: asked, ...rest } = ask;
    return await this.#during(caller, asked, async (stream) => {
      const { store } = stream;
      const { filter } = await chooseEvents(store.listeners, rest, labelledListenersMax);
      const { listenerIds } = filter;
      const ends = await ListenerEnds.of(
        listenerIds.length === 0 ? null : listenerIds,
        store.listeners,
      );
      const { afterSeq, pageSize: itemsMax } = asked;
      const tally = new EventTally({ filter, afterSeq, store, ends, itemsMax, bytesMax });
      return await this.#wait(stream, tally, { asked, from: afterSeq }, (seen) => ({
        ...seen,
        kind: 'events',
      }));
    });
  }

  /** What it still reads when its caller goes away comes to nothing. */
  async #during<Result>(
    caller: Caller,
    { log }: WaitAsk,
    work: (stream: OpenStream) => Promise<Result>,
  ): Promise<Result> {
    using stream = await this.#options.streams.open(caller);
    await assertSameLog(stream.log, log);
    return await whileThere(stream, work(stream));
  }

  async #wait<Item extends { readonly listenerId: string }>(
    { log, store, signal, onSeq, project }: OpenStream,
    tally: Shown<Item>,
    { asked, from }: { readonly asked: WaitAsk; readonly from: number },
    toSeen: (seen: Omit<SeenOf<string, Named<Item>>, 'kind'>) => Seen,
  ): Promise<Waited<Named<Item>>> {
    const { pageEventsMax } = this.#options.limits;
    const names = this.#options.names(project);
    const outcome = await wait({
      ...{ tally, rule: asked, log, store, from },
      ...{ pageEventsMax, signal, onSeq },
    });
    const count = toldCount(tally);
    const items = await names.items(await tally.items(asked.pageSize));
    if (outcome.why === 'met') return { count, seq: outcome.seq, log: log.id, items };
    const near = await tally.near();
    const named = await names.items(near.map(({ item }) => item));
    const differing = named.map((item, index) => ({ item, differs: near[index]?.differs ?? [] }));
    throw new NotMet(outcome, asked, count, toSeen({ items, near: differing }));
  }
}
