/** The one place where what core holds becomes what REST shows. */
import type { Address } from '../core/address.ts';
import type { Connection } from '../core/connection.ts';
import type { Status } from '../core/control-plane.ts';
import type { Event } from '../core/event.ts';
import type { Fault } from '../core/fault.ts';
import type { Listener, ListenerLimits } from '../core/listener.ts';
import { formatTime, type Micros } from '../core/time.ts';
import type {
  AddressView,
  ConnectionView,
  EventView,
  FaultView,
  ListenerView,
  StatusView,
} from './resources.ts';

function timeView(time: Micros | null): string | null {
  return time === null ? null : formatTime(time);
}

function addressView({ ip, port }: Address): AddressView {
  return { ip, port };
}

function limitsView(limits: ListenerLimits): ListenerView['limits'] {
  const { acceptRate } = limits;
  return {
    maxConnections: limits.maxConnections,
    maxConnectionsPerSource: limits.maxConnectionsPerSource,
    acceptRate: acceptRate && { perSecond: acceptRate.perSecond, burst: acceptRate.burst },
    idleTimeoutMs: limits.idleTimeoutMs,
    maxDurationMs: limits.maxDurationMs,
    maxBytes: limits.maxBytes,
    writeTimeoutMs: limits.writeTimeoutMs,
    udpIdleTimeoutMs: limits.udpIdleTimeoutMs,
    allowCidrs: limits.allowCidrs,
    denyCidrs: limits.denyCidrs,
  };
}

/** Field by field, and in this order: what is not named here, such as a key, is never shown. */
export function listenerView(listener: Listener): ListenerView {
  const { tls, proxyProtocol, laddr, reason } = listener;
  return {
    id: listener.id,
    name: listener.name,
    labels: listener.labels,
    protocol: listener.protocol,
    host: listener.host,
    port: listener.port,
    laddr: laddr && addressView(laddr),
    state: listener.state,
    reason: reason && { code: reason.code, message: reason.message },
    mode: listener.mode,
    limits: limitsView(listener.limits),
    faults: listener.faults.map(faultView),
    tls: tls && {
      cert: tls.cert,
      isSelfSigned: tls.isSelfSigned,
      fingerprint256: tls.fingerprint256,
      clientAuth: tls.clientAuth,
      ca: tls.ca,
      minVersion: tls.minVersion,
    },
    proxyProtocol: { mode: proxyProtocol.mode, trustedCidrs: proxyProtocol.trustedCidrs },
    recording: listener.recording,
    sockets: listener.sockets.map(({ pid, fd }) => ({ pid, fd })),
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
  const { type, probability, seed, match, enabled, expiresAt, ...effect } = fault;
  const { cidr, everyNth, firstN, afterN } = match;
  return {
    type,
    ...effect,
    probability,
    seed,
    match: { cidr, everyNth, firstN, afterN },
    enabled,
    expiresAt: timeView(expiresAt),
  };
}

export function connectionView(
  connection: Connection,
  listenerName: string | null,
): ConnectionView {
  const { raddr, declaredRaddr, tls } = connection;
  return {
    id: connection.id,
    listenerId: connection.listenerId,
    listenerName,
    nodeId: connection.nodeId,
    protocol: connection.protocol,
    laddr: addressView(connection.laddr),
    raddr: raddr && addressView(raddr),
    declaredRaddr: declaredRaddr && addressView(declaredRaddr),
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
    tls: tls && {
      version: tls.version,
      cipher: tls.cipher,
      sni: tls.sni,
      alpn: tls.alpn,
      clientFingerprint256: tls.clientFingerprint256,
      clientAuthorized: tls.clientAuthorized,
    },
  };
}

/** The name is its listener's, for what is no listener. */
export function eventView(event: Event, listenerName: string | null): EventView {
  const { seq, type, listenerId } = event;
  const time = formatTime(event.time);
  if ('listener' in event) {
    return { seq, time, type, listenerId, listener: listenerView(event.listener) };
  }
  if ('connection' in event) {
    const { id } = event.connection;
    const connection = connectionView(event.connection, listenerName);
    return { seq, time, type, listenerId, connectionId: id, connection };
  }
  const { protocol, laddr, raddr, rule, count } = event.refusal;
  const ends = { laddr: addressView(laddr), raddr: raddr && addressView(raddr) };
  return { seq, time, type, listenerId, refusal: { listenerName, protocol, ...ends, rule, count } };
}

export function statusView(status: Status): StatusView {
  const { version, nodeId, uptimeMs, workers, headSeq, oldestSeq, store, retention } = status;
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
    retention,
  };
}
