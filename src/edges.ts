/** The two edges, and what both are given. Their libraries are most of what a start loads, so app.ts loads this meanwhile. */
import type { Logger } from 'pino';
import { Api } from './api/call.ts';
import { CallLines } from './api/call-lines.ts';
import { FailureLog } from './api/failure-log.ts';
import { LongPages } from './api/long-pages.ts';
import { operations } from './api/operations.ts';
import { type AppliedFile, applyAtStart } from './applied-file.ts';
import { version } from './command-line.ts';
import type { Config } from './config.ts';
import type { Address } from './core/address.ts';
import type { Caller } from './core/caller.ts';
import type { ControlPlane } from './core/control-plane.ts';
import { holderWords } from './core/listener-ports.ts';
import type { ListenerSet } from './core/listener-set.ts';
import type { LoopShares } from './core/loop-shares.ts';
import type { Clock } from './core/ports.ts';
import type { ProjectRef } from './core/project.ts';
import type { Projects } from './core/projects.ts';
import { RequestRates } from './core/request-rates.ts';
import type { Store } from './core/store.ts';
import { LeftCalls } from './core/while-there.ts';
import type { EdgeTls } from './edge-sockets/edge-tls.ts';
import { JoinTokenCases } from './fleet/join-tokens.ts';
import type { Node } from './fleet/node.ts';
import { NodeCases } from './fleet/nodes.ts';
import type { FleetStore } from './fleet/store.ts';
import { GrpcServer } from './grpc/grpc-server.ts';
import { isInternal } from './grpc/status.ts';
import type { MetricsText } from './http/edge.ts';
import { HttpServer } from './http/http-server.ts';
import { orStartError } from './node/start-error.ts';
import { AuditCases } from './tenancy/audit-cases.ts';
import { KeyRing } from './tenancy/key-ring.ts';
import { KeyCases } from './tenancy/keys.ts';
import { ProjectCases } from './tenancy/projects.ts';
import { Refusals } from './tenancy/refusals.ts';
import type { TenancyStore } from './tenancy/store.ts';
import { TenancyUpkeep } from './tenancy/upkeep.ts';

interface EdgesStore {
  readonly tenancy: TenancyStore;
  readonly fleet: FleetStore;
  /** Connections to the database that could not be made. */
  readonly connectFailures: number;
}

export interface EdgesGround {
  readonly config: Config;
  readonly nodeId: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly makeId: () => string;
  readonly store: Store & EdgesStore;
  readonly projects: Projects;
  readonly loop: LoopShares<ProjectRef>;
  readonly metrics: MetricsText & { countUnauthenticated(): void };
  /** Those that are configured, and then those that the edges are bound to. */
  readonly reservedPorts: number[];
  /** Applied before either edge answers. */
  readonly appliedFile: AppliedFile | null;
  /** Null: both edges are plain. */
  readonly certificate: EdgeTls['certificate'] | null;
  readonly signal?: AbortSignal;
  readonly fleet: FleetGround;
  /** Own listeners, which listen before the edges do. */
  readonly held: Pick<ListenerSet, 'all'>;
}

/** What what is done with nodes and join tokens needs of whoever has the sessions. */
export interface FleetGround {
  readonly end: (by: Caller, node: Node) => Promise<void>;
  /** Null where its certificate is one that an authority vouches for. */
  readonly pin: () => string | null;
  /** Null: the gateway is off. */
  readonly gatewayUrl: () => string | null;
}

/** Resolves when both are bound. */
export async function startEdges(
  ground: EdgesGround,
  control: ControlPlane,
  resources: AsyncDisposableStack,
): Promise<{ readonly httpAddress: Address; readonly grpcAddress: Address }> {
  const { config, nodeId, logger, clock, store, projects, metrics, reservedPorts } = ground;
  const { certificate, held } = ground;
  const keysOf = async (caller: Pick<Caller, 'project'>) =>
    store.of(await projects.of(caller)).idempotencyKeys;
  const { http, grpc, bounds, idempotency } = config;
  const { keys, refusals, cases } = openTenancy(ground, control, resources);
  const failures = resources.use(new FailureLog({ logger, limits: grpc.limits, isInternal }));
  const api = new Api({
    world: { control, bounds, clock, ...cases },
    operations: operations(bounds, config.listeners),
    keys,
    rates: new RequestRates(projects),
    refusals,
    longPages: new LongPages({ projects, loop: ground.loop, limits: config.turns }),
    callLines: new CallLines(config.turns, ground.loop.neighbours),
    leftCalls: new LeftCalls({
      limits: config.calls,
      onFailed: (error, of) => failures.tell(error, of),
    }),
    idempotency: { keysOf, clock, logger, limits: idempotency },
  });
  const { appliedFile, signal = new AbortController().signal } = ground;
  if (appliedFile !== null) await applyAtStart(appliedFile, { api, nodeId, logger, signal });
  const { forwarding } = config;
  const tls = certificate === null ? null : { certificate, limits: config.tls.limits };
  const shared = { api, bounds, logger, readiness: control, forwarding, tls };
  const grpcServer = await orStartError(
    () => GrpcServer.start({ ...shared, ...grpc }),
    (reason) => `${reason} (KODAMA_GRPC_HOST, KODAMA_GRPC_PORT)${holderWords(grpc, held.all())}`,
  );
  resources.use(grpcServer);
  const { allowedHosts, corsOrigins, isMetricsOpen } = config;
  const own = { version, metrics, isMetricsOpen, allowedHosts, corsOrigins };
  const edge = { ...shared, ...http, ...own };
  const httpServer = await orStartError(
    () => HttpServer.start(edge),
    (reason) => `${reason} (KODAMA_HTTP_HOST, KODAMA_HTTP_PORT)${holderWords(http, held.all())}`,
  );
  resources.use(httpServer);
  // Streams end before their servers wait for them.
  resources.defer(() => control.endStreams());
  reservedPorts.push(httpServer.address.port, grpcServer.address.port);
  return { httpAddress: httpServer.address, grpcAddress: grpcServer.address };
}

/** Who may call, and what can be done with projects, keys and nodes. */
function openTenancy(ground: EdgesGround, control: ControlPlane, resources: AsyncDisposableStack) {
  const { config, clock, makeId, logger, store, metrics, projects: known } = ground;
  const { projects: projectRows, keys: keyRows, removal, wakes } = store.tenancy;
  const { apiToken, tenancy: limits } = config;
  const isOpen = apiToken === null;
  const projectOf = (caller: Pick<Caller, 'project'>) => known.of(caller);
  const refusals = resources.use(
    new Refusals({ audit: store.audit, projectOf, clock, logger, limits }),
  );
  const onUnauthenticated = () => metrics.countUnauthenticated();
  const told = { refusals, onUnauthenticated, clock, logger };
  const ring = { keys: keyRows, wakes, apiToken, isOpen, ...told, limits };
  resources.defer(wakes.onChange(() => known.forget()));
  const shared = { wakes, clock, makeId };
  const streamsOf = (project: ProjectRef) => control.streamsOf(project);
  const { retention } = config;
  const projects = new ProjectCases({ ...shared, rows: projectRows, streamsOf, retention });
  const keys = new KeyCases({ ...shared, rows: keyRows, projects, limits });
  const close = (project: ProjectRef) => control.closeProject(project);
  const { nodeRows, joinTokens: tokenRows } = store.fleet;
  // What is on record of a node's connections is older than that by then, and gone.
  const oldest = () => clock.now() - config.retention.ageMs * 1000;
  const removedNodes = {
    purge: (before: number, limit: number) => nodeRows.purge(Math.min(before, oldest()), limit),
  };
  const ending = [keyRows, tokenRows, removedNodes];
  const upkeep = { removal, ending, wakes, close, clock, logger, limits };
  resources.use(new TenancyUpkeep(upkeep));
  const { pageBytesMax } = config.bounds;
  const audit = new AuditCases({ log: store.audit, projects, pageBytesMax });
  const { fleet } = ground;
  const nodes = new NodeCases({ ...fleet, rows: nodeRows, projects, wakes, clock });
  const joinTokens = new JoinTokenCases({
    ...{ ...shared, ...fleet, rows: tokenRows, projects, limits: config.fleet },
  });
  const cases = { projects, keys, audit, nodes, joinTokens };
  return { keys: resources.use(new KeyRing(ring)), refusals, cases };
}
