/** The gRPC edge by itself, over a control plane that the test makes up. */
import { systemClock } from '../../src/core/clock.ts';
import { defaultBounds } from '../../src/core/listener-bounds.ts';
import type { Control } from '../../src/grpc/edge.ts';
import type { GrpcLimits } from '../../src/grpc/grpc-limits.ts';
import { GrpcServer } from '../../src/grpc/grpc-server.ts';
import { keepingLogger, type LogLine } from './samples.ts';

export const sampleGrpcLimits: GrpcLimits = {
  messageBytesMax: 1_048_576,
  connectionsMax: 100,
  callsPerConnectionMax: 100,
  callsPerMethodMax: 1000,
  requestsArrivingMax: 256,
  requestTimeoutMs: 30_000,
  keepaliveIntervalMs: 60_000,
  keepaliveTimeoutMs: 20_000,
  idleConnectionMs: 300_000,
  streamWriteTimeoutMs: 60_000,
  streamWriteBytesMax: 65_536,
  framesKept: 64,
  framesKeptBytesMax: 64 * 512,
  drainMsMax: 86_400_000,
  stopTimeoutMs: 2000,
};

export interface GrpcEdge extends AsyncDisposable {
  readonly server: GrpcServer;
  readonly address: string;
  readonly lines: readonly LogLine[];
}

export interface GrpcEdgeOptions {
  readonly apiToken?: string;
  readonly port?: number;
  readonly limits?: Partial<GrpcLimits>;
}

/** The control plane of the test, whole or in part. */
function controlOf(given: Partial<Control>): Control {
  return new Proxy({} as Control, {
    get(_, name) {
      const method: unknown = Reflect.get(given, name);
      if (typeof method === 'function') return method.bind(given);
      return () => {
        throw new Error(`the test did not expect a call of ${String(name)}`);
      };
    },
  });
}

export async function startGrpcEdge(
  control: Partial<Control>,
  { apiToken, port = 0, limits = {} }: GrpcEdgeOptions = {},
): Promise<GrpcEdge> {
  const logger = keepingLogger();
  const server = await GrpcServer.start({
    control: controlOf(control),
    bounds: defaultBounds,
    clock: systemClock(),
    logger,
    host: '127.0.0.1',
    port,
    apiToken: apiToken ?? null,
    limits: { ...sampleGrpcLimits, ...limits },
  });
  return {
    server,
    address: `127.0.0.1:${server.address.port}`,
    lines: logger.lines,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
