/** The gRPC edge by itself, over a control plane that the test makes up. */
import type { Keys } from '../../src/core/keys.ts';
import { defaultBounds } from '../../src/core/listener-bounds.ts';
import type { EdgeTls } from '../../src/edge-sockets/edge-tls.ts';
import type { GrpcLimits } from '../../src/grpc/grpc-limits.ts';
import { GrpcServer } from '../../src/grpc/grpc-server.ts';
import { type Control, type EdgeApiOptions, edgeApi } from './edge-api.ts';
import { keepingLogger, type LogLine } from './samples.ts';

export const sampleGrpcLimits: GrpcLimits = {
  messageBytesMax: 1_048_576,
  connectionsMax: 100,
  callsPerConnectionMax: 100,
  callsPerMethodMax: 1000,
  reflectionStreamsMax: 1000,
  reflectionQuestionBytesMax: 4096,
  requestsArrivingMax: 256,
  requestTimeoutMs: 30_000,
  keepaliveIntervalMs: 60_000,
  keepaliveTimeoutMs: 20_000,
  idleConnectionMs: 300_000,
  answerBytesWaitingMax: 268_435_456,
  streamWriteTimeoutMs: 60_000,
  streamWriteBytesMax: 65_536,
  framesKept: 64,
  framesKeptBytesMax: 64 * 512,
  outageLinesPerSecondMax: 5,
  healthIntervalMs: 20,
  stopTimeoutMs: 2000,
};

export interface GrpcEdge extends AsyncDisposable {
  readonly server: GrpcServer;
  readonly address: string;
  readonly lines: readonly LogLine[];
}

export interface GrpcEdgeOptions
  extends Pick<EdgeApiOptions, 'projects' | 'apiKeys' | 'audit' | 'nodes' | 'joinTokens'> {
  readonly keys?: Keys;
  readonly port?: number;
  readonly tls?: EdgeTls | null;
  readonly trustedProxies?: readonly string[];
  readonly limits?: Partial<GrpcLimits>;
  /** What keeps the node from serving: nothing, unless the test says. */
  readonly problems?: () => Promise<readonly string[]>;
}

export async function startGrpcEdge(
  control: Partial<Control>,
  {
    keys,
    port = 0,
    trustedProxies = [],
    tls = null,
    limits = {},
    problems = async () => [],
    ...cases
  }: GrpcEdgeOptions = {},
): Promise<GrpcEdge> {
  const logger = keepingLogger();
  const server = await GrpcServer.start({
    api: edgeApi({ control, logger, ...cases, ...(keys !== undefined && { keys }) }),
    readiness: { problems },
    bounds: defaultBounds,
    logger,
    tls,
    forwarding: { trustedProxies, hopsMax: 32 },
    host: '127.0.0.1',
    port,
    limits: { ...sampleGrpcLimits, ...limits },
  });
  return {
    server,
    address: `127.0.0.1:${server.address.port}`,
    lines: logger.lines,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
