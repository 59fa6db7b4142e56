/** Listeners, connections and events as tests need them: whole, and different in what the test names. */
import type { Connection } from '../../src/core/connection.ts';
import type { EventDraft } from '../../src/core/event.ts';
import type { EventLogLimits } from '../../src/core/event-log.ts';
import type { Fault } from '../../src/core/fault.ts';
import type { Listener, ListenerLimits } from '../../src/core/listener.ts';
import type { HostedListener } from '../../src/core/listener-ports.ts';
import type { Clock, Logger } from '../../src/core/ports.ts';
import { defaultProject } from '../../src/core/project.ts';

/** A UUID that orders by its number. */
export function sampleId(number: number): string {
  return `01900000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

export const sampleLimits: ListenerLimits = {
  maxConnections: 1000,
  maxConnectionsPerSource: null,
  acceptRate: null,
  idleTimeoutMs: null,
  maxDurationMs: null,
  maxBytes: null,
  writeTimeoutMs: null,
  udpIdleTimeoutMs: 30_000,
  allowCidrs: [],
  denyCidrs: [],
};

export const sampleFault: Fault = {
  name: 'latency',
  type: 'latency',
  delayMs: 10,
  jitterMs: 0,
  distribution: 'uniform',
  probability: 1,
  seed: null,
  match: {},
  enabled: true,
  expiresAt: null,
};

export function sampleNewListener(given: Partial<HostedListener> = {}): HostedListener {
  return {
    name: null,
    labels: {},
    protocol: 'tcp',
    host: '127.0.0.1',
    port: 0,
    mode: 'echo',
    limits: sampleLimits,
    faults: [],
    tls: null,
    proxyProtocol: { mode: 'off', trustedCidrs: [] },
    recording: 'batched',
    placement: null,
    expiresAt: null,
    ...given,
  };
}

export function sampleListener(given: Partial<Listener> = {}): Listener {
  return {
    ...sampleNewListener(),
    tls: null,
    id: sampleId(1),
    project: defaultProject,
    revision: 0,
    generation: 1,
    laddr: { ip: '127.0.0.1', port: 40_000 },
    state: 'listening',
    reason: null,
    sockets: [{ pid: 100, fd: 20 }],
    ...{ nodeId: 'node-a', nodeName: 'node-a', observedGeneration: 1 },
    openConnections: 0,
    totalConnections: 0,
    createdAt: 1_000_000,
    updatedAt: 1_000_000,
    closedAt: null,
    ...given,
  };
}

export function sampleConnection(given: Partial<Connection> = {}): Connection {
  return {
    id: sampleId(100),
    listenerId: sampleId(1),
    nodeId: 'node-a',
    protocol: 'tcp',
    laddr: { ip: '127.0.0.1', port: 40_000 },
    raddr: { ip: '127.0.0.1', port: 50_000 },
    declaredRaddr: null,
    pid: 100,
    fd: 30,
    state: 'open',
    acceptedAt: 1_000_000,
    firstByteAt: null,
    lastByteAt: null,
    halfClosedAt: null,
    closedAt: null,
    bytesIn: 0,
    bytesOut: 0,
    closeInitiator: null,
    closeReason: null,
    error: null,
    tls: null,
    ...given,
  };
}

/** A connection_opened event. */
export function sampleEvent(given: Partial<Connection> = {}): EventDraft {
  const connection = sampleConnection(given);
  const { listenerId, acceptedAt: time } = connection;
  return { type: 'connection_opened', time, listenerId, connection };
}

export const sampleLogLimits: EventLogLimits = {
  commitEventsMax: 100,
  commitProjectsMax: 10,
  gatherMs: 0,
  gatherEventsMax: 50,
  commitBytesMax: 1_000_000,
  ringEventsMax: 100,
  ringBytesMax: 1e9,
  logsMax: 10,
  pageEventsMax: 10,
  pageBytesMax: 1e9,
  commandsMax: 10,
  commandsBytesMax: 10_000_000,
  commandTimeoutMs: 10_000,
  retryMinMs: 1,
  retryMaxMs: 2,
};

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

/** Keeps what it is told. */
export function keepingLogger(lines: LogLine[] = []): Logger & { readonly lines: LogLine[] } {
  const keep = (level: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ level, fields, message });
  };
  return {
    lines,
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
  };
}

/** A clock that stands still until it is moved. */
export function handClock(start = 1_000_000_000): Clock & { move(ms: number): void } {
  let time = start;
  return {
    now: () => time,
    move(ms) {
      time += ms * 1000;
    },
  };
}

/** What the promise was rejected with; an error where it was not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome) return outcome.error;
  throw new Error(`expected a rejection, not ${JSON.stringify(outcome.value)}`);
}
