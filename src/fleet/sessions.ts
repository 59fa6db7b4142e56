/**
 * The sessions that this replica has. To the node of one it is what it is to its own: it has the node's place in the log,
 * knows its listeners and connections, and writes what it tells. Whoever takes the place next ends the session here.
 *
 * - The boot is the worker: all that one boot of an agent has open is on record as one worker's.
 * - Nothing that the node tells is taken before what is on record of it has been read.
 * - A boot is on record once all that an earlier one left open is closed: before, the next session closes it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AppError, hasCode } from '../core/errors.ts';
import type { EventLog } from '../core/event-log.ts';
import { HeldNode, type HeldNodeOptions } from '../core/held-node.ts';
import type { HeldNodes } from '../core/held-nodes.ts';
import type { LogWriter } from '../core/log-writer.ts';
import type { DataPlane, Observed } from '../core/ports.ts';
import type { WorkerRecord } from '../core/record.ts';
import type { Micros } from '../core/time.ts';
import type { Beat, NodeHello, NodeSession, SessionLink } from './admission.ts';
import type { SessionBeat, SessionRows, TakenSession } from './store.ts';

export interface SessionsOptions
  extends Omit<HeldNodeOptions, 'nodeId' | 'node' | 'eventLog' | 'onFatal'> {
  readonly eventLog: EventLog;
  readonly nodes: HeldNodes;
  readonly rows: SessionRows;
  /** Tells the data plane what each project may have, now and whenever that changes. */
  readonly limitProjects: (dataPlane: DataPlane) => void;
  readonly sessionLimits: SessionLimits;
}

export interface SessionLimits {
  /** How often it is written who was heard of. */
  readonly beatsEveryMs: number;
  /** How long who changes a listener waits for its node. */
  readonly wishWaitMs: number;
  /** When an agent that is sent away comes again. */
  readonly retryAfterMs: number;
}

interface Waiting {
  readonly beat: SessionBeat;
  readonly stored: PromiseWithResolvers<boolean>;
}

export class Sessions implements AsyncDisposable {
  readonly #options: SessionsOptions;
  readonly #sessions = new Set<Session>();
  /** Heard of, and not written yet; by the number of the node. */
  #beats = new Map<number, Waiting>();
  /** Until they are written. */
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #lateRecords = 0;
  readonly #endTaken: () => void;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#endTaken = options.rows.onTaken((ref, number) => this.#loseBefore(ref, number));
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Records of what was closed on record before they came: they are left out. */
  get lateRecords(): number {
    return this.#lateRecords;
  }

  /** @throws not_found (it was removed), unavailable */
  async begin(hello: NodeHello, link: SessionLink): Promise<NodeSession> {
    const { rows } = this.#options;
    const taken = await rows.take(hello);
    if (taken === null) throw new AppError('not_found', `no node ${hello.nodeId}`);
    const session = new Session(
      this.#options,
      { hello, link, taken },
      {
        beat: (beat) => this.#beat(beat),
        onLate: () => {
          this.#lateRecords += 1;
        },
        onEnd: () => this.#sessions.delete(session),
      },
    );
    this.#sessions.add(session);
    return session;
  }

  /** Ends the session of a node that was removed, where it is here. */
  remove(nodeId: string): void {
    for (const session of this.#sessions) {
      if (session.nodeId === nodeId) session.sendAway('it was removed', true);
    }
  }

  #beat(beat: SessionBeat): Promise<boolean> {
    this.#beats.get(beat.ref)?.stored.resolve(true);
    const waiting = { beat, stored: Promise.withResolvers<boolean>() };
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

  async #writeAll(waiting: readonly Waiting[]): Promise<void> {
    const { rows, logger } = this.#options;
    const beats = waiting.map(({ beat }) => beat).sort((a, b) => a.ref - b.ref);
    try {
      const written = await rows.beat(beats);
      for (const { beat, stored } of waiting) {
        stored.resolve(written.has(beat.ref));
        // The place is another's.
        if (!written.has(beat.ref)) this.#loseBefore(beat.ref, beat.session + 1);
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endTaken();
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const session of [...this.#sessions]) session.sendAway('this replica stops', false);
    for (const { stored } of this.#beats.values()) stored.resolve(false);
    await this.#writing;
  }
}

interface SessionParts {
  readonly hello: NodeHello;
  readonly link: SessionLink;
  readonly taken: TakenSession;
}

interface SessionHooks {
  readonly beat: (beat: SessionBeat) => Promise<boolean>;
  readonly onLate: () => void;
  readonly onEnd: () => void;
}

class Session implements NodeSession {
  readonly nodeId: string;
  readonly ref: number;
  readonly number: number;
  readonly lostAfterMs: number;
  readonly #begunAt = performance.now();
  readonly #options: SessionsOptions;
  readonly #parts: SessionParts;
  readonly #hooks: SessionHooks;
  readonly #node: HeldNode;
  readonly #writer: LogWriter;
  /** What is on record has been read. */
  readonly #isRead = Promise.withResolvers<void>();
  #hasEnded = false;

  constructor(options: SessionsOptions, parts: SessionParts, hooks: SessionHooks) {
    const { hello, link, taken } = parts;
    this.#options = options;
    this.#parts = parts;
    this.#hooks = hooks;
    this.nodeId = hello.nodeId;
    this.ref = taken.ref;
    this.number = taken.number;
    this.lostAfterMs = taken.lostAfterMs;
    this.#isRead.promise.catch(() => undefined);
    const onFatal = (error: unknown) => this.#fail(error);
    this.#writer = options.eventLog.writer(taken.place, onFatal);
    const portRules = {
      ...options.portRules,
      reservedPorts: [],
      drawnFrom: hello.portRange,
      listenHost: hello.listenHost,
    };
    const { place: node, nodeName } = taken;
    const own = { nodeId: this.nodeId, nodeName, node, eventLog: this.#writer, portRules };
    const onStray = (fields: object, message: string) => {
      hooks.onLate();
      options.logger.debug({ ...fields, node: this.nodeId }, message);
    };
    this.#node = new HeldNode({ ...options, ...own, isRemote: true, onFatal, onStray });
    this.#node.serve(patient(link.dataPlane, options.sessionLimits.wishWaitMs));
    this.#node.recorder.through = taken.through;
  }

  /** The database's clock, as it was read and went on since. */
  get now(): Micros {
    const passedMs = performance.now() - this.#begunAt;
    return this.#parts.taken.now + Math.round(passedMs * 1000);
  }

  start(): void {
    this.#start().catch((error: unknown) => this.#fail(error));
  }

  async #start(): Promise<void> {
    const { hello, link, taken } = this.#parts;
    const { rows, nodes, limitProjects } = this.#options;
    const { recovery } = this.#node;
    const entries = await recovery.readListeners();
    if (taken.bootId === hello.bootId) await recovery.resume(hello.bootId);
    else {
      await recovery.closeInterrupted();
      await rows.settleBoot(this, hello.bootId);
    }
    if (this.#hasEnded) return;
    this.#isRead.resolve();
    limitProjects(link.dataPlane);
    nodes.add(this.#node);
    await recovery.wishFor(entries);
    if (!this.#hasEnded) link.wishEnd();
  }

  async onRecords(
    first: number,
    records: readonly WorkerRecord[],
    isAwaited: boolean,
  ): Promise<void> {
    await this.#isRead.promise;
    await this.#node.recorder.record(this.#parts.hello.bootId, records, isAwaited, first);
  }

  onObserved(observed: Observed): void {
    void this.#isRead.promise.then(
      () => this.#node.observer.observe(observed),
      () => undefined,
    );
  }

  async beat(beat: Beat): Promise<boolean> {
    if (this.#hasEnded) return false;
    return await this.#hooks.beat({ ...beat, ref: this.ref, session: this.number });
  }

  sendAway(reason: string, final: boolean): void {
    const { retryAfterMs } = this.#options.sessionLimits;
    this.#parts.link.end({ reason, retryAfterMs, final });
    this.end();
  }

  #fail(error: unknown): void {
    if (this.#hasEnded) return;
    const { logger } = this.#options;
    const isOther = hasCode(error, 'failed_precondition') || hasCode(error, 'unavailable');
    if (isOther) logger.info({ err: error, node: this.nodeId }, 'a session is over');
    else logger.error({ err: error, node: this.nodeId }, 'a session failed');
    this.sendAway('the session is over', false);
  }

  /** What is not committed comes again. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const gone = new AppError('unavailable', `node ${this.nodeId} is not connected`);
    this.#isRead.reject(gone);
    this.#options.nodes.remove(this.#node);
    this.#node.end(gone);
    this.#writer.queue.leave();
    this.#hooks.onEnd();
  }
}

/** What is on record is done, sooner or later: who waits for its node does so only so long. */
function patient(dataPlane: DataPlane, waitMs: number): DataPlane {
  return {
    open: (binding) => dataPlane.open(binding),
    release: (listenerId) => dataPlane.release(listenerId),
    async wish(wish) {
      const over = new AbortController();
      const { signal } = over;
      const wished = dataPlane.wish(wish).catch((error: unknown) => {
        if (!hasCode(error, 'unavailable')) throw error;
      });
      const late = delay(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
      await Promise.race([wished, late]).finally(() => over.abort());
    },
    endWish: (end) => dataPlane.endWish(end),
    limitProject: (project, limits) => dataPlane.limitProject(project, limits),
    closeConnection: (place, mode) => dataPlane.closeConnection(place, mode),
    status: () => dataPlane.status(),
  };
}
