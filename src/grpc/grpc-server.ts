/**
 * The gRPC edge: owns the listening socket, its clients' connections and their calls. The socket is ours and
 * not grpc-js's, so that a bind fails with the system's own reason, connections are counted, and the one of a
 * reader who is stuck can be dropped.
 */
import {
  logVerbosity,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  setLogVerbosity,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Api } from '../api/call.ts';
import { FailureLog } from '../api/failure-log.ts';
import type { Address } from '../core/address.ts';
import type { ControlPlane } from '../core/control-plane.ts';
import { ShuttingDown } from '../core/errors.ts';
import type { ListenerBounds } from '../core/listener-bounds.ts';
import type { Logger } from '../core/ports.ts';
import type { EdgeTls } from '../edge-sockets/edge-tls.ts';
import { SocketSet } from '../edge-sockets/socket-set.ts';
import { type Forwarding, sourceIpBy } from '../edge-sockets/source-ip.ts';
import { answerBounds } from './answer-bounds.ts';
import { identification } from './auth.ts';
import { callBounds } from './call-bounds.ts';
import { CallStreams } from './call-streams.ts';
import { Calls } from './calls.ts';
import { connectionHandlers } from './connection-handlers.ts';
import type { Edge } from './edge.ts';
import { EventFrames } from './event-frames.ts';
import { eventHandlers } from './event-handlers.ts';
import { joinTokenHandlers, nodeHandlers } from './fleet-handlers.ts';
import { asOneMessage } from './framing.ts';
import type { GrpcLimits } from './grpc-limits.ts';
import { Health } from './health.ts';
import { identityOnly } from './identity-only.ts';
import { listBounds } from './list-bounds.ts';
import { listenerHandlers } from './listener-handlers.ts';
import { serviceDefinition } from './protos.ts';
import { addReflection } from './reflection.ts';
import { isInternal } from './status.ts';
import { auditHandlers, keyHandlers, projectHandlers } from './tenancy-handlers.ts';

export interface GrpcServerOptions {
  readonly api: Api;
  readonly readiness: Pick<ControlPlane, 'problems'>;
  readonly bounds: ListenerBounds;
  readonly logger: Logger;
  readonly forwarding: Forwarding;
  readonly tls: EdgeTls | null;
  readonly host: string;
  /** 0 is a port of the kernel's choice. */
  readonly port: number;
  readonly limits: GrpcLimits;
}

const services = [
  'kodama.v1.ListenerService',
  'kodama.v1.ConnectionService',
  'kodama.v1.EventService',
  'kodama.v1.ProjectService',
  'kodama.v1.KeyService',
  'kodama.v1.AuditService',
  'kodama.v1.NodeService',
  'kodama.v1.JoinTokenService',
] as const;
/** At a stop, how long the last bytes of calls that have ended may take to leave. */
const flushTimeoutMs = 500;

/** It would write metadata that it can not read to stderr, whole: keys are among them. */
setLogVerbosity(logVerbosity.NONE);

export class GrpcServer implements AsyncDisposable {
  readonly address: Address;
  readonly #parts: Parts;
  readonly #stopTimeoutMs: number;
  #stopped: Promise<void> | null = null;

  private constructor(address: Address, parts: Parts, stopTimeoutMs: number) {
    this.address = address;
    this.#parts = parts;
    this.#stopTimeoutMs = stopTimeoutMs;
  }

  /** Resolves when it serves. Rejects with the system's reason when it cannot bind. */
  static async start(options: GrpcServerOptions): Promise<GrpcServer> {
    const { host, port, limits } = options;
    const parts = makeParts(options);
    const address = await parts.sockets.listen(host, port).catch((error: unknown) => {
      parts.streams[Symbol.dispose]();
      throw error;
    });
    return new GrpcServer(address, parts, limits.stopTimeoutMs);
  }

  /** Client connections that are open. */
  get connections(): number {
    return this.#parts.sockets.size;
  }

  /** Streams end `unavailable`; calls under way may end within a bound. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    const { server, calls, sockets, streams, failures } = this.#parts;
    const closed = sockets.close();
    await within(this.#stopTimeoutMs, calls.end(new ShuttingDown()));
    // Its callback comes too early: before Node has sent the last bytes of the sessions.
    server.tryShutdown(() => undefined);
    await within(flushTimeoutMs, closed);
    server.forceShutdown();
    sockets.dropAll();
    await closed;
    streams[Symbol.dispose]();
    failures[Symbol.dispose]();
  }
}

interface Parts {
  readonly server: Server;
  readonly calls: Calls;
  readonly sockets: SocketSet;
  readonly streams: CallStreams;
  readonly failures: FailureLog;
}

function makeParts(options: GrpcServerOptions): Parts {
  const { limits, logger, tls } = options;
  const { streamWriteTimeoutMs, connectionsMax } = limits;
  const onStuck = (peer: string) => sockets.drop(peer);
  const failures = new FailureLog({ logger, limits, isInternal });
  const calls = new Calls({ logger, failures, streamWriteTimeoutMs, onStuck });
  const streams = new CallStreams();
  const callBegan = (peer: string) => sockets.callBegan(peer);
  const server = makeServer({ ...options, failures }, streams, { callBegan, drop: onStuck });
  const frames = new EventFrames(limits);
  const health = new Health({
    services,
    problems: () => options.readiness.problems(),
    intervalMs: limits.healthIntervalMs,
  });
  addServices(server, { ...options, calls, frames }, health);
  addReflection(server, { api: options.api, failures, limits });
  // Over TLS, too: a connection is handed on once its handshake is over, which we bound and grpc-js would not.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new SocketSet({ name: 'gRPC', connectionsMax, tls }, (socket) =>
    injector.injectConnection(socket),
  );
  return { server, calls, sockets, streams, failures };
}

function makeServer(
  { limits, api, forwarding, failures }: GrpcServerOptions & Pick<Parts, 'failures'>,
  streams: CallStreams,
  sockets: Pick<SocketSet, 'callBegan' | 'drop'>,
): Server {
  const { answerBytesWaitingMax: bytesMax } = limits;
  const onStuck = (peer: string) => sockets.drop(peer);
  const bounds = [
    identityOnly(streams),
    answerBounds({ streams, bytesMax, onStuck }),
    callBounds(limits, onStuck),
  ];
  return new Server({
    'grpc.max_receive_message_length': limits.messageBytesMax,
    'grpc.max_concurrent_streams': limits.callsPerConnectionMax,
    'grpc.keepalive_time_ms': limits.keepaliveIntervalMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    'grpc.max_connection_idle_ms': limits.idleConnectionMs,
    'grpc.enable_channelz': 0,
    interceptors: [
      identification({ keys: api.keys, sourceIp: sourceIpBy(forwarding), sockets, failures }),
      ...bounds,
    ],
  });
}

function addServices(server: Server, edge: Edge, health: Health): void {
  const lists = listBounds(edge.bounds);
  const events = serviceDefinition('kodama.v1.EventService', lists);
  server.addService(withFrames(events), eventHandlers(edge));
  const others: Readonly<Record<string, UntypedServiceImplementation>> = {
    'kodama.v1.ListenerService': listenerHandlers(edge),
    'kodama.v1.ConnectionService': connectionHandlers(edge),
    'kodama.v1.ProjectService': projectHandlers(edge),
    'kodama.v1.KeyService': keyHandlers(edge),
    'kodama.v1.AuditService': auditHandlers(edge),
    'kodama.v1.NodeService': nodeHandlers(edge),
    'kodama.v1.JoinTokenService': joinTokenHandlers(edge),
    'grpc.health.v1.Health': health.handlers(edge.calls),
  };
  for (const [name, handlers] of Object.entries(others)) {
    server.addService(serviceDefinition(name, lists), handlers);
  }
}

/** Its streams write frames, not messages. */
function withFrames(definition: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(definition).map(([name, method]) => {
    const isStream = method.responseStream;
    return [name, isStream ? { ...method, responseSerialize: asOneMessage } : method] as const;
  });
  return Object.fromEntries(methods);
}

async function within(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  await Promise.race([work, late]);
  clearTimeout(timer);
}
