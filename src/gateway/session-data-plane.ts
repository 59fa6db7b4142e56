/**
 * A node's echo sockets, over its stream: what is asked goes out as numbered frames, and resolves with the reply. It
 * ends with the session: nothing of it waits longer than that.
 */
import { AppError } from '../core/errors.ts';
import type {
  Binding,
  Bound,
  DataPlane,
  ListenerEnd,
  Observed,
  ProjectLimits,
  Wish,
  WorkerStatus,
} from '../core/ports.ts';
import type { ProjectRef } from '../core/project.ts';
import { type ControlFrame, errorOf, type FrameOf, type NodeFrame } from '../wire/frames.ts';
import { WireError } from '../wire/wire-error.ts';

export interface SessionDataPlaneOptions {
  /** Its connections are known as those of one worker, of this id. */
  readonly bootId: string;
  readonly limits: { readonly commandTimeoutMs: number; readonly closeTimeoutMs: number };
  readonly send: (frame: ControlFrame) => void;
}

/** A listener that was named in this session. */
interface Named {
  /** Of the last wish; 0 of what is only held. */
  generation: number;
  /** The newest one of which it was told how it is. */
  observed: number;
  /** The answer to the last wish. */
  wished: Promise<unknown>;
  /** Its `gone` is still to come. */
  isEnded: boolean;
}

const nothingWished = (): Named => ({
  ...{ generation: 0, observed: 0, wished: Promise.resolve(), isEnded: false },
});

type Command = Omit<FrameOf<ControlFrame, 'command'>, 'kind' | 'number'>;

const late = () => new AppError('unavailable', 'the node did not answer', { retryAfterMs: 1000 });
const over = () =>
  new AppError('unavailable', 'the session of the node is over', { retryAfterMs: 1000 });

export class SessionDataPlane implements DataPlane {
  readonly #options: SessionDataPlaneOptions;
  readonly #named = new Map<string, Named>();
  readonly #waiting = new Map<number, PromiseWithResolvers<Bound | null>>();
  #last = 0;
  #workers: readonly WorkerStatus[] = [];
  #isOver = false;

  constructor(options: SessionDataPlaneOptions) {
    this.#options = options;
  }

  async open(binding: Binding): Promise<Bound> {
    const { listenerId } = binding;
    if (this.#named.has(listenerId)) throw new TypeError(`listener ${listenerId} is open already`);
    const named = nothingWished();
    this.#named.set(listenerId, named);
    try {
      const { commandTimeoutMs } = this.#options.limits;
      const bound = await this.#command({ command: 'open', open: { binding } }, commandTimeoutMs);
      if (bound === null) throw late();
      return bound;
    } catch (error) {
      if (this.#named.get(listenerId) === named) this.#named.delete(listenerId);
      // Where no answer came, it may have been bound.
      if (!this.#isOver) this.#sendCommand({ command: 'release', release: { listenerId } });
      throw error;
    }
  }

  async release(listenerId: string): Promise<void> {
    const { commandTimeoutMs } = this.#options.limits;
    await this.#command({ command: 'release', release: { listenerId } }, commandTimeoutMs);
    this.#named.delete(listenerId);
  }

  async wish({ generation, binding }: Wish): Promise<void> {
    if (this.#isOver) throw over();
    const { listenerId } = binding;
    const named = this.#name(listenerId);
    if (generation > named.generation) {
      named.generation = generation;
      const number = this.#nextNumber();
      const answered = this.#answer(number, null);
      this.#options.send({ kind: 'wish', number, listenerId, generation, binding });
      named.wished = answered;
    }
    await named.wished;
  }

  endWish(end: ListenerEnd): void {
    if (this.#isOver) return;
    this.#name(end.listenerId).isEnded = true;
    this.#options.send({ kind: 'endWish', ...end });
  }

  #name(listenerId: string): Named {
    const named = this.#named.get(listenerId) ?? nothingWished();
    this.#named.set(listenerId, named);
    return named;
  }

  limitProject(project: ProjectRef, limits: ProjectLimits | null): void {
    if (!this.#isOver) this.#options.send({ kind: 'limitProject', project, limits });
  }

  async closeConnection(
    { workerId, connectionId }: { readonly workerId: string; readonly connectionId: string },
    mode: 'fin' | 'rst',
  ): Promise<void> {
    if (workerId !== this.#options.bootId) return;
    const closeConnection = { connectionId, isReset: mode === 'rst' };
    const { closeTimeoutMs } = this.#options.limits;
    await this.#command({ command: 'closeConnection', closeConnection }, closeTimeoutMs);
  }

  status(): readonly WorkerStatus[] {
    return this.#workers;
  }

  async #command(command: Command, timeoutMs: number): Promise<Bound | null> {
    if (this.#isOver) throw over();
    const answered = this.#answer(this.#last + 1, timeoutMs);
    this.#sendCommand(command);
    return await answered;
  }

  #sendCommand(command: Command): void {
    this.#options.send({ kind: 'command', number: this.#nextNumber(), ...command });
  }

  #nextNumber(): number {
    this.#last += 1;
    return this.#last;
  }

  /** Without a time it may take as long as the session. */
  async #answer(number: number, timeoutMs: number | null): Promise<Bound | null> {
    const waiting = Promise.withResolvers<Bound | null>();
    this.#waiting.set(number, waiting);
    const timer =
      timeoutMs === null ? undefined : setTimeout(() => waiting.reject(late()), timeoutMs).unref();
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(number);
    }
  }

  /** One that comes too late is nobody's any more. @throws WireError */
  onReply({ number, bound, problem }: FrameOf<NodeFrame, 'reply'>): void {
    if (number > this.#last) throw new WireError('reply: nothing was asked under its number');
    const waiting = this.#waiting.get(number);
    if (problem === null) waiting?.resolve(bound);
    else waiting?.reject(errorOf(problem));
  }

  onWorkers(workers: readonly WorkerStatus[]): void {
    this.#workers = workers;
  }

  /**
   * Whether it is what was asked for: the first that is told of a wish, or the end of a listener. Null where it says
   * nothing, of a listener that is gone.
   * @throws WireError of what was not wished in this session
   */
  isAsked({ listenerId, generation, state }: Observed): boolean | null {
    const named = this.#named.get(listenerId);
    if (named === undefined) {
      // Where its end was wished more than once, older agents tell of it as often.
      if (state === 'gone') return null;
      throw new WireError('observed: a listener that was not named');
    }
    if (state !== 'gone') {
      if (generation > named.generation) {
        throw new WireError('observed: a generation that was not wished');
      }
      const isFirst = generation === named.generation && generation > named.observed;
      if (isFirst) named.observed = generation;
      return isFirst;
    }
    if (!named.isEnded) throw new WireError('observed: the end of what was not ended');
    this.#named.delete(listenerId);
    return true;
  }

  /** Whatever waits fails as `unavailable`. */
  end(): void {
    this.#isOver = true;
    for (const waiting of this.#waiting.values()) {
      // Of a wish somebody may have stopped waiting.
      waiting.promise.catch(() => undefined);
      waiting.reject(over());
    }
  }
}
