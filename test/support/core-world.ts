/** The whole of core over a store in memory and a data plane without sockets. */
import { type Caller, operator } from '../../src/core/caller.ts';
import { ControlPlane } from '../../src/core/control-plane.ts';
import { EventLog, type EventLogLimits } from '../../src/core/event-log.ts';
import type { Listener, NewListener } from '../../src/core/listener.ts';
import { ListenerObserver } from '../../src/core/listener-observer.ts';
import type { PortRange } from '../../src/core/listener-ports.ts';
import { ListenerRecovery } from '../../src/core/listener-recovery.ts';
import { ListenerSet } from '../../src/core/listener-set.ts';
import { Listeners } from '../../src/core/listeners.ts';
import type { Certificates, Clock, DataPlaneEvents } from '../../src/core/ports.ts';
import { Projects } from '../../src/core/projects.ts';
import { Recorder } from '../../src/core/recorder.ts';
import { ResourceAudit } from '../../src/core/resource-audit.ts';
import { RestingPorts } from '../../src/core/resting-ports.ts';
import { Turns } from '../../src/core/turns.ts';
import { FakeDataPlane } from './fake-data-plane.ts';
import { MemoryStore } from './memory-store.ts';
import { handClock, keepingLogger, sampleId, sampleLogLimits } from './samples.ts';

interface WorldOptions {
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

/** Where a data plane tells what happened, as app.ts has it. */
export function tellsTo(core: {
  readonly recorder: Recorder;
  readonly observer: ListenerObserver;
  readonly onFatal: (error: unknown) => void;
}): DataPlaneEvents {
  const { recorder, observer, onFatal } = core;
  return {
    onRecords: (...report) => recorder.record(...report),
    onWorkerLost: (workerId) => void recorder.workerLost(workerId).catch(onFatal),
    onObserved: (observed) => observer.observe(observed),
  };
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
  });
  const set = new ListenerSet();
  const audit = sampleAudit(clock);
  const recorder = new Recorder({ nodeId: store.nodeId, log: eventLog, clock, logger, audit });
  const onFatal = (error: unknown) => void fatal.push(error);
  const restingPorts = new RestingPorts({ portRestMs: 60_000, restingPortsMax: 100 });
  const observed = { set, eventLog, recorder, restingPorts, audit, clock, onFatal };
  const observer = new ListenerObserver(observed);
  const projects = new Projects(store.projects, logger);
  const dataPlane = new FakeDataPlane(tellsTo({ recorder, observer, onFatal }));
  const shared = {
    nodeId: store.nodeId,
    pid: process.pid,
    ...{ set, store, eventLog, recorder, dataPlane, projects, restingPorts, audit },
    certificates,
    clock,
    logger,
    limits: {
      listenersMax: options.listenersMax ?? 100,
      specBytesMax: options.nodeBytesMax ?? 1e9,
      drainMsMax: 60_000,
      drawTriesMax: 5,
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
  };
  const listeners = new Listeners(shared);
  const recovery = new ListenerRecovery({
    ...shared,
    node,
    listeners,
    observer,
    bindsAtOnceMax: options.bindsAtOnceMax ?? 8,
    pages: { sizeMax: 3, bytesMax: options.pageBytesMax ?? 1e9 },
  });
  const control = new ControlPlane({
    ...shared,
    version: '1.2.3',
    retention: { stateOf: () => ({ clockAheadMs: 0, bytes: 0 }) },
    listeners,
    turns: new Turns({ pieceItemsMax: 5, turnMs: 0 }),
    limits: {
      pageEventsMax: sampleLogLimits.pageEventsMax,
      pageBytesMax: options.pageBytesMax ?? sampleLogLimits.pageBytesMax,
      pageFillMs: 500,
      labelledListenersMax: 100,
      followersMax: options.followersMax ?? 10,
      closeTimeoutMs: 5000,
      waitRowsMax: 10_000,
      pingTimeoutMs: 2000,
      commitTimeoutMs: 5000,
    },
  });
  return {
    ...shared,
    observer,
    listeners,
    recovery,
    control,
    fatal,
    history: store.database.history,
    /** The types of a listener's events, in order. */
    typesOf: (id: string) =>
      store.database.history
        .filter((event) => event.listenerId === id && 'listener' in event)
        .map(({ type }) => type),
  };
}
