/** Requests: protobuf → the plain objects that the contract's schemas read, laid out as the JSON of REST is. */

import type { BatchCreateListenersRequest__Output as BatchRequest } from '../../generated/grpc/kodama/v1/BatchCreateListenersRequest.ts';
import type { CreateListenerRequest__Output as CreateRequest } from '../../generated/grpc/kodama/v1/CreateListenerRequest.ts';
import type { EventFilter__Output as FilterMessage } from '../../generated/grpc/kodama/v1/EventFilter.ts';
import type { ListConnectionsRequest__Output as ConnectionsRequest } from '../../generated/grpc/kodama/v1/ListConnectionsRequest.ts';
import type { ListEventsRequest__Output as EventsRequest } from '../../generated/grpc/kodama/v1/ListEventsRequest.ts';
import type { ListenerLimits__Output as LimitsMessage } from '../../generated/grpc/kodama/v1/ListenerLimits.ts';
import type { ListListenersRequest__Output as ListenersRequest } from '../../generated/grpc/kodama/v1/ListListenersRequest.ts';
import type { NewTls__Output as NewTlsMessage } from '../../generated/grpc/kodama/v1/NewTls.ts';
import type { StreamEventsRequest__Output as StreamRequest } from '../../generated/grpc/kodama/v1/StreamEventsRequest.ts';
import { connectionStateWords, reasonWords } from './connection-messages.ts';
import { eventTypeWords, orderWords } from './event-messages.ts';
import { toFaultInput } from './fault-messages.ts';
import {
  clientAuthWords,
  modeWords,
  protocolWords,
  proxyModeWords,
  recordingWords,
  stateWords,
  tlsVersionWords,
} from './listener-messages.ts';
import { durationMs, timeText, wholeNumber } from './times.ts';

export function createInput(request: CreateRequest): object {
  const { limits, faults, tls, proxyProtocol } = request;
  return defined({
    name: request.name,
    labels: request.labels,
    protocol: protocolWords.toWord(request.protocol),
    host: request.host,
    port: request.port,
    mode: modeWords.toWord(request.mode),
    limits: limits && limitsInput(limits),
    faults: faults?.map(toFaultInput),
    tls: tls && tlsInput(tls),
    proxyProtocol: proxyProtocol && {
      mode: proxyModeWords.toWord(proxyProtocol.mode),
      trustedCidrs: proxyProtocol.trustedCidrs,
    },
    recording: recordingWords.toWord(request.recording),
    expiresAt: timeText(request.expiresAt),
    ttlMs: wholeNumber(request.ttlMs),
  });
}

export function batchInput({ listeners, ports, each }: BatchRequest): object {
  return defined({
    listeners: listeners?.map(createInput),
    ports: ports && { from: ports.from, to: ports.to },
    ...(each && createInput(each)),
  });
}

function tlsInput(tls: NewTlsMessage): object {
  return {
    cert: tls.cert,
    key: tls.key,
    clientAuth: clientAuthWords.toWord(tls.clientAuth),
    ca: tls.ca,
    minVersion: tlsVersionWords.toWord(tls.minVersion),
  };
}

export function limitsInput(limits: LimitsMessage) {
  const { acceptRate } = limits;
  return {
    maxConnections: limits.maxConnections,
    maxConnectionsPerSource: limits.maxConnectionsPerSource,
    acceptRate: acceptRate && { perSecond: acceptRate.perSecond, burst: acceptRate.burst },
    idleTimeoutMs: limits.idleTimeoutMs,
    maxDurationMs: limits.maxDurationMs,
    maxBytes: wholeNumber(limits.maxBytes),
    writeTimeoutMs: limits.writeTimeoutMs,
    udpIdleTimeoutMs: limits.udpIdleTimeoutMs,
    allowCidrs: limits.allowCidrs,
    denyCidrs: limits.denyCidrs,
  };
}

export function listListenersInput(request: ListenersRequest): object {
  return {
    state: stateWords.toWord(request.state),
    protocol: protocolWords.toWord(request.protocol),
    port: request.port,
    name: request.name,
    labels: request.labels,
    ...pageInput(request),
  };
}

export function listConnectionsInput(request: ConnectionsRequest): object {
  return {
    listener: request.listener,
    state: connectionStateWords.toWord(request.state),
    protocol: protocolWords.toWord(request.protocol),
    raddr: request.raddr,
    lport: request.lport,
    closeReason: reasonWords.toWord(request.closeReason),
    acceptedAfter: timeText(request.acceptedAfter),
    acceptedBefore: timeText(request.acceptedBefore),
    labels: request.labels,
    ...pageInput(request),
  };
}

export function listEventsInput(request: EventsRequest): object {
  return {
    afterSeq: wholeNumber(request.afterSeq),
    last: request.last,
    order: orderWords.toWord(request.order),
    ...filterInput(request.filter),
    ...pageInput(request),
  };
}

export function streamInput(request: StreamRequest): object {
  return {
    afterSeq: wholeNumber(request.afterSeq),
    since: timeText(request.since),
    last: request.last,
    fromNow: request.fromNow,
    endAtHead: request.endAtHead,
    heartbeatMs: durationMs(request.heartbeatInterval),
    ...filterInput(request.filter),
  };
}

function filterInput(filter: FilterMessage | undefined): object {
  return {
    listenerIds: filter?.listenerIds,
    connectionIds: filter?.connectionIds,
    // An unspecified value in a list is refused, as it would otherwise mean all.
    types: filter?.types?.map((type) => eventTypeWords.toWord(type) ?? 'unspecified'),
    protocols: filter?.protocols?.map((one) => protocolWords.toWord(one) ?? 'unspecified'),
    remoteCidrs: filter?.remoteCidrs,
    listeners: filter?.listeners,
    labels: filter?.labels,
  };
}

function pageInput({ pageSize, pageToken }: { pageSize?: number; pageToken?: string }): object {
  return { pageSize, pageToken };
}

/** Without the fields that are not there: a strict schema refuses even an undefined one that it does not know. */
function defined(input: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}
