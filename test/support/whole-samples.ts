/** Samples in which every field that core has says something: none is null, absent or empty. */
import type { Actor } from '../../src/core/caller.ts';
import type { Connection } from '../../src/core/connection.ts';
import type { Event, Refusal } from '../../src/core/event.ts';
import type { Fault } from '../../src/core/fault.ts';
import type { Listener } from '../../src/core/listener.ts';
import { defaultProject } from '../../src/core/project.ts';
import { sampleId } from './samples.ts';

/** A field that core gets is one of its sample, or the types do not fit. */
type Whole<Value> = Value extends readonly (infer Item)[]
  ? readonly [Whole<Item>, ...Whole<Item>[]]
  : Value extends object
    ? { readonly [Key in keyof Value]-?: Whole<NonNullable<Value[Key]>> }
    : NonNullable<Value>;

type WholeFaults = {
  readonly [Type in Fault['type']]: Whole<
    Omit<Extract<Fault, { readonly type: Type }>, keyof Fault>
  >;
};

/** What each has of its own. All conditions of a close are given, which no schema lets through. */
const effects: WholeFaults = {
  latency: { delayMs: 10, jitterMs: 5, distribution: 'pareto' },
  bandwidth: { bytesPerSecond: 5e9, scope: 'listener' },
  slice: { averageBytes: 100, variationBytes: 10, delayMs: 1 },
  limit: { bytes: 7e9, action: 'blackhole' },
  close: { afterMs: 1, afterBytes: 8e9, afterMessages: 3, mode: 'half_close' },
  accept_delay: { delayMs: 20 },
  refuse: {},
  blackhole: { how: 'stall' },
  drop: {},
  duplicate: {},
  corrupt: { bytes: 4 },
  slow_close: { delayMs: 30 },
  banner: { text: 'hello', base64: 'aGVsbG8=', delayMs: 40 },
  speak: {
    ...{ text: 'hello', base64: 'aGVsbG8=', afterIdleMs: 50 },
    ...{ growth: 2, maxIdleMs: 500, times: 3 },
  },
};

const common: Whole<Omit<Pick<Fault, keyof Fault>, 'type'>> = {
  name: 'one',
  probability: 0.25,
  seed: 4_000_000_000,
  match: { cidr: '10.0.0.0/8', everyNth: 2, firstN: 10, afterN: 3 },
  enabled: true,
  expiresAt: 1_900_000_000_000_001,
};

export const wholeFaults = Object.entries(effects).map(
  ([type, effect]) => ({ type, ...effect, ...common }) as Fault,
);

export const wholeListener: Whole<Omit<Listener, 'faults' | 'project'>> &
  Pick<Listener, 'faults' | 'project'> = {
  id: sampleId(1),
  project: defaultProject,
  revision: 9,
  generation: 7,
  name: 'whole',
  labels: { env: 'ci' },
  protocol: 'tls',
  host: '127.0.0.1',
  port: 4433,
  laddr: { ip: '127.0.0.1', port: 40_000 },
  state: 'failed',
  reason: { code: 'port_in_use', message: 'the port is in use' },
  mode: 'info',
  limits: {
    maxConnections: 100,
    maxConnectionsPerSource: 10,
    acceptRate: { perSecond: 5, burst: 50 },
    idleTimeoutMs: 1000,
    maxDurationMs: 2000,
    maxBytes: 9e9,
    writeTimeoutMs: 3000,
    udpIdleTimeoutMs: 4000,
    allowCidrs: ['10.0.0.0/8'],
    denyCidrs: ['::1', '10.1.0.0/16'],
  },
  faults: wholeFaults,
  tls: {
    cert: '-----BEGIN CERTIFICATE-----',
    isSelfSigned: true,
    fingerprint256: 'AB:CD',
    clientAuth: 'require',
    ca: '-----BEGIN CERTIFICATE----- of another',
    minVersion: 'TLSv1.3',
  },
  proxyProtocol: { mode: 'required', trustedCidrs: ['192.0.2.0/24'] },
  recording: 'durable',
  sockets: [{ pid: 100, fd: 20 }],
  nodeId: 'node-a',
  nodeName: 'node-a',
  placement: { node: 'node-a', selector: { env: 'ci' }, onNodeLost: 'stay' },
  observedGeneration: 6,
  openConnections: 3,
  totalConnections: 6e9,
  createdAt: 1_790_000_000_000_001,
  updatedAt: 1_790_000_000_000_002,
  closedAt: 1_790_000_000_000_003,
  expiresAt: 1_790_000_000_000_004,
};

export const wholeConnection: Whole<Connection> = {
  id: sampleId(100),
  listenerId: sampleId(1),
  nodeId: 'node-a',
  protocol: 'tls',
  laddr: { ip: '127.0.0.1', port: 40_000 },
  raddr: { ip: '192.0.2.1', port: 50_000 },
  declaredRaddr: { ip: '203.0.113.7', port: 5555 },
  pid: 100,
  fd: 30,
  state: 'closed',
  acceptedAt: 1_790_000_000_000_001,
  firstByteAt: 1_790_000_000_000_002,
  lastByteAt: 1_790_000_000_000_007,
  halfClosedAt: 1_790_000_000_000_003,
  closedAt: 1_790_000_000_000_004,
  bytesIn: 5e9,
  bytesOut: 6e9,
  closeInitiator: 'system',
  closeReason: 'tls_error',
  error: 'ECONNRESET',
  tls: {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    sni: 'example.org',
    alpn: 'h2',
    clientFingerprint256: 'AB:CD',
    clientAuthorized: true,
  },
};

const wholeRefusal: Whole<Refusal> = {
  protocol: 'udp',
  laddr: { ip: '127.0.0.1', port: 40_000 },
  raddr: { ip: '192.0.2.1', port: 50_000 },
  rule: 'udp_loop',
  count: 7e9,
};

const place = { time: 1_790_000_000_000_005, listenerId: sampleId(1) };

const wholeActor: Whole<Actor> = { kind: 'key', id: sampleId(7), hint: 'kodama_abcde…wxyz' };

export const wholeEvents: readonly Event[] = [
  { ...place, seq: 1, type: 'listener_failed', listener: wholeListener, actor: wholeActor },
  { ...place, seq: 2, type: 'connection_closed', connection: wholeConnection },
  { ...place, seq: 3, type: 'connection_refused', refusal: wholeRefusal },
];
