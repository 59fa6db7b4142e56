/** Listeners: core → protobuf. */

import type { Address as AddressMessage } from '../../generated/grpc/kodama/v1/Address.ts';
import type { Listener as ListenerMessage } from '../../generated/grpc/kodama/v1/Listener.ts';
import type { ListenerLimits as LimitsMessage } from '../../generated/grpc/kodama/v1/ListenerLimits.ts';
import type { ListenerMode } from '../../generated/grpc/kodama/v1/ListenerMode.ts';
import type { ListenerState } from '../../generated/grpc/kodama/v1/ListenerState.ts';
import type { Protocol } from '../../generated/grpc/kodama/v1/Protocol.ts';
import type { ProxyProtocolMode } from '../../generated/grpc/kodama/v1/ProxyProtocolMode.ts';
import type { Recording } from '../../generated/grpc/kodama/v1/Recording.ts';
import type { TlsClientAuth } from '../../generated/grpc/kodama/v1/TlsClientAuth.ts';
import type { TlsSettings as TlsMessage } from '../../generated/grpc/kodama/v1/TlsSettings.ts';
import type { TlsVersion } from '../../generated/grpc/kodama/v1/TlsVersion.ts';
import type { Address } from '../core/address.ts';
import {
  type Listener,
  type ListenerLimits,
  listenerModes,
  listenerStates,
  protocols,
  type TlsSettings,
} from '../core/listener.ts';
import { toFaultMessage } from './fault-messages.ts';
import { enumWords } from './protos.ts';
import { toOptionalTimestamp, toTimestamp } from './times.ts';

export const protocolWords = enumWords<Protocol, (typeof protocols)[number]>('Protocol', protocols);
export const stateWords = enumWords<ListenerState, (typeof listenerStates)[number]>(
  'ListenerState',
  listenerStates,
);
export const modeWords = enumWords<ListenerMode, (typeof listenerModes)[number]>(
  'ListenerMode',
  listenerModes,
);
export const recordingWords = enumWords<Recording, Listener['recording']>('Recording', [
  'batched',
  'durable',
]);
export const proxyModeWords = enumWords<ProxyProtocolMode, Listener['proxyProtocol']['mode']>(
  'ProxyProtocolMode',
  ['off', 'optional', 'required'],
);
export const clientAuthWords = enumWords<TlsClientAuth, TlsSettings['clientAuth']>(
  'TlsClientAuth',
  ['none', 'request', 'require'],
);
export const tlsVersionWords = enumWords<TlsVersion, TlsSettings['minVersion']>('TlsVersion', [
  'TLSv1.2',
  'TLSv1.3',
]);

export function toAddressMessage({ ip, port }: Address): AddressMessage {
  return { ip, port };
}

/** Field by field: what is not named here, such as a key, is never shown. */
export function toListenerMessage(listener: Listener): ListenerMessage {
  const { name, laddr, reason, tls, proxyProtocol } = listener;
  return {
    id: listener.id,
    name: name ?? undefined,
    labels: listener.labels,
    protocol: protocolWords.toEnum(listener.protocol),
    host: listener.host,
    port: listener.port,
    laddr: laddr && toAddressMessage(laddr),
    state: stateWords.toEnum(listener.state),
    reason: reason && { code: reason.code, message: reason.message },
    mode: modeWords.toEnum(listener.mode),
    limits: toLimitsMessage(listener.limits),
    faults: listener.faults.map(toFaultMessage),
    tls: tls && toTlsMessage(tls),
    proxyProtocol: {
      mode: proxyModeWords.toEnum(proxyProtocol.mode),
      trustedCidrs: [...proxyProtocol.trustedCidrs],
    },
    recording: recordingWords.toEnum(listener.recording),
    sockets: listener.sockets.map(({ pid, fd }) => ({ pid, fd })),
    nodeId: listener.nodeId,
    openConnections: listener.openConnections,
    totalConnections: listener.totalConnections,
    createdAt: toTimestamp(listener.createdAt),
    updatedAt: toTimestamp(listener.updatedAt),
    closedAt: toOptionalTimestamp(listener.closedAt),
    expiresAt: toOptionalTimestamp(listener.expiresAt),
  };
}

function toLimitsMessage(limits: ListenerLimits): LimitsMessage {
  const { acceptRate } = limits;
  return {
    maxConnections: limits.maxConnections,
    maxConnectionsPerSource: limits.maxConnectionsPerSource ?? undefined,
    acceptRate: acceptRate && { perSecond: acceptRate.perSecond, burst: acceptRate.burst },
    idleTimeoutMs: limits.idleTimeoutMs ?? undefined,
    maxDurationMs: limits.maxDurationMs ?? undefined,
    maxBytes: limits.maxBytes ?? undefined,
    writeTimeoutMs: limits.writeTimeoutMs ?? undefined,
    udpIdleTimeoutMs: limits.udpIdleTimeoutMs,
    allowCidrs: [...limits.allowCidrs],
    denyCidrs: [...limits.denyCidrs],
  };
}

function toTlsMessage(tls: TlsSettings): TlsMessage {
  return {
    cert: tls.cert,
    isSelfSigned: tls.isSelfSigned,
    fingerprint256: tls.fingerprint256,
    clientAuth: clientAuthWords.toEnum(tls.clientAuth),
    ca: tls.ca ?? undefined,
    minVersion: tlsVersionWords.toEnum(tls.minVersion),
  };
}
