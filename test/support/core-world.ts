/** The whole of core over a store in memory and a data plane without sockets. */
import type { Commit } from '../../src/core/append-queue.ts';
import { type Caller, operator } from '../../src/core/caller.ts';
import { ControlPlane } from '../../src/core/control-plane.ts';
import { AppError } from '../../src/core/errors.ts';
import { EventLog, type EventLogLimits } from '../../src/core/event-log.ts';
import { HeldNode } from '../../src/core/held-node.ts';
import { HeldNodes } from '../../src/core/held-nodes.ts';
import type { Listener, NewListener } from '../../src/core/listener.ts';
import type { PortRange } from '../../src/core/listener-ports.ts';
import { LoopShares } from '../../src/core/loop-shares.ts';
import type { OtherNodes } from '../../src/core/node-command.ts';
import type { Placement } from '../../src/core/placement.ts';
import type { Certificates, Clock } from '../../src/core/ports.ts';
import { Projects } from '../../src/core/projects.ts';
import { ResourceAudit } from '../../src/core/resource-audit.ts';
import { FakeDataPlane } from './fake-data-plane.ts';
import { MemoryStore } from './memory-store.ts';
import { handClock, keepingLogger, sampleId, sampleLogLimits } from './samples.ts';

interface WorldOptions {
  readonly pingAgeMs?: number;
  readonly store?: MemoryStore;
  readonly limits?: Partial<EventLogLimits>;
  readonly listenersMax?: number;
  /** Bytes of one listener, of all, and of a page. */
  readonly specBytesMax?: number;
  readonly nodeBytesMax?: number;
  readonly pageBytesMax?: number;
  readonly bindsAtOnceMax?: number;
  readonly followersMax?: number;
  readonly drawnFrom?: PortRange;
  readonly clock?: ReturnType<typeof handClock>;
}

const certificates: Certificates = {
  prepare: async ({ cert, key, ...rest }) => ({
    settings: {
      ...rest,
      cert: cert ?? 'a certificate',
      isSelfSigned: cert === null,
      fingerprint256: 'AB:CD',
    },
    key: key ?? 'a key',
  }),
};

/** Whoever may do all, and is there to the end. */
export const caller: Caller = {
  ...operator,
  operation: 'any',
  requestId: 'request',
  sourceIp: null,
  userAgent: null,
  signal: new AbortController().signal,
};

export async function createListener(
  control: Pick<ControlPlane, 'createListeners'>,
  input: NewListener,
): Promise<Listener> {
  const [listener] = await control.createListeners(caller, [input]);
  if (listener === undefined) throw new TypeError('one in, one out');
  return listener;
}

/** A fleet of one node: what is asked of others is refused. */
export function aloneOn(nodes: HeldNodes, store: MemoryStore) {
  const others: OtherNodes = {
    whereIs: (nodeId) => store.nodes.whereIs(nodeId),
    run: async () => {
      throw new AppError('unavailable', 'nobody answers for other nodes');
    },
  };
  const placement: Placement = {
    place: async (_project, _inputs, make) => {
      if (nodes.own === null) throw new TypeError('a world has a node of its own');
      return await make({ nodeId: nodes.own.nodeId, isHere: true });
    },
  };
  return { nodes, others, placement };
}

/** Its entries have ids of their own, in order. */
export function sampleAudit(clock: Clock): ResourceAudit {
  let entries = 0;
  const makeId = () => {
    entries += 1;
    return `01a00000-0000-7000-8000-${entries.toString(16).padStart(12, '0')}`;
  };
  return new ResourceAudit({ clock, makeId });
}

/** The numbers of the ids go on over all worlds of a test, as ids do over restarts. */
let lastId = 1000;

export async function makeWorld(options: WorldOptions = {}) {
  const store = options.store ?? new MemoryStore();
  const clock = options.clock ?? handClock(Date.now() * 1000);
  const logger = keepingLogger();
  const fatal: unknown[] = [];
  const commits: Commit[] = [];
  const node = await store.nodes.takeOwn();
  const eventLog = await EventLog.open({
    store,
    writer: node,
    log: logger,
    limits: {
      ...sampleLogLimits,
      ...(options.pageBytesMax !== undefined && { pageBytesMax: options.pageBytesMax }),
      ...options.limits,
    },
    onFatal: (error) => fatal.push(error),
    onCommit: (commit) => commits.push(commit),
  });
  const audit = sampleAudit(clock);
  const onFatal = (error: unknown) => void fatal.push(error);
  const projects = new Projects(store.projects, logger);
  const shared = {
    pid: process.pid,
    ...{ store, eventLog, projects, audit, onFatal },
    certificates,
    clock,
    logger,
    limits: {
      listenersMax: options.listenersMax ?? 100,
      specBytesMax: options.nodeBytesMax ?? 1e9,
      drainMsMax: 60_000,
      drawTriesMax: 5,
      portRestMs: 60_000,
      restingPortsMax: 100,
    },
    bounds: { specBytesMax: options.specBytesMax ?? 1e9, faultsMax: 16 },
    portRules: {
      reservedPorts: [8080],
      isPrivilegedAllowed: false,
      drawnFrom: options.drawnFrom ?? null,
      listenHost: '127.0.0.1',
    },
    makeId: () => {
      lastId += 1;
      return sampleId(lastId);
    },
    bindsAtOnceMax: options.bindsAtOnceMax ?? 8,
    pages: { sizeMax: 3, bytesMax: options.pageBytesMax ?? 1e9 },
  };
  const own = new HeldNode({ ...shared, nodeId: store.nodeId, node });
  const dataPlane = new FakeDataPlane(own.events);
  own.serve(dataPlane);
  const nodes = new HeldNodes();
  nodes.addOwn(own);
  const control = new ControlPlane({
    sweeps: { suspended: [] },
    ...shared,
    ...aloneOn(nodes, store),
    version: '1.2.3',
    retention: { stateOf: () => ({ clockAheadMs: 0, bytes: 0 }) },
    loop: new LoopShares({ pieceItemsMax: 5, turnMs: 0 }),
    limits: {
      pageEventsMax: sampleLogLimits.pageEventsMax,
      pageBytesMax: options.pageBytesMax ?? sampleLogLimits.pageBytesMax,
      pageFillMs: 500,
      labelledListenersMax: 100,
      followersMax: options.followersMax ?? 10,
      closeTimeoutMs: 5000,
      waitRowsMax: 10_000,
      pingTimeoutMs: 2000,
      pingAgeMs: options.pingAgeMs ?? 0,
      commitTimeoutMs: 5000,
    },
  });
  return {
    ...shared,
    ...{ nodeId: store.nodeId, dataPlane, own, control },
    ...{ set: own.set, recorder: own.recorder, observer: own.observer },
    restingPorts: own.restingPorts,
    ...{ listeners: own.listeners, recovery: own.recovery },
    ...{ fatal, commits },
    history: store.database.history,
    /** The types of a listener's events, in order. */
    typesOf: (id: string) =>
      store.database.history
        .filter((event) => event.listenerId === id && 'listener' in event)
        .map(({ type }) => type),
  };
}
