/**
 * One stream of an agent, from the challenge to its end.
 *
 *   challenge ─► hello: signature checked, place taken ─► welcome ─► frames both ways ─► go away
 *
 * Whatever is not as it has to be ends the session with a reason, and nothing else: the agent comes again.
 */
import { randomBytes } from 'node:crypto';
import { monotonic } from '../core/clock.ts';
import { AppError, hasCode } from '../core/errors.ts';
import type { LineBudget } from '../core/line-budget.ts';
import type { Logger } from '../core/ports.ts';
import type { TokenBucket } from '../core/token-bucket.ts';
import type { Admission, Goodbye, NodeSession, SessionLink } from '../fleet/admission.ts';
import { type FrameOf, type NodeFrame, nodeFrames, observedOf } from '../wire/frames.ts';
import { isHelloOf } from '../wire/hello-signature.ts';
import { WireError } from '../wire/wire-error.ts';
import { type AgentStream, FrameWriter } from './frame-writer.ts';
import type { GatewayLimits } from './gateway-limits.ts';
import type { NodeRates } from './node-rates.ts';
import { ObservedIntake } from './observed-intake.ts';
import { ReadPace } from './read-pace.ts';
import { RecordIntake } from './record-intake.ts';
import { SessionDataPlane } from './session-data-plane.ts';
import { agreed, removed, tooManyClaims, unknownNode } from './session-refusals.ts';

export interface AgentSessionOptions {
  readonly stream: AgentStream;
  readonly sourceIp: string | null;
  readonly admission: Admission;
  readonly logger: Logger;
  readonly limits: GatewayLimits;
  readonly rates: NodeRates;
  /** How often somebody at its address may claim to be a node; who shows its key has not only claimed it. */
  readonly claims: TokenBucket;
  readonly refusedLines: Pick<LineBudget, 'take'>;
  /** The agent takes nothing: its connection is to be closed. */
  readonly onStuck: () => void;
  /** The node is known, or the session is over. */
  readonly onHandshakeOver: () => unknown;
  /** Told once. */
  readonly onEnd: () => void;
}

type Hello = FrameOf<NodeFrame, 'hello'>;

/** A session that has begun. */
interface Begun {
  readonly session: NodeSession;
  readonly plane: SessionDataPlane;
  readonly records: RecordIntake;
  readonly observed: ObservedIntake;
}

const nonceBytes = 32;
/** All that is read of whoever is not known yet. */
const helloBytesMax = 8192;

export class AgentSession {
  readonly #options: AgentSessionOptions;
  readonly #writer: FrameWriter;
  readonly #nonce = randomBytes(nonceBytes);
  readonly #pace: ReadPace;
  /** Ends the session, so that agents spread. */
  #spreadTimer: NodeJS.Timeout | undefined;
  #installation: string | null = null;
  #helloTimer: NodeJS.Timeout | undefined;
  #plane: SessionDataPlane | null = null;
  #begun: Begun | null = null;
  #beatsUnanswered = 0;
  #isOver = false;
  /** What the log knows it by. */
  #who: object;

  constructor(options: AgentSessionOptions) {
    this.#options = options;
    const { stream, limits, sourceIp } = options;
    this.#who = { sourceIp };
    this.#pace = new ReadPace(stream, limits);
    this.#writer = new FrameWriter({
      stream,
      bytesMax: limits.streamHeldBytesMax,
      onStuck: () => {
        options.onStuck();
        this.#close('it takes nothing of what it is sent');
      },
    });
    stream.on('data', (bytes: Buffer) => this.#onFrame(bytes));
    for (const end of ['end', 'cancelled', 'error', 'close'] as const) {
      stream.on(end, () => this.#close('the stream is over'));
    }
    this.#helloTimer = setTimeout(
      () => this.#refuse('no hello came in time'),
      limits.helloTimeoutMs,
    );
    this.#challenge().catch((error: unknown) => this.#fail(error));
  }

  /** No hello came yet. */
  get isSilent(): boolean {
    return this.#helloTimer !== undefined;
  }

  async #challenge(): Promise<void> {
    const installation = await this.#options.admission.installationId();
    if (this.#isOver) return;
    this.#installation = installation;
    this.#writer.send({ kind: 'challenge', nonce: this.#nonce, installation });
  }

  #onFrame(bytes: Buffer): void {
    if (this.#isOver) return;
    try {
      if (this.#begun === null && bytes.length > helloBytesMax) {
        throw new WireError(`more than ${helloBytesMax} bytes before the welcome`);
      }
      const frame = nodeFrames.decode(bytes);
      if (frame === null && this.#begun === null) throw new WireError('a frame that is not known');
      this.#pace.charge(bytes.length, frame === null ? 0 : this.#take(frame));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** How many records came with it. */
  #take(frame: NodeFrame): number {
    if (frame.kind === 'hello') {
      this.#takeHello(frame);
      return 0;
    }
    const begun = this.#begun;
    if (begun === null) throw new WireError(`${frame.kind}: before the welcome`);
    switch (frame.kind) {
      case 'heartbeat':
        this.#beat(begun, frame);
        break;
      case 'records':
        return begun.records.take(frame);
      case 'reply':
        begun.plane.onReply(frame);
        break;
      case 'observed': {
        const observed = observedOf(frame);
        if (observed !== null) begun.observed.take(observed, begun.plane.isAsked(observed));
      }
    }
    return 0;
  }

  #takeHello(hello: Hello): void {
    if (this.#installation === null || this.#helloTimer === undefined) {
      throw new WireError('hello: not in answer to a challenge');
    }
    clearTimeout(this.#helloTimer);
    this.#helloTimer = undefined;
    this.#begin(hello, this.#installation).catch((error: unknown) => this.#fail(error));
  }

  async #begin(hello: Hello, installation: string): Promise<void> {
    const { admission, logger, limits, rates, claims } = this.#options;
    const { kind: _, signature, keyGeneration: __, protocols, ...told } = hello;
    const { nodeId, bootId } = told;
    this.#who = { ...this.#who, nodeId, bootId };
    const protocol = agreed(protocols);
    if (!claims.take(monotonic())) throw tooManyClaims(limits.claimsPerSecond);
    const known = await admission.find(nodeId);
    if (this.#isOver) return;
    if (known === 'removed') return this.end(removed);
    if (known === null) throw unknownNode(limits.unknownRetryAfterMs);
    const parts = { installation, nodeId, bootId, nonce: this.#nonce };
    if (!isHelloOf(known.publicKey, parts, signature)) {
      throw new WireError('hello: not signed by the key of this node');
    }
    claims.giveBack();
    const rate = rates.begin(nodeId, monotonic());
    const send = this.#writer.send.bind(this.#writer);
    const plane = new SessionDataPlane({ bootId, limits, send });
    this.#plane = plane;
    const session = await admission.begin(told, this.#link(plane));
    if (this.#isOver) {
      session.end();
      return;
    }
    this.#who = { ...this.#who, node: known.name, session: session.number };
    const records = new RecordIntake({
      ...{ session, limits },
      onCommitted: (through) => send({ kind: 'committed', through }),
      onFailure: (error) => this.#fail(error),
    });
    const pass = session.onObserved.bind(session);
    const observed = new ObservedIntake({ rate: rate.observed, limits, pass });
    this.#begun = { session, plane, records, observed };
    this.#welcome(session, protocol);
    logger.info(this.#who, 'a node has come');
    session.start();
  }

  #link(dataPlane: SessionDataPlane): SessionLink {
    return {
      dataPlane,
      wishEnd: () => this.#writer.send({ kind: 'wishEnd' }),
      end: (goodbye) => this.end(goodbye),
    };
  }

  #welcome({ number, lostAfterMs, now }: NodeSession, protocol: number): void {
    const { limits, onHandshakeOver } = this.#options;
    const { heartbeatMs, sessionMs } = limits;
    const welcome = { session: number, heartbeatMs, lostAfterMs, serverTime: now, protocol };
    this.#writer.send({ kind: 'welcome', ...welcome });
    onHandshakeOver();
    const spread = { reason: 'agents spread anew', retryAfterMs: 0, final: false };
    const forMs = sessionMs * (0.9 + Math.random() * 0.2);
    this.#spreadTimer = setTimeout(() => this.end(spread), forMs).unref();
  }

  #beat({ session, plane }: Begun, { number, workers, ...beat }: FrameOf<NodeFrame, 'heartbeat'>) {
    const { beatsUnansweredMax } = this.#options.limits;
    if (this.#beatsUnanswered >= beatsUnansweredMax) throw new WireError('heartbeat: too many');
    this.#beatsUnanswered += 1;
    plane.onWorkers(workers);
    const answer = (stored: boolean) => {
      this.#beatsUnanswered -= 1;
      const { now: serverTime, lostAfterMs } = session;
      this.#writer.send({ kind: 'lease', number, stored, serverTime, lostAfterMs });
    };
    session.beat(beat).then(answer, (error: unknown) => this.#fail(error));
  }

  /** By what happened; a bug is told in the log alone. */
  #fail(error: unknown): void {
    if (this.#isOver) return;
    const { logger, refusedLines } = this.#options;
    // Of other refusals the agent comes again, and has no need of an operator.
    const isTold = error instanceof WireError || hasCode(error, 'failed_precondition');
    if (isTold && refusedLines.take(performance.now(), 'sessions')) {
      const { message: reason } = error as Error;
      logger.warn({ ...this.#who, reason }, 'a session is refused');
    }
    if (error instanceof WireError) {
      this.#refuse(error.message);
    } else if (error instanceof AppError) {
      this.#refuse(error.message, error.details.retryAfterMs);
    } else {
      logger.error({ ...this.#who, err: error }, 'a session failed');
      this.#refuse('something broke on this side');
    }
  }

  #refuse(reason: string, afterMs = 0): void {
    const { comeBackMs } = this.#options.limits;
    const retryAfterMs = afterMs + Math.ceil(Math.random() * comeBackMs);
    this.end({ reason, retryAfterMs, final: false });
  }

  /** Idempotent. */
  end({ reason, retryAfterMs, final }: Goodbye): void {
    if (this.#isOver) return;
    this.#writer.send({ kind: 'goAway', reason, retryAfterMs, isFinal: final });
    this.#close(reason);
  }

  #close(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#helloTimer);
    clearTimeout(this.#spreadTimer);
    this.#pace[Symbol.dispose]();
    this.#writer.end();
    this.#plane?.end();
    this.#begun?.observed[Symbol.dispose]();
    this.#begun?.session.end();
    const { logger, onHandshakeOver, onEnd } = this.#options;
    if (this.#begun !== null)
      logger.info({ ...this.#who, reason }, 'the session of a node is over');
    onHandshakeOver();
    onEnd();
  }
}
