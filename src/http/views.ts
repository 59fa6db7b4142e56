/** The one place where what core holds becomes what REST shows. */
import type { Connection } from '../core/connection.ts';
import type { Status } from '../core/control-plane.ts';
import type { Event } from '../core/event.ts';
import type { Fault } from '../core/fault.ts';
import type { Listener } from '../core/listener.ts';
import { formatTime, type Micros } from '../core/time.ts';
import type {
  ConnectionView,
  EventView,
  FaultView,
  ListenerView,
  StatusView,
} from './resources.ts';

function timeView(time: Micros | null): string | null {
  return time === null ? null : formatTime(time);
}

/** Field by field: what is not named here, such as a key, is never shown. */
export function listenerView(listener: Listener): ListenerView {
  const { tls, proxyProtocol, limits } = listener;
  return {
    id: listener.id,
    name: listener.name,
    labels: listener.labels,
    protocol: listener.protocol,
    host: listener.host,
    port: listener.port,
    laddr: listener.laddr,
    state: listener.state,
    reason: listener.reason,
    mode: listener.mode,
    limits,
    faults: listener.faults.map(faultView),
    tls: tls && {
      cert: tls.cert,
      isSelfSigned: tls.isSelfSigned,
      fingerprint256: tls.fingerprint256,
      clientAuth: tls.clientAuth,
      ca: tls.ca,
      minVersion: tls.minVersion,
    },
    proxyProtocol,
    recording: listener.recording,
    sockets: listener.sockets,
    nodeId: listener.nodeId,
    openConnections: listener.openConnections,
    totalConnections: listener.totalConnections,
    createdAt: formatTime(listener.createdAt),
    updatedAt: formatTime(listener.updatedAt),
    closedAt: timeView(listener.closedAt),
    expiresAt: timeView(listener.expiresAt),
  };
}

function faultView(fault: Fault): FaultView {
  return { ...fault, expiresAt: timeView(fault.expiresAt) };
}

export function connectionView(connection: Connection): ConnectionView {
  return {
    id: connection.id,
    listenerId: connection.listenerId,
    nodeId: connection.nodeId,
    protocol: connection.protocol,
    laddr: connection.laddr,
    raddr: connection.raddr,
    declaredRaddr: connection.declaredRaddr,
    pid: connection.pid,
    fd: connection.fd,
    state: connection.state,
    acceptedAt: formatTime(connection.acceptedAt),
    firstByteAt: timeView(connection.firstByteAt),
    halfClosedAt: timeView(connection.halfClosedAt),
    closedAt: timeView(connection.closedAt),
    bytesIn: connection.bytesIn,
    bytesOut: connection.bytesOut,
    closeInitiator: connection.closeInitiator,
    closeReason: connection.closeReason,
    error: connection.error,
    tls: connection.tls,
  };
}

export function eventView(event: Event): EventView {
  const { seq, type, listenerId } = event;
  const time = formatTime(event.time);
  if ('listener' in event) {
    return { seq, time, type, listenerId, listener: listenerView(event.listener) };
  }
  if ('connection' in event) {
    const { id } = event.connection;
    const connection = connectionView(event.connection);
    return { seq, time, type, listenerId, connectionId: id, connection };
  }
  return { seq, time, type, listenerId, refusal: event.refusal };
}

export function statusView(status: Status): StatusView {
  const { version, nodeId, uptimeMs, workers, headSeq, oldestSeq, store } = status;
  return {
    version,
    nodeId,
    uptimeMs,
    workers: workers.map(({ pid, listeners, openConnections, restarts }) => ({
      pid,
      listeners,
      openConnections,
      restarts,
    })),
    headSeq,
    oldestSeq,
    store,
  };
}
