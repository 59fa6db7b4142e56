/** An agent: the echo sockets of this host, and one session after the other with whichever replica takes it. */
import { randomUUID } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import type { Client } from '@grpc/grpc-js';
import type { AgentConfig } from '../config.ts';
import { monotonic } from '../core/clock.ts';
import type { Logger } from '../core/ports.ts';
import { WakeUps } from '../core/wake-ups.ts';
import type { NodeHello } from '../fleet/admission.ts';
import { EchoNode } from './echo-node.ts';
import { openChannel, reasonOf } from './gateway-channel.ts';
import type { Identity } from './identity.ts';
import { Pauses } from './pauses.ts';
import { SessionClient, type SessionEnd } from './session-client.ts';

export type AgentNodeConfig = Pick<
  AgentConfig,
  | 'workers'
  | 'dataPlane'
  | 'connectionsMax'
  | 'isPrivilegedAllowed'
  | 'listenHost'
  | 'listenPorts'
  | 'limits'
  | 'shutdownTimeoutMs'
>;

export interface AgentOptions {
  readonly identity: Identity;
  readonly config: AgentNodeConfig;
  readonly version: string;
  readonly logger: Logger;
  /** Its control plane has taken it, at one of its gateways. */
  readonly onWelcome: () => void;
  readonly onFatal: (error: unknown) => void;
}

const addressesMax = 64;

export class Agent implements AsyncDisposable {
  /** Another one with each start: the control plane knows its connections by it. */
  readonly bootId = randomUUID();
  /** Resolves when its node was removed; it has to be disposed of even then. */
  readonly removed: Promise<void>;
  readonly #options: AgentOptions;
  readonly #node: EchoNode;
  readonly #stop = new AbortController();
  readonly #removed = Promise.withResolvers<void>();
  readonly #dialling: Promise<void>;
  #session: SessionClient | null = null;
  #isRemoved = false;
  /** It has left a replica that could write nothing, and stays where it is until one can. */
  #hasLeft = false;

  /** Begins to dial. */
  constructor(options: AgentOptions) {
    this.#options = options;
    const { identity, config, logger, onFatal } = options;
    const { nodeId } = identity;
    this.removed = this.#removed.promise;
    this.#node = new EchoNode({ ...config, nodeId, logger, monotonic, onFatal });
    this.#dialling = this.#dial().catch(onFatal);
  }

  async #dial(): Promise<void> {
    const { signal } = this.#stop;
    const { limits } = this.#options.config;
    const pauses = new Pauses(limits);
    const wakeUps = new WakeUps();
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const end = await this.#runSession(attempt);
      if (end.isFinal) {
        this.#isRemoved = true;
        this.#removed.resolve();
        return;
      }
      if (end.isUnstored) this.#hasLeft = true;
      if (end.wasWelcomed) pauses.reset();
      await wakeUps.sleep(end.retryAfterMs ?? pauses.next(this.#node.leaseMs), signal);
    }
  }

  /** At the gateways in turn. */
  async #runSession(attempt: number): Promise<SessionEnd> {
    const { identity, config, logger, onWelcome, onFatal } = this.#options;
    const { gateways, pin, key, installation } = identity;
    const gateway = gateways[attempt % gateways.length];
    if (gateway === undefined) throw new TypeError('no gateway to dial');
    let client: Client;
    try {
      client = await openChannel(gateway, pin, config.limits);
    } catch (error) {
      return this.#told(gateway.url, { ...unreached, reason: reasonOf(error) });
    }
    try {
      const shared = { client, key, installation, logger, monotonic, onFatal };
      const session = new SessionClient({
        ...shared,
        node: this.#node,
        hello: this.#hello(),
        limits: config.limits,
        mayLeave: !this.#hasLeft,
        onWelcome: () => {
          logger.info({ gateway: gateway.url }, 'with the control plane');
          onWelcome();
        },
        onStored: () => {
          this.#hasLeft = false;
        },
      });
      this.#session = session;
      if (this.#stop.signal.aborted) session.close('it stops');
      return this.#told(gateway.url, await session.ended);
    } finally {
      this.#session = null;
      client.close();
    }
  }

  #told(gateway: string, end: SessionEnd): SessionEnd {
    if (this.#stop.signal.aborted) return end;
    const { reason, wasWelcomed, isFinal } = end;
    this.#options.logger.warn(
      { gateway, reason, wasWelcomed },
      isFinal ? 'the node was removed' : 'without the control plane for now',
    );
    return end;
  }

  #hello(): Omit<NodeHello, 'clockOffsetMs'> {
    const { identity, config, version } = this.#options;
    const { listenHost, listenPorts: portRange, connectionsMax } = config;
    const seen = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    const addresses = seen.filter(({ internal }) => !internal).map(({ address }) => address);
    const own = { version, hostname: hostname(), listenHost, portRange, connectionsMax };
    const { nodeId } = identity;
    return { nodeId, bootId: this.bootId, ...own, addresses: addresses.slice(0, addressesMax) };
  }

  /** Closes what is open as `shutdown`, and delivers what was recorded, as far as the time goes. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { shutdownTimeoutMs } = this.#options.config;
    const { spool } = this.#node;
    // Of a node that was removed nobody takes anything. Workers end once what they told is on record, or given up.
    const timer = setTimeout(() => spool.giveUp(), this.#isRemoved ? 0 : shutdownTimeoutMs / 2);
    try {
      await this.#node[Symbol.asyncDispose]();
      await spool.drained();
    } finally {
      clearTimeout(timer);
    }
    const { size: records } = spool;
    if (records > 0) this.#options.logger.warn({ records }, 'records could not be delivered');
    this.#stop.abort();
    this.#session?.close('it stops');
    await this.#dialling;
  }
}

const unreached = {
  ...{ wasWelcomed: false, retryAfterMs: null, isFinal: false, isUnstored: false },
} as const;
