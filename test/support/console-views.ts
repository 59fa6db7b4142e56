/** Resources as the API answers them, for the tests of what the page makes of them. */
import type { ConnectionView, EventView, ListenerView } from '../../src/http/resources.ts';

const listenerId = '01987c5e-0000-7000-8000-000000000001';

function timeAt(seq: number): string {
  return `${new Date(Date.UTC(2026, 10, 24, 3, 0, 0, seq)).toISOString().slice(0, -1)}000Z`;
}

/** The nth connection. */
export function connectionView(n: number, given: Partial<ConnectionView> = {}): ConnectionView {
  return {
    id: `01987c5e-0000-7000-9000-${String(n).padStart(12, '0')}`,
    listenerId,
    listenerName: 'tour',
    nodeId: 'node-1',
    protocol: 'tcp',
    laddr: { ip: '127.0.0.1', port: 9000 },
    raddr: { ip: '127.0.0.2', port: 40_000 + n },
    declaredRaddr: null,
    pid: 100,
    fd: 20 + n,
    state: 'open',
    acceptedAt: timeAt(n),
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

/** One thing happens each millisecond. */
export function eventView(seq: number, given: Partial<EventView>): EventView {
  return { seq, time: timeAt(seq), type: 'connection_opened', listenerId, ...given };
}

export function listenerView(given: Partial<ListenerView> = {}): ListenerView {
  return {
    id: listenerId,
    name: 'tour',
    labels: {},
    protocol: 'tcp',
    host: '127.0.0.1',
    port: 9000,
    laddr: { ip: '127.0.0.1', port: 9000 },
    state: 'listening',
    reason: null,
    mode: 'echo',
    limits: {
      maxConnections: 10_000,
      maxConnectionsPerSource: null,
      acceptRate: null,
      idleTimeoutMs: null,
      maxDurationMs: null,
      maxBytes: null,
      writeTimeoutMs: null,
      udpIdleTimeoutMs: 60_000,
      allowCidrs: [],
      denyCidrs: [],
    },
    faults: [],
    tls: null,
    proxyProtocol: { mode: 'off', trustedCidrs: [] },
    recording: 'batched',
    sockets: [{ pid: 100, fd: 20 }],
    nodeId: 'node-1',
    nodeName: 'node-1',
    placement: null,
    generation: 1,
    observedGeneration: 1,
    openConnections: 0,
    totalConnections: 0,
    createdAt: timeAt(0),
    updatedAt: timeAt(0),
    closedAt: null,
    expiresAt: null,
    ...given,
  };
}
