/** The resources as REST shows them: what the API page says of every field, and the types of the views. */
import { z } from 'zod';
import { closeInitiators, closeReasons, connectionStates } from '../core/connection.ts';
import { eventTypes, refusalRules } from '../core/event.ts';
import { listenerModes, listenerStates, protocols } from '../core/listener.ts';

const exampleId = '01987c5e-3b1a-7c44-9f3e-5d1c2a7b8e90';

const id = z.uuid().meta({ examples: [exampleId] });
const count = z.int().min(0);
const time = z.string().meta({ format: 'date-time', examples: ['2026-11-24T03:53:53.123456Z'] });
const protocol = z.enum(protocols);

const address = z
  .object({
    ip: z.string().describe('IPv4 or IPv6; a mapped address reads as IPv4.'),
    port: z.int().min(0).max(65_535),
  })
  .meta({ id: 'Address', examples: [{ ip: '127.0.0.1', port: 40123 }] });

const limits = z
  .object({
    maxConnections: count.describe('Open connections at once; more are refused.'),
    maxConnectionsPerSource: count
      .nullable()
      .describe('Open connections at once from one remote address.'),
    acceptRate: z
      .object({ perSecond: count, burst: count })
      .nullable()
      .describe('Connections taken in a second, and how many of them at once.'),
    idleTimeoutMs: count.nullable().describe('Close after so long without a byte.'),
    maxDurationMs: count.nullable().describe('Close after so long, whatever happens.'),
    maxBytes: count.nullable().describe('Close after so many bytes read.'),
    writeTimeoutMs: count
      .nullable()
      .describe('Close when the client has taken nothing for so long.'),
    udpIdleTimeoutMs: count.describe('A UDP session ends after so long without a datagram.'),
    allowCidrs: z.array(z.string()).describe('Only these may connect; none named: all.'),
    denyCidrs: z.array(z.string()).describe('These may not connect.'),
  })
  .meta({ id: 'ListenerLimits', description: 'What bounds each connection; null is no bound.' });

const faultView = z
  .looseObject({
    type: z.string().describe('Which fault; the fields beside it are those of its kind.'),
    probability: z.number(),
    seed: z.int().nullable(),
    match: z.object({
      cidr: z.string().optional(),
      everyNth: z.int().optional(),
      firstN: z.int().optional(),
      afterN: z.int().optional(),
    }),
    enabled: z.boolean(),
    expiresAt: time.nullable(),
  })
  .meta({
    id: 'Fault',
    description: 'A behaviour that a listener adds to its echo on purpose, as given at creation.',
    examples: [
      {
        type: 'latency',
        delayMs: 100,
        jitterMs: 20,
        distribution: 'normal',
        probability: 1,
        seed: null,
        match: {},
        enabled: true,
        expiresAt: null,
      },
    ],
  });

const tlsSettings = z
  .object({
    cert: z.string().describe('PEM, leaf first. The key is never shown.'),
    isSelfSigned: z.boolean(),
    fingerprint256: z.string().describe('SHA-256 of the leaf, as openssl prints it.'),
    clientAuth: z.enum(['none', 'request', 'require']),
    ca: z.string().nullable().describe('PEM of the authorities for client certificates.'),
    minVersion: z.enum(['TLSv1.2', 'TLSv1.3']),
  })
  .meta({ id: 'TlsSettings' });

export const listenerResource = z
  .object({
    id,
    name: z.string().nullable().describe('Unique among listeners that are not closed.'),
    labels: z.record(z.string(), z.string()),
    protocol,
    host: z.string().describe('The address as asked for.'),
    port: z.int().describe('The port as asked for; 0 is any free one.'),
    laddr: address.nullable().describe('What the kernel really bound; kept over restarts.'),
    state: z
      .enum(listenerStates)
      .describe('failed: it should listen, cannot, and is tried again. closed is the end.'),
    reason: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .describe('Why it failed.'),
    mode: z.enum(listenerModes),
    limits,
    faults: z.array(faultView),
    tls: tlsSettings.nullable(),
    proxyProtocol: z.object({
      mode: z.enum(['off', 'optional', 'required']),
      trustedCidrs: z.array(z.string()),
    }),
    recording: z.enum(['batched', 'durable']),
    sockets: z
      .array(z.object({ pid: z.int(), fd: z.int() }))
      .describe('The listening sockets, one in each worker process.'),
    nodeId: z.string().describe('The node that has it.'),
    openConnections: count,
    totalConnections: count.describe('Connections ever accepted.'),
    createdAt: time,
    updatedAt: time,
    closedAt: time.nullable(),
    expiresAt: time.nullable().describe('When it is closed by itself.'),
  })
  .meta({ id: 'Listener', description: 'An echo server bound to an address.' });

const tlsInfo = z
  .object({
    version: z.string().meta({ examples: ['TLSv1.3'] }),
    cipher: z.string().meta({ examples: ['TLS_AES_256_GCM_SHA384'] }),
    sni: z.string().nullable().describe('The server name that the client asked for.'),
    alpn: z.string().nullable().describe('The protocol agreed on.'),
    clientFingerprint256: z
      .string()
      .nullable()
      .describe("SHA-256 of the client's certificate, when it showed one."),
    clientAuthorized: z.boolean().describe('Its certificate was checked and holds.'),
  })
  .meta({ id: 'TlsInfo', description: 'What the TLS handshake told.' });

export const connectionResource = z
  .object({
    id: id.describe('UUIDv7, made at accept: id order is accept order.'),
    listenerId: id,
    nodeId: z.string(),
    protocol,
    laddr: address.describe('Our end: the address of the listener.'),
    raddr: address.describe('The other end, as the kernel saw it.'),
    declaredRaddr: address.nullable().describe('The client, as a PROXY header declared it.'),
    pid: z.int().describe('The worker process that holds the socket.'),
    fd: z.int().describe('The socket in that process: only pid and fd together name it.'),
    state: z.enum(connectionStates).describe('half_closed: the client sent FIN.'),
    acceptedAt: time,
    firstByteAt: time.nullable(),
    halfClosedAt: time.nullable(),
    closedAt: time.nullable(),
    bytesIn: count.describe('Read from the client; refreshed every few seconds while open.'),
    bytesOut: count.describe('Sent to the client.'),
    closeInitiator: z.enum(closeInitiators).nullable().describe('Who ended it.'),
    closeReason: z.enum(closeReasons).nullable().describe('How it ended.'),
    error: z.string().nullable().describe("The system's error code, such as ECONNRESET."),
    tls: tlsInfo.nullable(),
  })
  .meta({
    id: 'Connection',
    description: 'One accepted socket; for UDP one session, a pair of addresses until it is idle.',
  });

const refusal = z
  .object({
    protocol,
    laddr: address,
    raddr: address,
    rule: z.enum(refusalRules),
    count: count.describe('Above 1 when alike refusals were sampled.'),
  })
  .meta({ id: 'Refusal', description: 'An arrival that was turned away before a byte was read.' });

export const eventResource = z
  .object({
    seq: count.describe('Its place in the one log: dense, rising in commit order.'),
    time,
    type: z.enum(eventTypes),
    listenerId: id,
    connectionId: id.optional(),
    listener: listenerResource.optional(),
    connection: connectionResource.optional(),
    refusal: refusal.optional(),
  })
  .meta({
    id: 'Event',
    description:
      'One step in the life of a listener or connection, with the thing as it was at that step: ' +
      'exactly one of listener, connection and refusal.',
  });

export const statusResource = z
  .object({
    version: z.string(),
    nodeId: z.string(),
    uptimeMs: count,
    workers: z.array(
      z.object({ pid: z.int(), listeners: count, openConnections: count, restarts: count }),
    ),
    headSeq: count.describe('Seq of the newest event.'),
    oldestSeq: count.describe('Seq of the oldest event that is kept.'),
    store: z.object({ state: z.enum(['reachable', 'away']), queuedEvents: count }),
  })
  .meta({ id: 'Status' });

/** A view is made of what core holds, and never changed. */
type View<Value> = Value extends object
  ? { readonly [Key in keyof Value]: View<Value[Key]> }
  : Value;

export type FaultView = View<z.output<typeof faultView>>;
export type ListenerView = View<z.output<typeof listenerResource>>;
export type ConnectionView = View<z.output<typeof connectionResource>>;
export type EventView = View<z.output<typeof eventResource>>;
export type StatusView = View<z.output<typeof statusResource>>;
