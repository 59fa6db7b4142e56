/**
 * The echo sockets of this host and what must outlive a session: workers, wishes, records that are not on record, the
 * time, and for how long connections may go on by themselves. Workers start with the first welcome, which tells the time.
 */
import type { Bound, DataPlaneEvents, Logger, Observed, WorkerStatus } from '../core/ports.ts';
import type { WorkerRecord } from '../core/record.ts';
import type { Micros } from '../core/time.ts';
import type { ControlFrame, FrameOf } from '../wire/frames.ts';
import { type DataPlaneLimits, WorkerDataPlane } from '../workers/worker-data-plane.ts';
import { AgentClock, type TimeTold } from './agent-clock.ts';
import { KnownConnections } from './known-connections.ts';
import { notUnderstood } from './not-understood.ts';
import { Spool, type SpoolLimits } from './spool.ts';
import { WishKeeper } from './wish-keeper.ts';

export interface EchoNodeOptions {
  readonly nodeId: string;
  readonly workers: number;
  readonly dataPlane: DataPlaneLimits;
  readonly isPrivilegedAllowed: boolean;
  readonly limits: SpoolLimits & { readonly holdMs: number; readonly leaseMarginMs: number };
  readonly logger: Logger;
  readonly monotonic: () => Micros;
  readonly onFatal: (error: unknown) => void;
}

/** How much it holds, as a heartbeat tells it. */
export interface NodeLoad {
  readonly openConnections: number;
  readonly spoolRecords: number;
  readonly clockOffsetMs: number;
  readonly workers: readonly WorkerStatus[];
}

type Command = FrameOf<ControlFrame, 'command'>;

export class EchoNode implements DataPlaneEvents, AsyncDisposable {
  readonly clock: AgentClock;
  readonly spool: Spool;
  readonly #options: EchoNodeOptions;
  readonly #connections = new KnownConnections();
  #plane: Promise<WorkerDataPlane> | null = null;
  #started: WorkerDataPlane | null = null;
  #keeper: WishKeeper | null = null;
  #lostAfterMs = 0;
  #leaseUntil: Micros = 0;
  /** When the last answer that came was asked for; null: none was. */
  #heardOfAt: Micros | null = null;

  constructor(options: EchoNodeOptions) {
    this.#options = options;
    this.clock = new AgentClock(options.monotonic);
    this.spool = new Spool(options.limits);
  }

  get load(): NodeLoad {
    return {
      openConnections: this.#connections.size,
      spoolRecords: this.spool.size,
      clockOffsetMs: this.clock.hostOffsetMs,
      workers: this.#started?.status() ?? [],
    };
  }

  /** A session has begun: resolves when the workers are up, with what is wished of them. */
  async begin(
    told: TimeTold & { readonly lostAfterMs: number },
    onObserved: (observed: Observed) => void,
  ): Promise<WishKeeper> {
    this.#lostAfterMs = told.lostAfterMs;
    this.clock.learn(told);
    this.#plane ??= this.#start();
    const plane = await this.#plane;
    const { holdMs } = this.#options.limits;
    const { isPrivilegedAllowed, onFatal } = this.#options;
    this.#keeper ??= new WishKeeper({ plane, holdMs, isPrivilegedAllowed, onFatal });
    this.#endOverdue(plane, told.askedAt);
    this.#extend(plane, told.askedAt);
    this.#keeper.begin(onObserved);
    this.spool.rewind();
    return this.#keeper;
  }

  /** Nobody hears of anything until the next one, which may have begun while this one waited for the workers. */
  endSession(onObserved: (observed: Observed) => void): void {
    this.#keeper?.end(onObserved);
  }

  async #start(): Promise<WorkerDataPlane> {
    const { nodeId, workers, dataPlane: limits, logger: log, onFatal } = this.#options;
    const options = { nodeId, workers, limits, log, onFatal, events: this };
    this.#started = await WorkerDataPlane.start(options);
    return this.#started;
  }

  /** A heartbeat that was sent then is answered. */
  renewed(told: TimeTold & { readonly lostAfterMs: number }): void {
    this.clock.learn(told);
    // A replica that says none has not another one than before.
    if (told.lostAfterMs > 0) this.#lostAfterMs = told.lostAfterMs;
    if (this.#started !== null) this.#extend(this.#started, told.askedAt);
  }

  /** Workers end their connections by themselves, so that it holds where this process is frozen, too. */
  #extend(plane: WorkerDataPlane, heardOfAt: Micros): void {
    this.#heardOfAt = heardOfAt;
    this.#leaseUntil = heardOfAt + this.#leaseMicros;
    plane.leases.extend({ clockOffset: this.clock.offset, until: this.#leaseUntil });
  }

  /** What is told to be the longest may have become shorter meanwhile: what is open was closed on record as lost then. */
  #endOverdue(plane: WorkerDataPlane, heardOfAt: Micros): void {
    const until = (this.#heardOfAt ?? heardOfAt) + this.#leaseMicros;
    if (until < heardOfAt) plane.leases.extend({ clockOffset: this.clock.offset, until });
  }

  get #leaseMicros(): Micros {
    return (this.#lostAfterMs - this.#options.limits.leaseMarginMs) * 1000;
  }

  /** For how long connections may still go on by themselves; none is to be lost where it is over. */
  get leaseMs(): number {
    return Math.max(0, (this.#leaseUntil - this.#options.monotonic()) / 1000);
  }

  /** What it was asked has begun. @throws AppError as the data plane does */
  async act({ command, open, release, closeConnection }: Command): Promise<Bound | null> {
    const keeper = this.#keeper;
    if (keeper === null) throw new TypeError('a command before the welcome');
    if (command === undefined) throw notUnderstood('this command');
    if (command === 'open' && open !== undefined) {
      if (open.binding === null) throw notUnderstood('this listener');
      return await keeper.open(open.binding);
    }
    if (command === 'release' && release !== undefined) await keeper.release(release.listenerId);
    if (command === 'closeConnection' && closeConnection !== undefined) {
      const { connectionId, isReset } = closeConnection;
      const workerId = this.#connections.workerOf(connectionId);
      if (workerId === null) return null;
      await this.#started?.closeConnection({ workerId, connectionId }, isReset ? 'rst' : 'fin');
    }
    return null;
  }

  async onRecords(
    workerId: string,
    records: readonly WorkerRecord[],
    isAwaited: boolean,
  ): Promise<void> {
    this.#connections.learn(workerId, records);
    await this.spool.push(records, isAwaited);
  }

  onWorkerLost(workerId: string): void {
    const ends = this.#connections.lose(workerId, this.clock.now());
    this.spool.push(ends, false).catch(this.#options.onFatal);
  }

  onObserved(observed: Observed): void {
    this.#keeper?.observed(observed);
  }

  /** Closes every listener as `shutdown`; resolves when all that was recorded is in the spool, or on record. */
  async [Symbol.asyncDispose](): Promise<void> {
    // One that did not start has cleaned up after itself, and whoever began it was told.
    const plane = await this.#plane?.catch(() => null);
    await plane?.[Symbol.asyncDispose]();
  }
}
