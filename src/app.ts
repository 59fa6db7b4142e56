/**
 * The only place that wires. Everything is started in the order in which it is needed, and stopped in the
 * reverse of it: edges, listeners with their connections, log, store.
 */
import type { Logger } from 'pino';
import type { AppliedFile } from './applied-file.ts';
import { version } from './command-line.ts';
import type { Config } from './config.ts';
import { ActivityLog } from './core/activity-log.ts';
import type { Address } from './core/address.ts';
import type { Commit } from './core/append-queue.ts';
import { AuditKeeping } from './core/audit-keeping.ts';
import { systemClock } from './core/clock.ts';
import { ControlPlane } from './core/control-plane.ts';
import { EventLog } from './core/event-log.ts';
import { HeldNode, type HeldNodeOptions } from './core/held-node.ts';
import { HeldNodes } from './core/held-nodes.ts';
import type { Listener } from './core/listener.ts';
import type { PortRules } from './core/listener-ports.ts';
import { LoopShares } from './core/loop-shares.ts';
import type { ProjectRef } from './core/project.ts';
import { Projects } from './core/projects.ts';
import { connectionLimits } from './core/quotas.ts';
import { ResourceAudit } from './core/resource-audit.ts';
import { Retention } from './core/retention.ts';
import type { Writer } from './core/writer.ts';
import { ConnectionIds } from './echo/connection-ids.ts';
import type { EdgesGround } from './edges.ts';
import { EmbeddedPostgres } from './embedded-postgres/embedded-postgres.ts';
import { DatabaseTime } from './fleet/database-time.ts';
import { makeFleet, startFleet } from './fleet-parts.ts';
import { Metrics } from './metrics/prometheus.ts';
import { orStartError } from './node/start-error.ts';
import { takeNodeId } from './node/take-node-id.ts';
import { PostgresStore } from './postgres/postgres-store.ts';
import { CertificateFiles } from './tls/certificate-files.ts';
import { certificatesIn } from './tls/certificates.ts';
import { WorkerDataPlane } from './workers/worker-data-plane.ts';

export interface AppOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Ends a start that is under way. */
  readonly signal?: AbortSignal;
  /** The process must end: what it holds is no longer its own, or a bug showed. */
  readonly onFatal: (error: unknown) => void;
}

export class App implements AsyncDisposable {
  readonly nodeId: string;
  readonly httpAddress: Address;
  readonly grpcAddress: Address;
  /** Where agents come; null: nowhere. */
  readonly gatewayUrl: string | null;
  /** What an earlier run left, as it was when everything served. */
  readonly recovered: readonly Listener[];
  readonly #resources: AsyncDisposableStack;

  private constructor(started: Started, resources: AsyncDisposableStack) {
    this.nodeId = started.nodeId;
    this.httpAddress = started.httpAddress;
    this.grpcAddress = started.grpcAddress;
    this.gatewayUrl = started.gatewayUrl;
    this.recovered = started.recovered;
    this.#resources = resources;
  }

  /** Resolves when everything serves. A start that fails leaves nothing running. */
  static async start(options: AppOptions): Promise<App> {
    await using resources = new AsyncDisposableStack();
    const started = await start(options, resources);
    return new App(started, resources.move());
  }

  /** Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

type Started = Pick<App, 'nodeId' | 'httpAddress' | 'grpcAddress' | 'gatewayUrl' | 'recovered'>;

/** What everything after the store is made of. */
interface Ground extends Omit<EdgesGround, 'fleet' | 'held'> {
  readonly nodeId: string;
  readonly node: Writer & HeldNodeOptions['node'];
  /** What cannot be done there names the variable that leads there. */
  readonly inStore: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly metrics: Metrics;
  readonly onFatal: (error: unknown) => void;
}

async function start(options: AppOptions, resources: AsyncDisposableStack): Promise<Started> {
  const { config, logger, signal } = options;
  // Who has echo sockets goes by the time of their host.
  const time = config.workers === 0 ? databaseTime(options) : null;
  const clock = time ?? systemClock();
  const ids = new ConnectionIds();
  const appliedFile = await readApplied(config);
  const certificate = await openCertificate(options, resources);
  const nodeId = await takeNodeId(config, resources);
  const database = config.databaseUrl ?? startPostgres(options, resources);
  // While PostgreSQL starts, this process has nothing to do; to load the edges takes about as long.
  const [connectionString, { startEdges }] = await Promise.all([database, import('./edges.ts')]);
  signal?.throwIfAborted();
  const loop = new LoopShares<ProjectRef>(config.turns);
  const storeName = config.databaseUrl === null ? 'the embedded database' : 'DATABASE_URL';
  const inStore: Ground['inStore'] = (work) =>
    orStartError(work, (reason) => `${storeName} cannot be used: ${reason}`);
  const store = await inStore(() =>
    PostgresStore.open({
      ...{ connectionString, nodeId, log: logger, signal, onDisplaced: options.onFatal },
      ...{ loop, clock },
      secretKeys: config.secrets.keys,
      // Who has the database to itself need not wait for others to come back.
      limits: {
        ...config.store,
        ...(config.databaseUrl === null ? { absenceMs: 0 } : config.nodes),
        projectsMax: config.tenancy.projectsMax,
      },
    }),
  );
  resources.use(store);
  const node = await inStore(() => store.takeOwn(config.workers > 0));
  await inStore(async () => resources.use(time)?.start(store.fleet.sessions));
  const projects = resources.use(
    new Projects(store.projects, logger, (project) => loop.neighbours.saw(project)),
  );
  const made = { projects, metrics: new Metrics() };
  const ownPorts = [config.http.port, config.grpc.port, config.gateway.port ?? 0];
  const reservedPorts = ownPorts.filter((port) => port !== 0);
  const ground = {
    ...options,
    ...{ node, inStore },
    clock,
    makeId: () => ids.next(clock.now()),
    nodeId,
    store,
    ...made,
    loop,
    reservedPorts,
    appliedFile,
    certificate,
  };
  const { control, own, eventLog, activity, fleet } = await startCore(ground, resources);
  signal?.throwIfAborted();
  // Who has the database to itself: any other node is gone.
  if (config.databaseUrl === null) await inStore(() => control.goneNodes.letGo());
  // A person has what listens again from the banner; a program reads only the log.
  if (config.logFormat === 'json') activity.begin();
  await inStore(() => (config.workers > 0 ? own.recovery.recover() : own.letGo()));
  activity.begin();
  const earlier = new Set(own.set.all().map(({ id }) => id));
  signal?.throwIfAborted();
  const held = own.set;
  const started = await startFleet({ ...ground, fleet, control, held }, resources);
  const addresses = await startEdges({ ...ground, fleet: started, held }, control, resources);
  const recovered = own.set.all().filter(({ id }) => earlier.has(id));
  resources.use(store.rotateSecrets(config.secrets));
  // The first thing of a stop: without its store kodama ends all the same.
  resources.defer(() => eventLog.endBy(AbortSignal.timeout(config.shutdownTimeoutMs / 2)));
  return { nodeId, recovered, gatewayUrl: started.gatewayUrl(), ...addresses };
}

function databaseTime({ config: { fleet }, logger }: AppOptions): DatabaseTime {
  return new DatabaseTime({ everyMs: fleet.sweepEveryMs, logger });
}

/** What it is made with is loaded only for who has such a file. */
async function readApplied({ applyPath }: Config): Promise<AppliedFile | null> {
  if (applyPath === null) return null;
  const { readAppliedFile } = await import('./applied-file.ts');
  return await readAppliedFile(applyPath);
}

/** Of both edges, where they speak TLS. */
async function openCertificate(
  { config: { tls }, logger }: AppOptions,
  resources: AsyncDisposableStack,
): Promise<CertificateFiles | null> {
  const { files: paths, limits } = tls;
  if (paths === null) return null;
  const names = { cert: 'KODAMA_TLS_CERT', key: 'KODAMA_TLS_KEY' };
  const owner = 'REST and gRPC';
  const open = () => CertificateFiles.open({ paths, names, owner, logger, limits });
  return resources.use(await orStartError(open, (reason) => reason));
}

async function startPostgres(
  { config, logger, signal }: AppOptions,
  resources: AsyncDisposableStack,
): Promise<string> {
  const { dataDir, postgres } = config;
  const server = await orStartError(
    () => EmbeddedPostgres.start({ dataDir, log: logger, signal, ...postgres }),
    (reason) => reason,
  );
  return resources.use(server).connectionString;
}

async function openEventLog(
  { config, logger, store, node: writer, onFatal }: Ground,
  onCommit: (commit: Commit) => void,
): Promise<EventLog> {
  const limits = { ...config.eventLog, pageBytesMax: config.bounds.pageBytesMax };
  const isAlone = config.databaseUrl === null;
  return await EventLog.open({ store, writer, log: logger, limits, isAlone, onFatal, onCommit });
}

function activityLog({ config, logger }: Ground, nodes: HeldNodes): ActivityLog {
  return new ActivityLog({
    logger,
    nameOf: (id) => nodes.listener(id)?.name ?? null,
    isInfoShown: logger.isLevelEnabled('info'),
    limits: config.logLines,
  });
}

function portRulesOf(config: Config, reservedPorts: readonly number[]): PortRules {
  const { isPrivilegedAllowed, listenPorts: drawnFrom, bounds } = config;
  return { reservedPorts, isPrivilegedAllowed, drawnFrom, listenHost: bounds.listenHost };
}

function startRetention(
  { config, store, projects, clock, logger }: Ground,
  eventLog: EventLog,
): Retention {
  const bounds = { ...config.retention, idempotencyTtlMs: config.idempotency.idempotencyTtlMs };
  const kept = { store, eventLog, projects, audit: new AuditKeeping(store.audit, config.tenancy) };
  return new Retention({ ...kept, clock, logger, ...bounds });
}

async function startCore(ground: Ground, resources: AsyncDisposableStack) {
  const { config, logger, clock, nodeId, store, projects, metrics, reservedPorts, onFatal } =
    ground;
  const { loop, makeId, node, inStore } = ground;
  const nodes = new HeldNodes();
  const activity = resources.use(activityLog(ground, nodes));
  const onCommit = (commit: Commit) => {
    metrics.onCommit(commit);
    activity.onCommit(commit);
  };
  const eventLog = await inStore(() => openEventLog(ground, onCommit));
  resources.defer(() => eventLog.drain(AbortSignal.timeout(config.shutdownTimeoutMs / 4)));
  const audit = new ResourceAudit({ clock, makeId });
  const shared = {
    pid: process.pid,
    ...{ store, eventLog, audit, clock, logger, projects, onFatal },
    certificates: certificatesIn(loop.prompt),
    limits: config.listeners,
    bounds: config.bounds,
    portRules: portRulesOf(config, reservedPorts),
    makeId,
    bindsAtOnceMax: config.dataPlane.rebindsAtOnceMax,
    pages: { sizeMax: config.bounds.pageSize.max, bytesMax: config.bounds.pageBytesMax },
  };
  const own = new HeldNode({ ...shared, nodeId, node });
  const dataPlane = await WorkerDataPlane.start({
    workers: config.workers,
    nodeId,
    log: logger,
    limits: config.dataPlane,
    onFatal,
    events: own.events,
  });
  resources.use(dataPlane);
  own.serve(dataPlane);
  if (config.workers > 0) nodes.addOwn(own);
  const limitProject: Parameters<Projects['start']>[0] = (project, { quotas }) => {
    const limits = connectionLimits(quotas);
    for (const each of nodes.all()) each.dataPlane.limitProject(project, limits);
  };
  await inStore(() => projects.start(limitProject));
  const retention = resources.use(startRetention(ground, eventLog));
  const fleet = makeFleet({ ...ground, eventLog, nodes, shared }, resources);
  const control = new ControlPlane({
    ...shared,
    version,
    nodes,
    others: fleet.commands,
    placement: fleet.placement,
    sweeps: fleet.sweeps,
    retention,
    loop,
    limits: {
      ...config.streams,
      ...config.readiness,
      pageEventsMax: config.eventLog.pageEventsMax,
      pageBytesMax: config.bounds.pageBytesMax,
    },
  });
  metrics.observe({ control, eventLog, nodes, retention, store, ...fleet });
  return { control, own, eventLog, activity, fleet };
}
