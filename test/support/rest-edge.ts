/** The REST edge by itself: over HTTP on a port of the kernel's choice, its control plane in memory. */
import pino from 'pino';
import { LongPages } from '../../src/api/long-pages.ts';
import { defaultBounds } from '../../src/core/listener-bounds.ts';
import { LoopShares } from '../../src/core/loop-shares.ts';
import { defaultProject, type ProjectRef } from '../../src/core/project.ts';
import type { HttpLimits } from '../../src/http/edge.ts';
import { HttpServer, type HttpServerOptions } from '../../src/http/http-server.ts';
import { longPageLimits } from '../../src/limits.ts';
import { type EdgeApiOptions, edgeApi } from './edge-api.ts';
import { type MemoryControl, memoryControl } from './memory-control.ts';
import { tokenKeys } from './token-keys.ts';

export interface RestEdge extends MemoryControl {
  readonly url: string;
  readonly port: number;
  readonly server: HttpServer;
  /** What it has logged, parsed. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
}

export const restLimits: HttpLimits = {
  bodyBytesMax: 100_000,
  bodyDepthMax: 32,
  bodyPartsMax: 32_768,
  bodyEntriesMax: 1024,
  bodyBytesArrivingMax: 10_000_000,
  headerBytesMax: 16_384,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 10_000,
  keepAliveTimeoutMs: 10_000,
  connectionsMax: 100,
  requestsPerConnectionMax: 16,
  answerBytesWaitingMax: 100_000_000,
  responseWriteTimeoutMs: 10_000,
  streamWriteTimeoutMs: 10_000,
  outageLinesPerSecondMax: 5,
  stopTimeoutMs: 2000,
};

export interface RestEdgeOptions
  extends Partial<Omit<HttpServerOptions, 'limits' | 'api'>>,
    Partial<Omit<EdgeApiOptions, 'logger'>> {
  readonly limits?: Partial<HttpLimits>;
  readonly followersMax?: number;
  readonly loop?: LoopShares<ProjectRef>;
  /** A page of more is a long one. */
  readonly pieceItemsMax?: number;
}

/** Who has not this token is refused. */
export function guardedRestEdge(token: string): Promise<RestEdge> {
  return restEdge({ keys: tokenKeys(token) });
}

export async function restEdge(given: RestEdgeOptions = {}): Promise<RestEdge> {
  await using resources = new AsyncDisposableStack();
  const { followersMax = 100, pieceItemsMax = 5 } = given;
  const { loop = new LoopShares<ProjectRef>({ pieceItemsMax, turnMs: 0 }) } = given;
  const memory = resources.use(await memoryControl({ followersMax, loop }));
  const longPages = new LongPages({
    projects: { of: async () => defaultProject },
    loop,
    limits: { ...longPageLimits, pieceItemsMax },
  });
  const log: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => void log.push(JSON.parse(line)) };
  const logger = given.logger ?? pino({ level: 'debug' }, stream);
  const world = { control: memory.control, idempotencyKeys: memory.store.idempotencyKeys, logger };
  const server = await HttpServer.start({
    api: edgeApi({ ...world, longPages, ...given, logger }),
    readiness: memory.control,
    version: '1.2.3',
    bounds: defaultBounds,
    host: '127.0.0.1',
    port: 0,
    isMetricsOpen: false,
    allowedHosts: [],
    corsOrigins: [],
    tls: null,
    forwarding: { trustedProxies: [], hopsMax: 32 },
    metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'kodama_workers 1\n' },
    ...given,
    logger,
    limits: { ...restLimits, ...given.limits },
  });
  resources.use(server);
  resources.defer(() => memory.control.endStreams());
  const { port } = server.address;
  const all = resources.move();
  return {
    ...memory,
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    log,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
