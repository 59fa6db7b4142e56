/**
 * The agents' door: a gRPC server of its own, so that it has another exposure than the public edges. It owns the
 * listening socket, the agents' connections and their sessions.
 */
import {
  logVerbosity,
  type Metadata,
  Server,
  ServerCredentials,
  setLogVerbosity,
} from '@grpc/grpc-js';
import type { Address } from '../core/address.ts';
import { AddressRates } from '../core/address-rates.ts';
import { monotonic } from '../core/clock.ts';
import { LineBudget } from '../core/line-budget.ts';
import type { Logger } from '../core/ports.ts';
import type { EdgeTls } from '../edge-sockets/edge-tls.ts';
import { SocketSet } from '../edge-sockets/socket-set.ts';
import { type Forwarding, sourceIpBy } from '../edge-sockets/source-ip.ts';
import type { Admission } from '../fleet/admission.ts';
import { callBounds } from '../grpc/call-bounds.ts';
import { CallStreams } from '../grpc/call-streams.ts';
import { identityOnly } from '../grpc/identity-only.ts';
import { gatewayService } from '../wire/gateway-protos.ts';
import { isOwnIssuer, spkiPin } from '../wire/pin.ts';
import { AgentSession } from './agent-session.ts';
import { type AgentStream, FrameWriter } from './frame-writer.ts';
import type { GatewayLimits } from './gateway-limits.ts';
import { joinHandler } from './joins.ts';
import { NodeRates } from './node-rates.ts';

export interface GatewayOptions {
  readonly admission: Admission;
  readonly logger: Logger;
  readonly forwarding: Forwarding;
  /** Null: it speaks plain HTTP/2, on loopback. */
  readonly tls: EdgeTls | null;
  readonly host: string;
  /** 0 is a port of the kernel's choice. */
  readonly port: number;
  readonly limits: GatewayLimits;
}

/** Beside the rows of one frame, what else is in it. */
const frameOverheadBytes = 65_536;
/** A session, and a join before it. */
const callsPerConnectionMax = 4;

/** It would write metadata that it can not read to stderr, whole. */
setLogVerbosity(logVerbosity.NONE);

export class GatewayServer implements AsyncDisposable {
  readonly address: Address;
  readonly #ground: Ground;
  #stopped: Promise<void> | null = null;

  private constructor(address: Address, ground: Ground) {
    this.address = address;
    this.#ground = ground;
  }

  /** Resolves when it serves. Rejects with the system's reason when it cannot bind. */
  static async start(options: GatewayOptions): Promise<GatewayServer> {
    const ground = new Ground(options);
    return new GatewayServer(await ground.sockets.listen(options.host, options.port), ground);
  }

  get isTls(): boolean {
    return this.#ground.options.tls !== null;
  }

  /** Of a certificate that nobody else vouches for; null: one does, and a renewal may change its key, or it is plain. */
  get pin(): string | null {
    const { tls } = this.#ground.options;
    if (tls === null) return null;
    const { cert } = tls.certificate.pair;
    return isOwnIssuer(cert) ? spkiPin(cert) : null;
  }

  get sessions(): number {
    return this.#ground.sessions.size;
  }

  /** Its agents go to other replicas, or come back within a moment. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#ground.stop();
    await this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

class Ground {
  readonly options: GatewayOptions;
  readonly sockets: SocketSet;
  readonly sessions = new Set<AgentSession>();
  readonly #server: Server;
  /** Those whose node is not known yet, the oldest first. */
  readonly #shaking = new Set<AgentSession>();
  readonly #streams = new CallStreams();
  readonly #refusedLines: LineBudget;
  readonly #rates: NodeRates;
  readonly #claims: AddressRates;

  constructor(options: GatewayOptions) {
    this.options = options;
    const { limits, tls, logger } = options;
    this.#refusedLines = new LineBudget({
      ...{ logger, perSecondMax: limits.refusedLinesPerSecondMax },
      message: 'more sessions are refused',
    });
    this.#rates = new NodeRates(limits);
    const { claimsPerSecond: perSecond, handshakesMax, joinAddressesMax } = limits;
    const burst = Math.max(perSecond, handshakesMax);
    this.#claims = new AddressRates({ perSecond, burst }, joinAddressesMax);
    const sourceIp = sourceIpBy(options.forwarding);
    const sourceIpOf = (call: { getPeer(): string; readonly metadata: Metadata }) =>
      sourceIp(call.getPeer().replace(/:\d+$/, ''), () =>
        call.metadata.get('x-forwarded-for').join(),
      );
    this.#server = new Server({
      'grpc.max_receive_message_length': limits.frameBytesMax + frameOverheadBytes,
      'grpc.max_concurrent_streams': callsPerConnectionMax,
      'grpc.keepalive_time_ms': limits.keepaliveIntervalMs,
      'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
      'grpc.enable_channelz': 0,
      interceptors: [identityOnly(this.#streams), this.#callBounds()],
    });
    this.#server.addService(gatewayService, {
      Join: joinHandler({ ...options, sourceIpOf }),
      Session: (stream: AgentStream) => this.#begin(stream, sourceIpOf(stream)),
    });
    const injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    const { connectionsMax } = limits;
    this.sockets = new SocketSet({ name: 'the gateway', connectionsMax, tls }, (socket) => {
      // Seen twice: what the end of a session says is on its way when it was over just now.
      let wasIdle = false;
      const dropIdle = () => {
        const isIdle = this.sockets.isIdle(socket);
        if (isIdle && wasIdle) socket.destroy();
        wasIdle = isIdle;
      };
      const timer = setInterval(dropIdle, limits.idleConnectionMs / 2).unref();
      socket.once('close', () => clearInterval(timer));
      injector.injectConnection(socket);
    });
  }

  /** Sessions are bounded by themselves. */
  #callBounds() {
    const { joinsArrivingMax, helloTimeoutMs: requestTimeoutMs } = this.options.limits;
    const calls = { callsPerMethodMax: Infinity, requestsArrivingMax: joinsArrivingMax };
    return callBounds(
      { ...calls, requestTimeoutMs, streamWriteTimeoutMs: requestTimeoutMs },
      (peer) => this.sockets.drop(peer),
    );
  }

  #begin(stream: AgentStream, sourceIp: string | null): void {
    const { admission, logger, limits } = this.options;
    const { sessionsMax, handshakesMax, comeBackMs } = limits;
    const isShakingFull = this.#shaking.size >= handshakesMax;
    if (this.sessions.size >= sessionsMax || (isShakingFull && !this.#dropSilent())) {
      const writer = new FrameWriter({ stream, bytesMax: Infinity, onStuck: () => undefined });
      const retryAfterMs = Math.ceil(Math.random() * comeBackMs);
      const reason = 'this replica has as many sessions as it may';
      writer.send({ kind: 'goAway', reason, retryAfterMs, isFinal: false });
      writer.end();
      stream.on('data', () => undefined).on('error', () => undefined);
      return;
    }
    const peer = stream.getPeer();
    const over = this.sockets.callBegan(peer);
    const session: AgentSession = new AgentSession({
      ...{ stream, sourceIp, admission, logger, limits },
      ...{ rates: this.#rates, refusedLines: this.#refusedLines },
      claims: this.#claims.of(sourceIp, monotonic()),
      onStuck: () => this.sockets.drop(peer),
      onHandshakeOver: () => this.#shaking.delete(session),
      onEnd: () => {
        this.sessions.delete(session);
        over();
      },
    });
    this.sessions.add(session);
    this.#shaking.add(session);
  }

  /** Whoever holds a place without a word for longest makes room: an agent says hello as soon as it is asked. */
  #dropSilent(): boolean {
    const silent = this.#shaking.values().find(({ isSilent }) => isSilent);
    const retryAfterMs = Math.ceil(Math.random() * this.options.limits.comeBackMs);
    silent?.end({ reason: 'no hello came before others', retryAfterMs, final: false });
    return silent !== undefined;
  }

  async stop(): Promise<void> {
    const { comeBackMs, stopTimeoutMs } = this.options.limits;
    const closed = this.sockets.close();
    for (const session of this.sessions) {
      const retryAfterMs = Math.ceil(Math.random() * comeBackMs);
      session.end({ reason: 'this replica stops', retryAfterMs, final: false });
    }
    // Sends what is on its way, and asks the agents to close.
    this.#server.tryShutdown(() => undefined);
    const timer = setTimeout(() => this.sockets.dropAll(), stopTimeoutMs);
    await closed;
    clearTimeout(timer);
    this.#server.forceShutdown();
    this.#streams[Symbol.dispose]();
    this.#refusedLines[Symbol.dispose]();
  }
}
