/** The core of a replica that holds no echo sockets of its own, over a real database; and an agent without a host. */
import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { systemClock } from '../../src/core/clock.ts';
import { ControlPlane } from '../../src/core/control-plane.ts';
import { EventLog } from '../../src/core/event-log.ts';
import { HeldNodes } from '../../src/core/held-nodes.ts';
import { LoopShares } from '../../src/core/loop-shares.ts';
import type { DataPlane, Logger, Observed } from '../../src/core/ports.ts';
import { Projects } from '../../src/core/projects.ts';
import type { WorkerRecord } from '../../src/core/record.ts';
import { ResourceAudit } from '../../src/core/resource-audit.ts';
import { Turns } from '../../src/core/turns.ts';
import type { Goodbye, NodeHello, NodeSession } from '../../src/fleet/admission.ts';
import { NodeCommands } from '../../src/fleet/node-commands.ts';
import { Placements } from '../../src/fleet/placements.ts';
import { Sessions } from '../../src/fleet/sessions.ts';
import { fleetLimits } from '../../src/limits.ts';
import { PostgresStore } from '../../src/postgres/postgres-store.ts';
import { certificatesIn } from '../../src/tls/certificates.ts';
import { FakeDataPlane } from './fake-data-plane.ts';
import { keepingLogger, sampleLogLimits } from './samples.ts';
import type { Tune } from './test-app.ts';

export interface Replica extends AsyncDisposable {
  readonly store: PostgresStore;
  readonly control: ControlPlane;
  readonly sessions: Sessions;
  readonly nodes: HeldNodes;
  readonly eventLog: EventLog;
}

export async function startReplica(
  url: string,
  name: string,
  given: Partial<typeof fleetLimits> = {},
  logger: Logger = keepingLogger(),
): Promise<Replica> {
  const fleet = { ...fleetLimits, beatsEveryMs: 20, ...given };
  await using resources = new AsyncDisposableStack();
  const clock = systemClock();
  const onFatal = (error: unknown) => {
    throw error;
  };
  const options = { connectionString: url, nodeId: name, log: logger, limits: { absenceMs: 10 } };
  const store = resources.use(await PostgresStore.open(options));
  const writer = await store.nodes.takeOwn();
  const limits = { ...sampleLogLimits, commandTimeoutMs: 5000 };
  const eventLog = await EventLog.open({ store, writer, log: logger, limits, onFatal });
  resources.defer(() => eventLog.drain(AbortSignal.timeout(5000)));
  const nodes = new HeldNodes();
  const projects = resources.use(new Projects(store.projects, logger));
  await projects.start(() => undefined);
  const shared = {
    ...{ pid: process.pid, store, eventLog, projects, clock, logger, nodes },
    certificates: certificatesIn(new Turns({ pieceItemsMax: 1, turnMs: 1 })),
    audit: new ResourceAudit({ clock, makeId: uuidv7 }),
    limits: {
      ...{ listenersMax: 1000, specBytesMax: 1e9, drainMsMax: 60_000, drawTriesMax: 10 },
      ...{ portRestMs: 60_000, restingPortsMax: 100 },
    },
    bounds: { specBytesMax: 1e9, faultsMax: 16 },
    portRules: {
      ...{ reservedPorts: [], isPrivilegedAllowed: false, drawnFrom: null },
      listenHost: '127.0.0.1',
    },
    makeId: uuidv7,
    bindsAtOnceMax: 8,
    pages: { sizeMax: 100, bytesMax: 1e9 },
  };
  const { sessions: rows, commands: commandRows } = store.fleet;
  const sessions = resources.use(
    new Sessions({
      ...shared,
      rows,
      limitProjects: () => undefined,
      sessionLimits: fleet,
    }),
  );
  const commands = resources.use(
    new NodeCommands({
      rows: commandRows,
      ...{ places: store.nodes, held: nodes, logger, limits: fleet },
    }),
  );
  const control = new ControlPlane({
    ...shared,
    version: '1.2.3',
    loop: new LoopShares({ pieceItemsMax: 100, turnMs: 1 }),
    others: commands,
    placement: new Placements({
      ...{ nodes: rows, held: nodes, limits: fleet },
      ownCordon: { isCordoned: async () => false },
    }),
    sweeps: { suspended: [] },
    retention: { stateOf: () => ({ clockAheadMs: 0, bytes: 0 }) },
    limits: {
      ...{ followersMax: 100, closeTimeoutMs: 500, waitRowsMax: 10_000, pingTimeoutMs: 2000 },
      ...{ pingAgeMs: 0, commitTimeoutMs: 100, pageFillMs: 500, labelledListenersMax: 100 },
      ...{ pageEventsMax: 1000, pageBytesMax: 1e9 },
    },
  });
  commands.start((...asked) => control.nodeCalls.run(...asked), { isAlone: false });
  const all = resources.move();
  return {
    ...{ store, control, sessions, nodes, eventLog },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** It sends no heartbeats: a kodama that runs beside it is tuned so, or would find it away on a slow machine. */
export const unswept: Tune = (config) => ({
  ...config,
  fleet: { ...config.fleet, missedSweeps: 1_000_000 },
});

/** An agent whose sockets are those of a FakeDataPlane, and whose stream is a call. */
export class FakeAgent {
  readonly nodeId: string;
  readonly plane: FakeDataPlane;
  readonly goodbyes: Goodbye[] = [];
  readonly bootId = randomUUID();
  /** What is not acknowledged. */
  readonly #spool = new Map<number, { records: readonly WorkerRecord[]; done: () => void }>();
  readonly #observed = new Map<string, Observed>();
  #next = 1;
  #wishEnds = 0;
  session: NodeSession | null = null;
  /** What it does and answers while this lasts is heard by nobody. */
  silence: Promise<unknown> = Promise.resolve();

  constructor(nodeId: string) {
    this.nodeId = nodeId;
    this.plane = new FakeDataPlane({
      onRecords: async (_workerId, records) => {
        const first = this.#next;
        this.#next += records.length;
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#spool.set(first, { records, done: resolve });
        this.#send(first, records);
        await promise;
      },
      onWorkerLost: () => undefined,
      onObserved: (observed) => {
        this.#observed.set(observed.listenerId, observed);
        this.session?.onObserved(observed);
      },
    });
  }

  get unacknowledged(): number {
    return this.#spool.size;
  }

  get wishEnds(): number {
    return this.#wishEnds;
  }

  #send(first: number, records: readonly WorkerRecord[]): void {
    const { session } = this;
    session?.onRecords(first, records, false).then(
      () => {
        // Of a stream that was cut no acknowledgement comes.
        if (this.session !== session) return;
        this.#spool.get(first)?.done();
        this.#spool.delete(first);
      },
      () => undefined,
    );
  }

  /** What it has in its spool is sent again, under the same numbers. */
  async connect({ sessions }: Replica, given: Partial<NodeHello> = {}): Promise<NodeSession> {
    const session = await sessions.begin(
      {
        ...{ nodeId: this.nodeId, bootId: this.bootId, version: '1.2.3', hostname: 'host' },
        ...{ addresses: ['192.0.2.1'], listenHost: '127.0.0.1', portRange: null, clockOffsetMs: 0 },
        connectionsMax: 0,
        ...given,
      },
      {
        dataPlane: this.#retelling(),
        wishEnd: () => {
          this.#wishEnds += 1;
        },
        end: (goodbye) => {
          this.goodbyes.push(goodbye);
          if (this.session === session) this.session = null;
        },
      },
    );
    this.session = session;
    session.start();
    for (const [first, { records }] of [...this.#spool]) this.#send(first, records);
    return session;
  }

  /** What it has already it tells again, once for each wish of a session. */
  #retelling(): DataPlane {
    const { plane } = this;
    return {
      open: async (binding) => {
        const bound = plane.bound.get(binding.listenerId) ?? (await plane.open(binding));
        await this.silence;
        return bound;
      },
      release: (listenerId) => plane.release(listenerId),
      wish: async (wish) => {
        await plane.wish(wish);
        const observed = this.#observed.get(wish.binding.listenerId);
        if (observed !== undefined) this.session?.onObserved(observed);
      },
      endWish: (end) => plane.endWish(end),
      limitProject: (project, limits) => plane.limitProject(project, limits),
      closeConnection: (place, mode) => plane.closeConnection(place, mode),
      status: () => plane.status(),
    };
  }

  /** The stream is cut, and neither side is told more. */
  cut(): void {
    this.session?.end();
    this.session = null;
  }
}

/** As a join makes it. Resolves with its id. */
export async function addNode(
  { store }: Replica,
  query: (text: string, values: unknown[]) => Promise<unknown>,
  name = 'dmz-1',
): Promise<string> {
  const id = randomUUID();
  await query(
    `WITH node AS (
       INSERT INTO nodes (created_at, project, is_built_in, shared, id, name, key)
       VALUES (0, 1, false, false, $1, $2, decode('00', 'hex')) RETURNING ref
     ) INSERT INTO writers (ref, epoch, append_number, id) SELECT ref, 0, 0, $1 FROM node`,
    [id, name],
  );
  await store.ping();
  return id;
}
