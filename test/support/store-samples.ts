/** Listeners, connections and the events of their lives, to be stored. */
import { v7 as uuidv7 } from 'uuid';
import type { AuditEntry } from '../../src/core/audit.ts';
import type { CloseReason, Connection } from '../../src/core/connection.ts';
import type { EventDraft, ListenerEventType } from '../../src/core/event.ts';
import type { Listener } from '../../src/core/listener.ts';
import { defaultProject } from '../../src/core/project.ts';
import type { ProjectStore, Store } from '../../src/core/store.ts';
import type { Append, AppendEntry, FirstSeqs } from '../../src/core/writer.ts';

/** Some time, in whole microseconds, at which ids were made too. */
export const sampleTime = Date.UTC(2026, 10, 24) * 1000 + 123_456;

/** Of a caller who never goes away. */
export const staying = new AbortController().signal;

export function sampleId(time: number): string {
  return uuidv7({ msecs: Math.floor(time / 1000) });
}

export function sampleListener(change: Partial<Listener> = {}): Listener {
  return {
    id: sampleId(sampleTime),
    project: defaultProject,
    revision: 1,
    generation: 1,
    name: null,
    labels: {},
    protocol: 'tcp',
    host: '127.0.0.1',
    port: 0,
    mode: 'echo',
    state: 'listening',
    reason: null,
    laddr: { ip: '127.0.0.1', port: 40_000 },
    limits: {
      maxConnections: 100,
      maxConnectionsPerSource: null,
      acceptRate: { perSecond: 10, burst: 20 },
      idleTimeoutMs: null,
      maxDurationMs: null,
      maxBytes: null,
      writeTimeoutMs: null,
      udpIdleTimeoutMs: 30_000,
      allowCidrs: ['127.0.0.0/8'],
      denyCidrs: [],
    },
    faults: [],
    tls: null,
    proxyProtocol: { mode: 'off', trustedCidrs: [] },
    recording: 'batched',
    sockets: [{ pid: 77, fd: 21 }],
    ...{ nodeId: 'node-a', nodeName: 'node-a', placement: null, observedGeneration: null },
    openConnections: 0,
    totalConnections: 0,
    createdAt: sampleTime,
    updatedAt: sampleTime,
    closedAt: null,
    expiresAt: null,
    ...change,
  };
}

export function listenerEvent(type: ListenerEventType, listener: Listener): EventDraft {
  return { type, time: listener.updatedAt, listenerId: listener.id, listener };
}

/** An open connection, just accepted. */
export function sampleConnection(change: Partial<Connection> = {}): Connection {
  const acceptedAt = change.acceptedAt ?? sampleTime;
  return {
    id: sampleId(acceptedAt),
    listenerId: sampleId(sampleTime),
    nodeId: 'node-a',
    protocol: 'tcp',
    laddr: { ip: '127.0.0.1', port: 40_000 },
    raddr: { ip: '127.0.0.2', port: 50_000 },
    declaredRaddr: null,
    pid: 77,
    fd: 22,
    state: 'open',
    acceptedAt,
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
    ...change,
  };
}

export function opened(connection: Connection): EventDraft {
  const { listenerId, acceptedAt: time } = connection;
  return { type: 'connection_opened', time, listenerId, connection };
}

export function halfClosed(open: Connection, bytesIn = 7): EventDraft {
  const time = open.acceptedAt + 500;
  const change = {
    state: 'half_closed',
    halfClosedAt: time,
    firstByteAt: time - 100,
    lastByteAt: time - 50,
  } as const;
  const connection: Connection = { ...open, ...change, bytesIn };
  return { type: 'connection_half_closed', time, listenerId: open.listenerId, connection };
}

export function closed(open: Connection, closeReason: CloseReason = 'peer_fin'): EventDraft {
  const time = open.acceptedAt + 1000;
  const connection: Connection = {
    ...open,
    state: 'closed',
    firstByteAt: open.acceptedAt + 100,
    lastByteAt: open.acceptedAt + 150,
    closedAt: time,
    bytesIn: 7,
    bytesOut: 7,
    closeInitiator: 'peer',
    closeReason,
    error: closeReason === 'peer_rst' ? 'ECONNRESET' : null,
  };
  return { type: 'connection_closed', time, listenerId: open.listenerId, connection };
}

export function append(
  number: number,
  events: readonly EventDraft[],
  rest: Partial<AppendEntry> = {},
): Append {
  const project = defaultProject;
  const bytes = 1000 * events.length;
  const entry = { project, events, secrets: new Map(), counters: [], audit: [], bytes, ...rest };
  return { number, entries: [entry] };
}

/** All that an append writes to logs. */
export function eventsOf({ entries }: Append): readonly EventDraft[] {
  return entries.flatMap(({ events }) => events);
}

/** What is on record of the default project. */
export function ofDefault(store: Pick<Store, 'of'>): ProjectStore {
  return store.of(defaultProject);
}

/** What an append of the default project resolves to. */
export function firstSeq(seq: number): FirstSeqs {
  return new Map([[defaultProject, seq]]);
}

/** Numbers from 0 to 1, the same in every run (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

let auditEntries = 0;

/** Each is newer than the one before. */
export function sampleAuditEntry(given: Partial<AuditEntry> = {}): AuditEntry {
  auditEntries += 1;
  return {
    id: `01987c5e-0000-7000-8000-${auditEntries.toString(16).padStart(12, '0')}`,
    time: sampleTime + auditEntries,
    project: { ref: defaultProject, name: 'default' },
    caller: {
      actor: { kind: 'key', id: 'a-key', hint: 'kodama_abcde…wxyz' },
      ...{ sourceIp: '192.0.2.1', userAgent: 'agent "1", \\', requestId: 'request' },
    },
    operation: 'updateListener',
    resource: { kind: 'listener', id: 'an-id', name: 'one' },
    outcome: 'ok',
    change: { before: { name: 'zwölf "\\' }, after: { name: null }, cut: ['labels'] },
    count: 1,
    ...given,
  };
}
