/** A control plane over a store in memory and no sockets, for tests of an edge by itself. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/core/clock.ts';
import { ControlPlane } from '../../src/core/control-plane.ts';
import { EventLog } from '../../src/core/event-log.ts';
import { ListenerObserver } from '../../src/core/listener-observer.ts';
import { ListenerSet } from '../../src/core/listener-set.ts';
import { Listeners } from '../../src/core/listeners.ts';
import type { Certificates } from '../../src/core/ports.ts';
import { Projects } from '../../src/core/projects.ts';
import { Recorder } from '../../src/core/recorder.ts';
import { RestingPorts } from '../../src/core/resting-ports.ts';
import { Turns } from '../../src/core/turns.ts';
import { sampleAudit, tellsTo } from './core-world.ts';
import { FakeDataPlane } from './fake-data-plane.ts';
import { MemoryStore } from './memory-store.ts';
import { keepingLogger, type LogLine, sampleLogLimits } from './samples.ts';

export interface MemoryControl extends AsyncDisposable {
  readonly control: ControlPlane;
  readonly store: MemoryStore;
  readonly dataPlane: FakeDataPlane;
  readonly recorder: Recorder;
  readonly eventLog: EventLog;
  readonly lines: readonly LogLine[];
}

const certificates: Certificates = {
  prepare: async ({ cert, ...rest }) => ({
    settings: {
      ...rest,
      cert: cert ?? 'PEM of a certificate',
      isSelfSigned: cert === null,
      fingerprint256: 'AB:CD',
    },
    key: 'PEM of a key',
  }),
};

export async function memoryControl({ followersMax = 100 } = {}): Promise<MemoryControl> {
  const clock = systemClock();
  const logger = keepingLogger();
  const nodeId = 'node-1';
  const store = new MemoryStore({ nodeId, clock });
  const onFatal = (error: unknown) => {
    throw error;
  };
  const writer = await store.nodes.takeOwn();
  const log = { store, writer, log: logger, limits: sampleLogLimits, onFatal };
  const eventLog = await EventLog.open(log);
  const set = new ListenerSet();
  const audit = sampleAudit(clock);
  const recorder = new Recorder({ nodeId, log: eventLog, clock, logger, audit });
  const restingPorts = new RestingPorts({ portRestMs: 60_000, restingPortsMax: 100 });
  const observed = { set, eventLog, recorder, restingPorts, audit, clock, onFatal };
  const observer = new ListenerObserver(observed);
  const projects = new Projects(store.projects, logger);
  const dataPlane = new FakeDataPlane(tellsTo({ recorder, observer, onFatal }));
  const shared = {
    ...{ nodeId, pid: process.pid, set, store, eventLog, recorder, dataPlane, audit },
    ...{ certificates, clock, logger, projects, restingPorts },
  };
  const listeners = new Listeners({
    ...shared,
    limits: { listenersMax: 1000, specBytesMax: 1e9, drainMsMax: 86_400_000, drawTriesMax: 10 },
    portRules: {
      reservedPorts: [],
      isPrivilegedAllowed: false,
      drawnFrom: null,
      listenHost: '127.0.0.1',
    },
    bounds: { specBytesMax: 1e9, faultsMax: 16 },
    makeId: () => randomUUID(),
  });
  const control = new ControlPlane({
    ...shared,
    version: '1.2.3',
    retention: { stateOf: () => ({ clockAheadMs: 0, bytes: 0 }) },
    listeners,
    turns: new Turns({ pieceItemsMax: 5, turnMs: 0 }),
    limits: {
      followersMax,
      closeTimeoutMs: 5000,
      waitRowsMax: 10_000,
      pingTimeoutMs: 2000,
      commitTimeoutMs: 5000,
      pageFillMs: 500,
      labelledListenersMax: 100,
      pageEventsMax: sampleLogLimits.pageEventsMax,
      pageBytesMax: sampleLogLimits.pageBytesMax,
    },
  });
  return {
    control,
    store,
    dataPlane,
    recorder,
    eventLog,
    lines: logger.lines,
    async [Symbol.asyncDispose]() {
      control.endStreams();
      await eventLog.drain(AbortSignal.timeout(1000));
    },
  };
}
