/** A control plane over a store in memory and no sockets, for tests of an edge by itself. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/core/clock.ts';
import { ControlPlane } from '../../src/core/control-plane.ts';
import { EventLog } from '../../src/core/event-log.ts';
import { HeldNode } from '../../src/core/held-node.ts';
import { HeldNodes } from '../../src/core/held-nodes.ts';
import { LoopShares } from '../../src/core/loop-shares.ts';
import type { Certificates } from '../../src/core/ports.ts';
import type { ProjectRef } from '../../src/core/project.ts';
import { Projects } from '../../src/core/projects.ts';
import { aloneOn, sampleAudit } from './core-world.ts';
import { FakeDataPlane } from './fake-data-plane.ts';
import { MemoryStore } from './memory-store.ts';
import { keepingLogger, type LogLine, sampleLogLimits } from './samples.ts';

export interface MemoryControl extends AsyncDisposable {
  readonly control: ControlPlane;
  readonly store: MemoryStore;
  readonly dataPlane: FakeDataPlane;
  readonly nodes: HeldNodes;
  readonly recorder: HeldNode['recorder'];
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

export async function memoryControl({
  followersMax = 100,
  loop = new LoopShares<ProjectRef>({ pieceItemsMax: 5, turnMs: 0 }),
} = {}): Promise<MemoryControl> {
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
  const audit = sampleAudit(clock);
  const projects = new Projects(store.projects, logger);
  const shared = {
    ...{ pid: process.pid, store, eventLog, audit, certificates, clock, logger, projects, onFatal },
    limits: {
      listenersMax: 1000,
      specBytesMax: 1e9,
      drainMsMax: 86_400_000,
      drawTriesMax: 10,
      portRestMs: 60_000,
      restingPortsMax: 100,
    },
    portRules: {
      reservedPorts: [],
      isPrivilegedAllowed: false,
      drawnFrom: null,
      listenHost: '127.0.0.1',
    },
    bounds: { specBytesMax: 1e9, faultsMax: 16 },
    makeId: () => randomUUID(),
    bindsAtOnceMax: 8,
    pages: { sizeMax: 100, bytesMax: 1e9 },
  };
  const own = new HeldNode({ ...shared, nodeId, node: writer });
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
    loop,
    limits: {
      followersMax,
      closeTimeoutMs: 5000,
      waitRowsMax: 10_000,
      pingTimeoutMs: 2000,
      pingAgeMs: 0,
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
    nodes,
    recorder: own.recorder,
    eventLog,
    lines: logger.lines,
    async [Symbol.asyncDispose]() {
      control.endStreams();
      await eventLog.drain(AbortSignal.timeout(1000));
    },
  };
}
