/**
 * One session with a replica, as the agent sees it: challenge, hello, welcome, and then frames both ways until one side
 * says goodbye or the stream breaks. What must outlive it is the EchoNode's.
 */
import type { KeyObject } from 'node:crypto';
import type { Client, ClientDuplexStream } from '@grpc/grpc-js';
import type { Logger, Observed } from '../core/ports.ts';
import type { Micros } from '../core/time.ts';
import type { NodeHello } from '../fleet/admission.ts';
import {
  type ControlFrame,
  controlFrames,
  type FrameOf,
  type NodeFrame,
  nodeFrames,
  observedFrame,
  problemOf,
} from '../wire/frames.ts';
import { gatewayService } from '../wire/gateway-protos.ts';
import { signHello } from '../wire/hello-signature.ts';
import { commonProtocol, firstProtocol, spokenProtocols } from '../wire/protocol-range.ts';
import { WireError } from '../wire/wire-error.ts';
import type { EchoNode } from './echo-node.ts';
import { reasonOf } from './gateway-channel.ts';
import { type HeartbeatLimits, Heartbeats } from './heartbeats.ts';
import { notUnderstood } from './not-understood.ts';
import type { WishKeeper } from './wish-keeper.ts';

export interface SessionClientOptions {
  readonly client: Client;
  readonly node: EchoNode;
  readonly key: KeyObject;
  /** Which database it has joined: it signs for no other. */
  readonly installation: string;
  readonly hello: Omit<NodeHello, 'clockOffsetMs'>;
  readonly limits: HeartbeatLimits & {
    readonly welcomeTimeoutMs: number;
    readonly recordFramesMax: number;
  };
  readonly monotonic: () => Micros;
  readonly logger: Logger;
  /** Whether a replica that can write nothing is left for another. */
  readonly mayLeave: boolean;
  readonly onWelcome: () => void;
  /** A replica has written that the node is there. */
  readonly onStored: () => void;
  readonly onFatal: (error: unknown) => void;
}

export interface SessionEnd {
  readonly reason: string;
  readonly wasWelcomed: boolean;
  /** As the replica said; null where it said no goodbye. */
  readonly retryAfterMs: number | null;
  /** It has no more to come back for. */
  readonly isFinal: boolean;
  /** The replica could write nothing. */
  readonly isUnstored: boolean;
}

type Control<Kind extends ControlFrame['kind']> = FrameOf<ControlFrame, Kind>;

export class SessionClient {
  /** Resolves when it is over; never rejects. */
  readonly ended: Promise<SessionEnd>;
  readonly #options: SessionClientOptions;
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;
  readonly #end = Promise.withResolvers<SessionEnd>();
  readonly #welcomeTimer: NodeJS.Timeout;
  /** When the hello was sent. */
  #saidAt: Micros | null = null;
  #wasWelcomed = false;
  #keeper: WishKeeper | null = null;
  #heartbeats: Heartbeats | null = null;
  /** The last numbers of the record frames that are not acknowledged. */
  #onTheWay: number[] = [];
  /** What may go only behind the records that came before it. */
  #behind: { readonly last: number; readonly observed: Observed }[] = [];
  #isOver = false;

  constructor(options: SessionClientOptions) {
    this.#options = options;
    this.ended = this.#end.promise;
    const { path, requestSerialize, responseDeserialize } = gatewayService.Session;
    const { client } = options;
    this.#stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    this.#stream.on('data', (bytes: Buffer) => this.#onFrame(bytes));
    this.#stream.on('error', (error: Error) => this.close(reasonOf(error)));
    this.#stream.on('end', () => this.close('the stream is over'));
    const { welcomeTimeoutMs } = options.limits;
    const giveUp = () => this.close('no welcome came in time');
    this.#welcomeTimer = setTimeout(giveUp, welcomeTimeoutMs);
  }

  /** Idempotent. */
  close(reason: string, how: Partial<SessionEnd> = {}): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#welcomeTimer);
    this.#heartbeats?.[Symbol.dispose]();
    this.#options.node.spool.onMore = () => undefined;
    this.#options.node.endSession(this.#tell);
    this.#stream.cancel();
    const none = { retryAfterMs: null, isFinal: false, isUnstored: false };
    this.#end.resolve({ reason, wasWelcomed: this.#wasWelcomed, ...none, ...how });
  }

  #send(frame: NodeFrame): void {
    if (!this.#isOver) this.#stream.write(nodeFrames.encode(frame));
  }

  #onFrame(bytes: Buffer): void {
    if (this.#isOver) return;
    try {
      const frame = controlFrames.decode(bytes);
      // A replica of a later version may say what need not be understood.
      if (frame !== null) this.#take(frame);
    } catch (error) {
      if (!(error instanceof WireError)) this.#options.onFatal(error);
      this.close(error instanceof WireError ? error.message : 'a bug');
    }
  }

  #take(frame: ControlFrame): void {
    switch (frame.kind) {
      case 'challenge':
        this.#hello(frame);
        break;
      case 'welcome':
        if (this.#saidAt === null || this.#wasWelcomed) {
          throw new WireError('welcome: nobody has come');
        }
        this.#welcome(frame, this.#saidAt).catch(this.#options.onFatal);
        break;
      case 'goAway':
        this.#goAway(frame);
        break;
      default:
        if (this.#keeper === null) throw new WireError(`${frame.kind}: before the welcome`);
        this.#takeOpen(frame, this.#keeper);
    }
  }

  #takeOpen(
    frame: Exclude<ControlFrame, Control<'challenge' | 'welcome' | 'goAway'>>,
    keeper: WishKeeper,
  ): void {
    switch (frame.kind) {
      case 'wish':
        this.#reply(frame.number, () => wishOf(frame, keeper).then(() => null));
        break;
      case 'endWish':
        keeper.endWish(frame);
        break;
      case 'wishEnd':
        keeper.wishEnd();
        break;
      case 'limitProject':
        keeper.limitProject(frame.project, frame.limits);
        break;
      case 'command':
        this.#reply(frame.number, () => this.#options.node.act(frame));
        break;
      case 'committed':
        this.#committed(frame.through);
        break;
      case 'lease':
        if (this.#heartbeats?.take(frame) !== true) {
          throw new WireError('lease: of no heartbeat');
        }
    }
  }

  #hello({ nonce, installation }: Control<'challenge'>): void {
    const { hello, key, installation: own, monotonic, node } = this.#options;
    if (this.#saidAt !== null) throw new WireError('challenge: there was one');
    if (installation !== own) throw new WireError('challenge: of another database');
    this.#saidAt = monotonic();
    const { nodeId, bootId } = hello;
    const signature = signHello(key, { installation, nodeId, bootId, nonce });
    const { hostOffsetMs: clockOffsetMs } = node.clock;
    const shown = {
      signature,
      keyGeneration: 0,
      clockOffsetMs,
      protocols: spokenProtocols,
    } as const;
    this.#send({ kind: 'hello', ...hello, ...shown });
  }

  async #welcome(
    { lostAfterMs, serverTime, heartbeatMs, protocol }: Control<'welcome'>,
    askedAt: Micros,
  ): Promise<void> {
    const { node, limits, monotonic, mayLeave } = this.#options;
    // A replica that was made before there was a choice says none.
    const spoken = Math.max(protocol, firstProtocol);
    if (commonProtocol({ from: spoken, to: spoken }) === null) {
      this.close(`welcome: protocol ${spoken} is not spoken here`);
      return;
    }
    clearTimeout(this.#welcomeTimer);
    this.#wasWelcomed = true;
    this.#options.onWelcome();
    const told = { serverTime, askedAt, heardAt: monotonic(), lostAfterMs };
    // What comes behind it is for the workers.
    this.#stream.pause();
    const onLease = (sentAt: Micros, { stored, ...lease }: Control<'lease'>) => {
      const { serverTime: time, lostAfterMs: ms } = lease;
      node.renewed({ serverTime: time, askedAt: sentAt, heardAt: monotonic(), lostAfterMs: ms });
      if (stored) this.#options.onStored();
    };
    const keeper = await node.begin(told, this.#tell);
    if (this.#isOver) {
      node.endSession(this.#tell);
      return;
    }
    this.#keeper = keeper;
    this.#heartbeats = new Heartbeats({
      ...{ everyMs: heartbeatMs, limits, monotonic, mayLeave, onLease },
      beat: (number) => this.#send({ kind: 'heartbeat', number, ...node.load }),
      onGiveUp: (reason, isUnstored) => this.close(reason, { isUnstored }),
    });
    node.spool.onMore = () => this.#sendRecords();
    this.#stream.resume();
    this.#sendRecords();
  }

  #goAway({ reason, retryAfterMs, isFinal }: Control<'goAway'>): void {
    this.close(reason, { retryAfterMs, isFinal });
  }

  #reply(number: number, work: () => Promise<Awaited<ReturnType<EchoNode['act']>>>): void {
    work().then(
      (bound) => this.#send({ kind: 'reply', number, bound, problem: null }),
      (error: unknown) => {
        const { logger } = this.#options;
        const problem = problemOf(error);
        if (problem.code === 'internal') logger.error({ err: error }, 'a command failed');
        this.#send({ kind: 'reply', number, bound: null, problem });
      },
    );
  }

  /** That it is gone comes behind all that was recorded of it; the rest waits for nothing. */
  readonly #tell = (observed: Observed): void => {
    const { spool } = this.#options.node;
    if (observed.state !== 'gone' || spool.last <= spool.sent) this.#send(observedFrame(observed));
    else this.#behind.push({ last: spool.last, observed });
  };

  #sendRecords(): void {
    const { spool } = this.#options.node;
    while (!this.#isOver && this.#onTheWay.length < this.#options.limits.recordFramesMax) {
      const frame = spool.take();
      if (frame === null) break;
      this.#send(frame);
      this.#onTheWay.push(spool.sent);
    }
    while (this.#behind[0] !== undefined && this.#behind[0].last <= spool.sent) {
      const [next] = this.#behind.splice(0, 1);
      if (next !== undefined) this.#send(observedFrame(next.observed));
    }
  }

  #committed(through: number): void {
    const { spool } = this.#options.node;
    if (through > spool.sent) throw new WireError('committed: what was not sent');
    this.#onTheWay = this.#onTheWay.filter((last) => last > through);
    spool.committed(through);
    this.#sendRecords();
  }
}

/** One that is not understood is refused, and what was wished before stays. */
async function wishOf(
  { listenerId, generation, binding }: Control<'wish'>,
  keeper: WishKeeper,
): Promise<void> {
  if (binding !== null) await keeper.wish({ generation, binding });
  else keeper.refuse({ listenerId, generation, reason: notUnderstood('this listener') });
}
