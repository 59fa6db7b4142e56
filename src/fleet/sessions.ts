/** The sessions that this replica has, and which of their nodes were heard of. */
import { AppError, hasCode } from '../core/errors.ts';
import type { NodeHello, NodeSession, SessionLink } from './admission.ts';
import { type NodeConnectionLimits, NodeConnections } from './node-connections.ts';
import { Session, type SessionOptions } from './session.ts';
import type { SessionBeat } from './store.ts';

export interface SessionsOptions extends SessionOptions {
  readonly sessionLimits: SessionOptions['sessionLimits'] & {
    /** How often it is written who was heard of. */
    readonly beatsEveryMs: number;
  } & NodeConnectionLimits;
}

interface Waiting {
  readonly session: Session;
  readonly beat: SessionBeat;
  readonly stored: PromiseWithResolvers<boolean>;
}

export class Sessions implements AsyncDisposable {
  readonly #options: SessionsOptions;
  readonly #sessions = new Set<Session>();
  readonly #connections: NodeConnections<Session>;
  /** Heard of, and not written yet; by the number of the node. */
  #beats = new Map<number, Waiting>();
  /** Until they are written. */
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #takenRecords = 0;
  #lateRecords = 0;
  readonly #endTaken: () => void;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#connections = new NodeConnections(options.sessionLimits);
    this.#endTaken = options.rows.onTaken((ref, number) => this.#loseBefore(ref, number));
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Records that were acknowledged. */
  get takenRecords(): number {
    return this.#takenRecords;
  }

  /** What the nodes of the sessions hold that is not on record, as they last told. */
  get spoolRecords(): number {
    return [...this.#sessions].reduce((sum, one) => sum + one.spoolRecords, 0);
  }

  /** Records of what was closed on record before they came: they are left out. */
  get lateRecords(): number {
    return this.#lateRecords;
  }

  /** @throws not_found (it was removed), failed_precondition (it may have too many connections), unavailable */
  async begin(hello: NodeHello, link: SessionLink): Promise<NodeSession> {
    const { rows } = this.#options;
    this.#connections.assertMayHave(hello.connectionsMax);
    const taken = await rows.take(hello);
    if (taken === null) throw new AppError('not_found', `no node ${hello.nodeId}`);
    const session: Session = new Session(
      this.#options,
      { hello, link, taken },
      {
        beat: (beat) => this.#beat(session, beat),
        onTaken: (count) => {
          this.#takenRecords += count;
        },
        onOpen: (count) => this.#hold(session, count),
        onLate: () => {
          this.#lateRecords += 1;
        },
        onEnd: () => {
          this.#sessions.delete(session);
          this.#connections.delete(session);
        },
      },
    );
    this.#sessions.add(session);
    return session;
  }

  #hold(session: Session, count: number): void {
    const { crowdedRetryAfterMs } = this.#options.sessionLimits;
    const crowded = this.#connections.set(session, count);
    crowded?.holder.sendAway(crowded.reason, false, crowdedRetryAfterMs);
  }

  /** Ends the session of a node that was removed, where it is here. */
  remove(nodeId: string): void {
    for (const session of this.#sessions) {
      if (session.nodeId === nodeId) session.sendAway('it was removed', true);
    }
  }

  #beat(session: Session, beat: SessionBeat): Promise<boolean> {
    this.#beats.get(beat.ref)?.stored.resolve(true);
    const waiting = { session, beat, stored: Promise.withResolvers<boolean>() };
    this.#beats.set(beat.ref, waiting);
    const { beatsEveryMs } = this.#options.sessionLimits;
    this.#timer ??= setTimeout(() => this.#write(), beatsEveryMs).unref();
    return waiting.stored.promise;
  }

  #write(): void {
    this.#timer = null;
    const beats = [...this.#beats.values()];
    this.#beats = new Map();
    this.#writing = this.#writing.then(() => this.#writeAll(beats));
  }

  /** Of those whose session is not over: a node is not there because it was heard of before. */
  async #writeAll(all: readonly Waiting[]): Promise<void> {
    const { rows, logger } = this.#options;
    const isThere = ({ session }: Waiting) => this.#sessions.has(session);
    for (const one of all) if (!isThere(one)) one.stored.resolve(false);
    const waiting = all.filter(isThere);
    const beats = waiting.map(({ beat }) => beat).sort((a, b) => a.ref - b.ref);
    try {
      const written = await rows.beat(beats);
      for (const { beat, stored } of waiting) {
        this.#look(beat, written.get(beat.ref));
        stored.resolve(written.has(beat.ref));
      }
    } catch (err) {
      if (!hasCode(err, 'unavailable')) logger.error({ err }, 'could not write who is there');
      for (const { stored } of waiting) stored.resolve(false);
    }
  }

  /** A session of a lower number hears nothing any more of what it could find out by. */
  #loseBefore(ref: number, number: number): void {
    for (const session of this.#sessions) {
      if (session.ref === ref && session.number < number) {
        session.sendAway('another has the session', false);
      }
    }
  }

  /** `lostAfterMs` as it is now; undefined: the place is another's. */
  #look({ ref, session: number }: SessionBeat, lostAfterMs: number | undefined): void {
    if (lostAfterMs === undefined) {
      this.#loseBefore(ref, number + 1);
      return;
    }
    for (const session of this.#sessions) {
      if (session.ref === ref && session.number === number) session.lostAfterMs = lostAfterMs;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endTaken();
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const session of [...this.#sessions]) session.sendAway('this replica stops', false);
    for (const { stored } of this.#beats.values()) stored.resolve(false);
    await this.#writing;
  }
}
