/** Where in the log the page stands: at its head, held still there, or at a seq of the past. */
import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { EventView } from '../http/resources.ts';

export type Moment =
  | { readonly kind: 'live' }
  /** The picture is held still; the record goes on. */
  | { readonly kind: 'paused'; readonly seq: number }
  | { readonly kind: 'past'; readonly seq: number };

/** How fast the log is played: as a multiple of its own time, or an event for each drawing. */
export type Speed = 1 | 10 | 'all';

/** What the playhead moves along. */
export interface Track {
  readonly headSeq: number;
  readonly firstSeq: number;
  readonly events: readonly EventView[];
  step(seq: number, by: 1 | -1): number | null;
}

export interface PlayheadOptions {
  readonly track: () => Track;
  /** Of the log, which may be far beyond what the playhead moves along. */
  readonly headSeq: () => number;
  /** The oldest that is kept, where retention has taken what is to be read for the place; else null. */
  readonly oldestSeq: () => number | null;
  /** Calls back before a next frame, with a time in milliseconds; gives what stops it. */
  readonly onFrame: (callback: (nowMs: number) => void) => () => void;
  readonly start: Moment;
}

/** Nobody waits at a log in which nothing happened for an hour: a gap is played in so much time at most. */
const gapMsMax = 1500;

export class Playhead {
  readonly #options: PlayheadOptions;
  readonly #moment;
  readonly #speed = signal<Speed | null>(null);
  readonly moment: ReadonlySignal<Moment>;
  /** Null at the head. */
  readonly seq: ReadonlySignal<number | null>;
  /** Null where nothing is played. */
  readonly speed: ReadonlySignal<Speed | null> = this.#speed;
  #stop: () => void = () => undefined;

  constructor(options: PlayheadOptions) {
    this.#options = options;
    this.#moment = signal(options.start);
    this.moment = this.#moment;
    this.seq = computed(() => ('seq' in this.#moment.value ? this.#moment.value.seq : null));
  }

  goLive(): void {
    this.stop();
    this.#moment.value = { kind: 'live' };
  }

  pause(): void {
    this.stop();
    if (this.#moment.value.kind !== 'live') return;
    this.#moment.value = { kind: 'paused', seq: this.#options.track().headSeq };
  }

  togglePause(): void {
    if (this.#moment.value.kind === 'live') this.pause();
    else this.goLive();
  }

  goTo(seq: number): void {
    this.stop();
    this.#set(seq);
  }

  /** To where a URL says: a pause is in none, and what the log holds of it may not be known yet. */
  returnTo(moment: Moment): void {
    const { kind } = this.#moment.value;
    const isThere = moment.kind === 'past' ? moment.seq === this.seq.value : kind !== 'past';
    if (isThere) return;
    this.stop();
    this.#moment.value = moment;
  }

  step(by: 1 | -1): void {
    this.stop();
    const track = this.#options.track();
    const place = this.#place;
    const next = isHeld(track, place) ? track.step(place, by) : null;
    if (next === null && track.events.length === 0) return;
    // What lies beyond a window of the past is read once the page stands there.
    const to = next ?? place + by;
    if (to >= 0 && to <= this.#options.headSeq()) this.#set(to);
  }

  play(speed: Speed): void {
    this.stop();
    const track = this.#options.track();
    // At the end there is nothing left to play: it begins again.
    if (this.#place >= this.#options.headSeq()) this.#set(track.firstSeq - 1);
    this.#speed.value = speed;
    this.#advance(speed);
  }

  stop(): void {
    this.#stop();
    this.#stop = () => undefined;
    this.#speed.value = null;
  }

  get #place(): number {
    return this.seq.value ?? this.#options.track().headSeq;
  }

  #set(seq: number): void {
    const headSeq = this.#options.headSeq();
    this.#moment.value = { kind: 'past', seq: Math.max(0, Math.min(seq, headSeq)) };
  }

  /** What retention has taken is waited for in vain. */
  #passExpired(): void {
    const oldest = this.#options.oldestSeq() ?? 0;
    if (this.#place < oldest - 1) this.#set(oldest - 1);
  }

  #advance(speed: Speed): void {
    let dueAt = 0;
    const turn = (nowMs: number) => {
      const track = this.#options.track();
      if (!isHeld(track, this.#place)) {
        // It is being read: what is at hand instead lies elsewhere in the log.
        this.#passExpired();
        this.#stop = this.#options.onFrame(turn);
        return;
      }
      let next = track.step(this.#place, 1);
      for (let left = perFrameMax; next !== null && dueAt <= nowMs && left > 0; left--) {
        const gapMs = speed === 'all' ? frameMs : gapOf(track, next) / speed;
        dueAt = Math.max(dueAt, nowMs - frameMs) + Math.min(gapMs, gapMsMax);
        this.#set(next);
        next = track.step(next, 1);
      }
      if (next === null && this.#place >= this.#options.headSeq()) {
        this.goLive();
        return;
      }
      if (next === null && dueAt <= nowMs) this.#set(this.#place + 1);
      this.#stop = this.#options.onFrame(turn);
    };
    this.#stop = this.#options.onFrame(turn);
  }
}

const frameMs = 16;
const perFrameMax = 1000;

/** A log in which nothing is left has no other windows. */
function isHeld({ events, firstSeq, headSeq }: Track, seq: number): boolean {
  return events.length === 0 || (seq >= firstSeq - 1 && seq <= headSeq);
}

/** From this event to the next one, in milliseconds of the server's time. */
function gapOf({ events, firstSeq }: Track, seq: number): number {
  // The window has no gaps of seq, so a place in it is a difference.
  const at = seq - firstSeq;
  const [event, next] = [events[at], events[at + 1]];
  if (event === undefined || next === undefined) return 0;
  return Math.max(0, Date.parse(next.time) - Date.parse(event.time));
}
