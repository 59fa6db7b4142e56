/**
 * The resources as REST shows them: the fields of each, what the API page says of them, and how what core holds of each is
 * written. All else about a field follows from here.
 */
import { z } from 'zod';
import { closeInitiators, closeReasons, connectionStates } from '../core/connection.ts';
import { eventTypes, refusalRules } from '../core/event.ts';
import { listenerModes, listenerStates, protocols } from '../core/listener.ts';
import { placementResource } from './fleet-resources.ts';
import { openWords } from './open-words.ts';
import { actorResource, count, id, time } from './resource-fields.ts';

/** A resource as it is answered, which nobody changes. */
export type Shown<Schema extends z.ZodType> = Unchanged<z.output<Schema>>;
type Unchanged<Value> = Value extends object
  ? { readonly [Key in keyof Value]: Unchanged<Value[Key]> }
  : Value;

const listenerName = z.string().nullable();

const address = z
  .object({
    ip: z.string().describe('IPv4 or IPv6; a mapped address reads as IPv4.'),
    port: z.int().min(0).max(65_535).describe('The port.'),
  })
  .meta({
    id: 'Address',
    description: 'One end of a socket.',
    examples: [{ ip: '127.0.0.1', port: 40123 }],
  });

const limits = z
  .object({
    maxConnections: count.describe('Open connections at once; more are refused.'),
    maxConnectionsPerSource: count
      .nullable()
      .describe('Open connections at once from one remote address.'),
    acceptRate: z
      .object({
        perSecond: count.describe('In the long run.'),
        burst: count.describe('At once.'),
      })
      .nullable()
      .describe('How many connections are taken.'),
    idleTimeoutMs: count.nullable().describe('Close after so long without a byte.'),
    maxDurationMs: count.nullable().describe('Close after so long, whatever happens.'),
    maxBytes: count.nullable().describe('Close after so many bytes read.'),
    writeTimeoutMs: count
      .nullable()
      .describe('Close when the client has taken nothing for so long.'),
    udpIdleTimeoutMs: count.describe('A UDP session ends after so long without a datagram.'),
    allowCidrs: z.array(z.string()).describe('Only these may connect; none named: all may.'),
    denyCidrs: z.array(z.string()).describe('These may not connect.'),
  })
  .meta({ id: 'ListenerLimits', description: 'What bounds each connection; null is no bound.' });

const faultMatch = z.object({
  cidr: z.string().optional().describe('From this network.'),
  everyNth: z.int().optional().describe('Every nth.'),
  firstN: z.int().optional().describe('The first n.'),
  afterN: z.int().optional().describe('Those after the first n.'),
});

const faultResource = z
  .looseObject({
    type: z.string().describe('Which fault; the fields beside it are those of its kind.'),
    name: z.string().describe('Unique in the list, and by which it is changed.'),
    probability: z.number().describe('Chance that it applies.'),
    seed: z.int().nullable().describe('The same seed gives the same run; null draws one.'),
    match: faultMatch.describe('Which connections it is for; all that is given must hold.'),
    enabled: z.boolean().describe('false: it is in the list without effect.'),
    expiresAt: time.nullable().describe('When it ends by itself.'),
  })
  .meta({
    id: 'Fault',
    description: 'A behaviour that a listener adds to its echo on purpose: a FaultSpec as given.',
    examples: [
      {
        type: 'latency',
        delayMs: 100,
        jitterMs: 20,
        distribution: 'normal',
        name: 'latency',
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
    isSelfSigned: z.boolean().describe('It was made here, since none was given.'),
    fingerprint256: z.string().describe('SHA-256 of the leaf, as openssl prints it.'),
    clientAuth: z
      .enum(['none', 'request', 'require'])
      .describe('Whether clients are asked for a certificate, and turned away without a good one.'),
    ca: z.string().nullable().describe('PEM of the authorities for client certificates.'),
    minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).describe('The oldest version that is spoken.'),
  })
  .meta({ id: 'TlsSettings', description: 'How a TLS listener shows itself.' });

const proxyProtocol = z.object({
  mode: z.enum(['off', 'optional', 'required']).describe('Whether it may or must come.'),
  trustedCidrs: z.array(z.string()).describe('Who may send it; none named: every peer may.'),
});

const reason = z.object({
  code: z.string().describe(`For programs, such as port_in_use. ${openWords}`),
  message: z.string().describe('In words.'),
});

const listeningSocket = z.object({
  pid: z.int().describe('The worker process.'),
  fd: z.int().describe('The socket in that process.'),
});

export const listenerResource = z
  .object({
    id: id.describe('UUIDv7: id order is the order of creation.'),
    name: z.string().nullable().describe('Unique among listeners that are not closed.'),
    labels: z.record(z.string(), z.string()).describe('To find it by.'),
    protocol: z.enum(protocols).describe(`What it speaks. ${openWords}`),
    host: z.string().describe('The address as asked for.'),
    port: z.int().describe('The port as asked for; 0 is any free one.'),
    laddr: address.nullable().describe('What the kernel really bound; kept over restarts.'),
    state: z
      .enum(listenerStates)
      .describe(
        `failed: it should listen, cannot, and is tried again. closed is the end. ${openWords}`,
      ),
    reason: reason.nullable().describe('Why it failed.'),
    mode: z.enum(listenerModes).describe('What it does with the bytes that it reads.'),
    limits,
    faults: z.array(faultResource).describe('What it adds to the echo, in this order.'),
    tls: tlsSettings.nullable().describe('Of a TLS listener.'),
    proxyProtocol: proxyProtocol.describe('Whether a PROXY header comes first.'),
    recording: z
      .enum(['batched', 'durable'])
      .describe('durable: no byte is echoed before the opened event is committed.'),
    sockets: z
      .array(listeningSocket)
      .describe('The listening sockets, one in each worker process.'),
    nodeId: z.string().describe('The node that has it.'),
    nodeName: z.string().describe('Its name.'),
    placement: placementResource.nullable().describe('Where it is to be; null: wherever.'),
    generation: count.describe('Rises with each change of labels, limits or faults.'),
    observedGeneration: count.nullable().describe('The newest that its node serves, or can not.'),
    openConnections: count.describe('Connections open now.'),
    totalConnections: count.describe('Connections ever accepted.'),
    createdAt: time.describe('When it was made.'),
    updatedAt: time.describe('When it last changed, counts aside.'),
    closedAt: time.nullable().describe('When it was closed.'),
    expiresAt: time
      .nullable()
      .describe('When it is closed by itself; of one that drains: at the latest.'),
  })
  .meta({ id: 'Listener', description: 'An echo server bound to an address.' });

const tlsInfo = z
  .object({
    version: z.string().meta({ description: 'As agreed on.', examples: ['TLSv1.3'] }),
    cipher: z.string().meta({ description: 'As agreed on.', examples: ['TLS_AES_256_GCM_SHA384'] }),
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
    listenerId: id.describe('The listener that accepted it.'),
    listenerName: listenerName.describe("Its listener's name, as it is now or was at its end."),
    nodeId: z.string().describe('The node that accepted it.'),
    protocol: z.enum(protocols).describe(`Of its listener. ${openWords}`),
    laddr: address.describe('Our end: the address of the listener.'),
    raddr: address
      .nullable()
      .describe(
        'The other end, as the kernel saw it. Null where it tells it no more: see docs/api.md.',
      ),
    declaredRaddr: address.nullable().describe('The client, as a PROXY header declared it.'),
    pid: z.int().describe('The worker process that holds the socket.'),
    fd: z.int().describe('The socket in that process: only pid and fd together name it.'),
    state: z.enum(connectionStates).describe(`half_closed: the client sent FIN. ${openWords}`),
    acceptedAt: time.describe('When it was accepted.'),
    firstByteAt: time.nullable().describe('When the first byte was read.'),
    lastByteAt: time
      .nullable()
      .describe('When the last byte was read or sent; refreshed every few seconds while open.'),
    halfClosedAt: time.nullable().describe("When the client's FIN was read."),
    closedAt: time.nullable().describe('When it was over.'),
    bytesIn: count.describe('Read from the client; refreshed every few seconds while open.'),
    bytesOut: count.describe('Sent to the client.'),
    closeInitiator: z.enum(closeInitiators).nullable().describe(`Who ended it. ${openWords}`),
    closeReason: z.enum(closeReasons).nullable().describe(`How it ended. ${openWords}`),
    error: z.string().nullable().describe("The system's error code, such as ECONNRESET."),
    tls: tlsInfo.nullable().describe('Of a TLS connection.'),
  })
  .meta({
    id: 'Connection',
    description: 'One accepted socket; for UDP one session, a pair of addresses until it is idle.',
  });

const refusal = z
  .object({
    listenerName: listenerName.describe("The listener's name, as it is now or was at its end."),
    protocol: z.enum(protocols).describe(`Of the listener. ${openWords}`),
    laddr: address.describe('Where it arrived.'),
    raddr: address.nullable().describe('Where it came from. Null as that of a connection.'),
    rule: z.enum(refusalRules).describe(`What turned it away. ${openWords}`),
    count: count.describe('Above 1 when alike refusals were sampled.'),
  })
  .meta({ id: 'Refusal', description: 'An arrival that was turned away before a byte was read.' });

export const eventResource = z
  .object({
    seq: count.describe('Its place in the one log: dense, rising in commit order.'),
    time: time.describe('When it happened.'),
    type: z.enum(eventTypes).describe(`What happened. ${openWords}`),
    listenerId: id
      .optional()
      .describe('The listener that it is about, or whose connection. An event may come without.'),
    connectionId: id.optional().describe('The connection that it is about.'),
    listener: listenerResource.optional().describe('As it was then.'),
    connection: connectionResource.optional().describe('As it was then.'),
    refusal: refusal.optional().describe('Who was turned away.'),
    actor: actorResource
      .optional()
      .describe(
        'Who asked for it, of a listener event: an operator without id and hint. Absent where kodama did it by itself.',
      ),
  })
  .meta({
    id: 'Event',
    description:
      'One step in the life of a listener or connection: exactly one of listener, connection and refusal.',
  });

const worker = z.object({
  pid: z.int().describe('The process.'),
  listeners: count.describe('Listeners that it serves.'),
  openConnections: count.describe('Connections that it holds.'),
  restarts: count.describe('How often it was lost and replaced.'),
});

const storeStatus = z.object({
  state: z.enum(['reachable', 'away']).describe('Whether it answers, and commits succeed.'),
  queuedEvents: count.describe('Events that wait for their commit.'),
  waitingMs: count.describe('How long the oldest of what waits for its commit has waited.'),
  refusedRecords: count.describe(
    'Records of connections that the database refused, since the start: each is in the log of the process.',
  ),
});

const retentionStatus = z.object({
  clockAheadMs: z
    .int()
    .describe(
      "How far the database's clock is ahead of the log's own time; below 0, behind it. Much of it is a jump.",
    ),
  bytes: count.describe('What the events that are kept take, about.'),
});

export const statusResource = z
  .object({
    version: z.string().describe('Of the program.'),
    nodeId: z.string().nullable().describe('This node; null: it has no echo sockets.'),
    pid: z
      .int()
      .optional()
      .describe('For operators: the process of the control plane, which forked the workers.'),
    uptimeMs: count.describe('Since its start.'),
    workers: z
      .array(worker)
      .optional()
      .describe('For operators: the processes that hold the echo sockets, those up now.'),
    log: z
      .string()
      .describe('Which log the seqs are of; another one after a restore from a backup.'),
    headSeq: count.describe('Seq of the newest event.'),
    oldestSeq: count.describe('Seq of the oldest event that is kept.'),
    store: storeStatus.optional().describe('For operators: the database.'),
    retention: retentionStatus.nullable().describe('How old and large the log is; null at first.'),
    fleetSuspended: z.boolean().describe('Too many nodes are overdue to call any of them lost.'),
  })
  .meta({ id: 'Status', description: 'How the node is.' });

export type ListenerView = Shown<typeof listenerResource>;
export type ConnectionView = Shown<typeof connectionResource>;
export type EventView = Shown<typeof eventResource>;
export type StatusView = Shown<typeof statusResource>;
