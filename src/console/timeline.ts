/**
 * The window of the log that the page holds, and what was true at any seq of it. It is a fold: what the lists told and
 * what the events tell may come in any order, for a connection only ever goes from open to half-closed to closed.
 *
 * Open at seq n are those that opened in the window at or before n and had not closed by then; those that close in the
 * window after n and opened before it, which their closed event tells whole; and those that are open still and opened
 * before the window, which the lists told.
 */
import type { ConnectionView, EventView, ListenerView } from '../http/resources.ts';
import { ListenerVersions } from './listener-versions.ts';
import { StandingConnections } from './standing-connections.ts';

export interface LogState {
  /** What was true once this event had happened. */
  readonly seq: number;
  /** Of the event at seq, or the newest before it; null where none is in the window. */
  readonly event: EventView | null;
  /** Those that are not closed. */
  readonly listeners: readonly ListenerView[];
  readonly connections: Pick<StandingConnections, 'of' | 'openCount'>;
}

/** A connection as each of its events in the window told it. */
interface Life {
  /** As the lists told it, or as it was before the window. */
  known: ConnectionView | null;
  opened: EventView | null;
  halfClosed: EventView | null;
  closed: EventView | null;
}

export interface TimelineLimits {
  readonly eventsMax: number;
  /** Connections that opened before the window. */
  readonly knownMax: number;
}

export const timelineLimits: TimelineLimits = { eventsMax: 50_000, knownMax: 10_000 };

export class Timeline {
  readonly #limits: TimelineLimits;
  readonly #lives = new Map<string, Life>();
  readonly #listeners = new ListenerVersions();
  /** At the head. */
  readonly #standing = new StandingConnections();
  #events: EventView[] = [];
  /** How many more have opened than closed up to each of the events, counted from some event of the past on. */
  #balances: number[] = [];
  /** Where the stream stands, which may be beyond the newest event. */
  #headSeq = 0;
  #knownCount = 0;
  /** Connections that opened before the window, and could not be kept. */
  #isCut = false;

  constructor(limits: TimelineLimits = timelineLimits) {
    this.#limits = limits;
  }

  get headSeq(): number {
    return this.#headSeq;
  }

  /** Of the oldest event of the window; one beyond the head where it has none. */
  get firstSeq(): number {
    return this.#events[0]?.seq ?? this.#headSeq + 1;
  }

  /** In seq order. */
  get events(): readonly EventView[] {
    return this.#events;
  }

  /** Whether all connections that are open are known here. */
  get isWhole(): boolean {
    return !this.#isCut;
  }

  /** What follows on the newest event; an event that is there already is left out. */
  append(events: readonly EventView[], seq: number): void {
    for (const event of events) {
      if (event.seq <= (this.#events.at(-1)?.seq ?? 0)) continue;
      this.#events.push(event);
      this.#balances.push((this.#balances.at(-1) ?? 0) + (steps[event.type] ?? 0));
      this.#note(event);
    }
    this.#headSeq = Math.max(this.#headSeq, seq);
    // A fiftieth more may gather, so that what goes is cut off in pieces, and none of them holds the page up.
    if (this.#events.length > this.#limits.eventsMax * 1.02) this.#forgetOldest();
  }

  /** What a list told. `isCut`: there are more than it told. */
  know(connections: readonly ConnectionView[], isCut = false): void {
    this.#isCut ||= isCut;
    for (const connection of connections) {
      if (connection.state === 'closed') continue;
      const life = this.#lives.get(connection.id);
      if (life === undefined) {
        this.#add(connection.id, { ...noLife, known: connection });
        this.#standing.put(connection);
      } else if (life.opened === null && life.known === null) this.#keep(life, connection);
    }
  }

  knowListeners(listeners: readonly ListenerView[]): void {
    this.#listeners.know(listeners);
  }

  /** How many events after seq are here. */
  countAfter(seq: number): number {
    return this.#events.length - this.#indexAfter(seq);
  }

  /** What was true at seq; null is now. */
  stateAt(at: number | null): LogState {
    const seq = at ?? this.#headSeq;
    const event = this.#events[this.#indexAfter(seq) - 1] ?? null;
    const listeners = this.#listeners.at(at);
    if (at === null) return { seq, event, listeners, connections: this.#standing };
    const connections = new StandingConnections();
    for (const connection of this.connectionsAt(seq)) connections.put(connection);
    return { seq, event, listeners, connections };
  }

  /** Those that were open at seq, and those that closed in the window up to it. */
  *connectionsAt(seq: number): Generator<ConnectionView, void> {
    const startedAt = this.#events[0]?.time ?? '';
    for (const life of this.#lives.values()) {
      const view = viewAt(life, seq, startedAt);
      if (view !== null) yield view;
    }
  }

  /** One connection at seq: null where it had not opened yet, undefined where nothing is known of it. */
  connectionAt(id: string, seq: number): ConnectionView | null | undefined {
    const life = this.#lives.get(id);
    return life && viewAt(life, seq, this.#events[0]?.time ?? '');
  }

  /** How many were open at each of `count` places of the window, evenly spread by seq. */
  openCounts(count: number): number[] {
    const { firstSeq, headSeq } = this;
    const places = Math.max(headSeq - firstSeq, 1) / Math.max(count - 1, 1);
    const now = this.#balances.at(-1) ?? 0;
    const counts = Array.from({ length: count }, (_, place) => {
      const index = this.#indexAfter(firstSeq + place * places + 1e-6);
      return this.#standing.openCount + (this.#balances[index - 1] ?? now) - now;
    });
    // Who opened before the window and is not known of yet makes the least of them 0.
    const missing = Math.max(0, -Math.min(0, ...counts));
    return counts.map((one) => one + missing);
  }

  /** The next event after seq, or with a negative step the one before it, in the window. */
  step(seq: number, by: 1 | -1): number | null {
    const index = this.#indexAfter(seq);
    if (by === 1) return this.#events[index]?.seq ?? null;
    const current = this.#events[index - 1];
    if (current === undefined) return null;
    return current.seq < seq ? current.seq : (this.#events[index - 2]?.seq ?? firstState(current));
  }

  #indexAfter(seq: number): number {
    let [from, to] = [0, this.#events.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#events[middle]?.seq ?? 0) <= seq) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #note(event: EventView): void {
    if (event.listener !== undefined) this.#listeners.note(event.seq, event.listener);
    const { connection } = event;
    if (connection === undefined) return;
    const life = this.#lives.get(connection.id) ?? this.#add(connection.id, { ...noLife });
    if (event.type === 'connection_opened') {
      life.opened = event;
      this.#keep(life, null);
    } else if (event.type === 'connection_half_closed') life.halfClosed = event;
    else if (event.type === 'connection_closed') life.closed = event;
    const view = viewAt(life, event.seq, '');
    if (view !== null) this.#standing.put(view);
  }

  #add(id: string, life: Life): Life {
    this.#lives.set(id, life);
    if (life.known !== null) this.#knownCount++;
    return life;
  }

  #keep(life: Life, known: ConnectionView | null): void {
    this.#knownCount += Number(known !== null) - Number(life.known !== null);
    life.known = known;
  }

  #forgetOldest(): void {
    const gone = this.#events.splice(0, this.#events.length - this.#limits.eventsMax);
    this.#balances.splice(0, gone.length);
    for (const event of gone) {
      if (event.listener !== undefined) this.#listeners.forget(event.seq, event.listener.id);
      if (event.connection !== undefined) this.#forget(event, event.connection);
    }
    if (this.#knownCount <= this.#limits.knownMax) return;
    for (const [id, life] of this.#lives) {
      if (life.known === null || life.closed !== null) continue;
      this.#lives.delete(id);
      this.#standing.forget(life.known);
      this.#isCut = true;
      if (--this.#knownCount <= this.#limits.knownMax) return;
    }
  }

  /** What its events told of a connection that is open still stays known. */
  #forget(event: EventView, connection: ConnectionView): void {
    const life = this.#lives.get(connection.id);
    if (life === undefined) return;
    if (event.type === 'connection_closed') {
      this.#lives.delete(connection.id);
      this.#keep(life, null);
      this.#standing.forget(connection);
      return;
    }
    this.#keep(life, connection);
    if (event === life.opened) life.opened = null;
    if (event === life.halfClosed) life.halfClosed = null;
  }
}

const noLife: Readonly<Life> = { known: null, opened: null, halfClosed: null, closed: null };
const steps: Readonly<Record<string, number>> = { connection_opened: 1, connection_closed: -1 };

/** Before the first event of the log nothing was there. */
function firstState({ seq }: EventView): number | null {
  return seq === 1 ? 0 : null;
}

/** The connection at seq; null where it had not opened yet. `startedAt` is the time at which the window begins. */
function viewAt(life: Life, seq: number, startedAt: string): ConnectionView | null {
  const { known, opened, halfClosed, closed } = life;
  if (opened !== null && opened.seq > seq) return null;
  if (closed !== null && closed.seq <= seq) return closed.connection ?? null;
  if (halfClosed !== null && halfClosed.seq <= seq) return halfClosed.connection ?? null;
  if (opened !== null) return opened.connection ?? null;
  if (halfClosed === null && known !== null) return known;
  return beforeIts(halfClosed ?? closed, startedAt);
}

/** What opened before the window is told by the first of its events inside, less what that event changed. */
function beforeIts(event: EventView | null, startedAt: string): ConnectionView | null {
  const connection = event?.connection;
  if (connection === undefined || event === null) return null;
  const end = { closedAt: null, closeInitiator: null, closeReason: null, error: null };
  // A FIN has an event of its own unless it ended the connection at once: one of before the window is out of sight.
  const { halfClosedAt } = connection;
  const isHalfClosed =
    event.type === 'connection_closed' && halfClosedAt !== null && halfClosedAt < startedAt;
  if (isHalfClosed) return { ...connection, ...end, state: 'half_closed' };
  return { ...connection, ...end, state: 'open', halfClosedAt: null };
}
