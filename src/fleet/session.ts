/**
 * One session that this replica has. To the node it is what it is to its own: it has the node's place in the log, knows
 * its listeners and connections, and writes what it tells. Whoever takes the place next ends the session here.
 *
 * - The boot is the worker: all that one boot of an agent has open is on record as one worker's.
 * - Nothing that the node tells is taken before what is on record of it has been read.
 * - A boot is on record once all that an earlier one left open is closed: before, the next session closes it.
 */
import { AppError } from '../core/errors.ts';
import type { EventLog } from '../core/event-log.ts';
import { HeldNode, type HeldNodeOptions } from '../core/held-node.ts';
import type { HeldNodes } from '../core/held-nodes.ts';
import type { LogWriter } from '../core/log-writer.ts';
import type { DataPlane, Observed } from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import type { WorkerRecord } from '../core/record.ts';
import type { Micros } from '../core/time.ts';
import type { Beat, NodeHello, NodeSession, SessionLink } from './admission.ts';
import { patient } from './patient-plane.ts';
import type { SessionBeat, SessionRows, TakenSession } from './store.ts';

export interface SessionOptions
  extends Omit<HeldNodeOptions, 'nodeId' | 'node' | 'eventLog' | 'onFatal'> {
  readonly eventLog: EventLog;
  readonly nodes: HeldNodes;
  readonly rows: SessionRows;
  /** Tells the data plane what each project may have, now and whenever that changes. */
  readonly limitProjects: (dataPlane: DataPlane) => void;
  readonly sessionLimits: {
    /** How long who changes a listener waits for its node. */
    readonly wishWaitMs: number;
    /** When an agent that is sent away comes again. */
    readonly retryAfterMs: number;
    /** The same of one that has to go because too many connections are open. */
    readonly crowdedRetryAfterMs: number;
  };
}

interface SessionParts {
  readonly hello: NodeHello;
  readonly link: SessionLink;
  readonly taken: TakenSession;
}

interface SessionHooks {
  readonly beat: (beat: SessionBeat) => Promise<boolean>;
  readonly onTaken: (count: number) => void;
  /** How many connections its node has open now. */
  readonly onOpen: (count: number) => void;
  readonly onLate: () => void;
  readonly onEnd: () => void;
}

export class Session implements NodeSession {
  readonly nodeId: string;
  readonly ref: number;
  readonly number: number;
  readonly project: ProjectRef;
  lostAfterMs: number;
  /** As its node last told. */
  spoolRecords = 0;
  readonly #begunAt = performance.now();
  readonly #options: SessionOptions;
  readonly #parts: SessionParts;
  readonly #hooks: SessionHooks;
  readonly #node: HeldNode;
  readonly #writer: LogWriter;
  /** What is on record has been read. */
  readonly #isRead = Promise.withResolvers<void>();
  #hasEnded = false;

  constructor(options: SessionOptions, parts: SessionParts, hooks: SessionHooks) {
    const { hello, link, taken } = parts;
    this.#options = options;
    this.#parts = parts;
    this.#hooks = hooks;
    this.nodeId = hello.nodeId;
    this.ref = taken.ref;
    this.number = taken.number;
    this.project = taken.project;
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
    const { wishWaitMs: waitMs } = options.sessionLimits;
    const concerns = (project: ProjectRef) => taken.isShared || project === taken.project;
    this.#node.serve(patient(link.dataPlane, { waitMs, concerns }));
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
    this.#hooks.onOpen(this.#node.recorder.openConnections);
    if (this.#hasEnded) return;
    this.#isRead.resolve();
    limitProjects(this.#node.dataPlane);
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
    // Of frames that waited together an earlier one may have been its end.
    if (this.#hasEnded) throw this.#gone();
    const { recorder } = this.#node;
    const recorded = recorder.record(this.#parts.hello.bootId, records, isAwaited, first);
    this.#hooks.onOpen(recorder.openConnections);
    await recorded;
    this.#hooks.onTaken(records.length);
  }

  onObserved(observed: Observed): void {
    void this.#isRead.promise.then(
      () => this.#node.observer.observe(observed),
      () => undefined,
    );
  }

  async beat(beat: Beat): Promise<boolean> {
    if (this.#hasEnded) return false;
    this.spoolRecords = beat.spoolRecords;
    return await this.#hooks.beat({ ...beat, ref: this.ref, session: this.number });
  }

  sendAway(
    reason: string,
    final: boolean,
    retryAfterMs = this.#options.sessionLimits.retryAfterMs,
  ): void {
    this.#parts.link.end({ reason, retryAfterMs, final });
    this.end();
  }

  #fail(error: unknown): void {
    if (this.#hasEnded) return;
    const { logger } = this.#options;
    const node = this.nodeId;
    if (error instanceof AppError) {
      // Its place is another's, the database is away, or its node refuses what it is asked.
      logger.info({ node, code: error.code, reason: error.message }, 'a session is over');
    } else logger.error({ err: error, node }, 'a session failed');
    this.sendAway('the session is over', false);
  }

  /** What is not committed comes again. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const gone = this.#gone();
    this.#isRead.reject(gone);
    this.#options.nodes.remove(this.#node);
    this.#node.end(gone);
    this.#options.eventLog.writers.leave(this.#writer);
    this.#hooks.onEnd();
  }

  #gone(): AppError {
    return new AppError('unavailable', `node ${this.nodeId} is not connected`);
  }
}
