import { expect, test } from 'vitest';
import {
  sampleFault,
  sampleId,
  sampleLimits,
  sampleNewListener,
} from '../../test/support/samples.ts';
import { AppError } from '../core/errors.ts';
import type { Binding, Observed } from '../core/ports.ts';
import { defaultProject } from '../core/project.ts';
import {
  type ControlFrame,
  controlFrames,
  decodeJoin,
  encodeJoin,
  errorOf,
  type JoinOutcome,
  joinOutcomes,
  type NodeFrame,
  nodeFrames,
  observedFrame,
  observedOf,
  problemOf,
} from './frames.ts';
import { messageType } from './gateway-protos.ts';
import { WireError } from './wire-error.ts';

const id = sampleId(1);
const uuid = '0f8fad5b-d9cb-469f-a165-70867728950e';
const { protocol, host, port, mode, proxyProtocol, recording } = sampleNewListener();
const binding: Binding = {
  ...{ protocol, host, port, mode, proxyProtocol, recording },
  faults: [{ ...sampleFault, match: { everyNth: 2 } }],
  limits: { ...sampleLimits, acceptRate: { perSecond: 0.5, burst: 1 }, allowCidrs: ['::1/128'] },
  tls: {
    ...{ cert: 'PEM', isSelfSigned: true, fingerprint256: 'AB', ca: null },
    ...{ clientAuth: 'none', minVersion: 'TLSv1.3' },
  },
  tlsKey: 'a key',
  listenerId: id,
  project: defaultProject,
};
const bound = { laddr: { ip: '::1', port: 7 }, sockets: [{ pid: 5, fd: 6 }] };
const micros = 1_795_724_369_831_123;
const problem = { code: 'port_in_use', message: 'taken', details: { owner: 'foreign' } } as const;

const nodeSamples: readonly NodeFrame[] = [
  {
    ...{ kind: 'hello', nodeId: 'node-1', bootId: uuid, signature: Buffer.alloc(64, 7) },
    ...{ keyGeneration: 0, version: '1.2.3', hostname: 'dmz', addresses: ['192.0.2.1', '::1'] },
    ...{
      listenHost: '0.0.0.0',
      portRange: { from: 1, to: 65_535 },
      protocols: { from: 1, to: 2 },
      clockOffsetMs: -31_536_000_000,
      connectionsMax: 100_000,
    },
  },
  {
    ...{ kind: 'heartbeat', number: 3, openConnections: 100_000, spoolRecords: 200_000 },
    clockOffsetMs: -5,
    workers: [{ pid: 4, listeners: 3, openConnections: 2, restarts: 1 }],
  },
  { kind: 'records', first: 2 ** 40, rows: Buffer.from('[]'), isAwaited: true },
  { kind: 'reply', number: 1, bound, problem: null },
  { kind: 'reply', number: 2, bound: null, problem },
];

const controlSamples: readonly ControlFrame[] = [
  { kind: 'challenge', nonce: Buffer.alloc(32, 1), installation: uuid },
  {
    ...{ kind: 'welcome', session: 9, heartbeatMs: 5000, lostAfterMs: 86_400_000 },
    ...{ serverTime: micros, protocol: 1 },
  },
  { kind: 'wish', number: 1, listenerId: id, generation: 2, binding },
  { kind: 'endWish', listenerId: id, generation: 3, drainMs: 0 },
  { kind: 'wishEnd' },
  { kind: 'limitProject', project: defaultProject, limits: null },
  {
    ...{ kind: 'limitProject', project: defaultProject },
    limits: { maxConnections: 1, maxConnectionsPerSource: null, acceptRate: null },
  },
  { kind: 'command', number: 4, command: 'open', open: { binding } },
  { kind: 'command', number: 5, command: 'release', release: { listenerId: id } },
  {
    ...{ kind: 'command', number: 6, command: 'closeConnection' },
    closeConnection: { connectionId: id, isReset: false },
  },
  { kind: 'committed', through: micros },
  { kind: 'lease', number: 1, stored: false, serverTime: micros, lostAfterMs: 30_000 },
  { kind: 'goAway', reason: 'enough', retryAfterMs: 0, isFinal: true },
];

test.each(nodeSamples)('$kind arrives as it was sent', (frame) => {
  expect(nodeFrames.decode(nodeFrames.encode(frame))).toEqual(frame);
});

test.each(controlSamples)('$kind arrives as it was sent', (frame) => {
  expect(controlFrames.decode(controlFrames.encode(frame))).toEqual(frame);
});

test('every frame of the protos has a sample', () => {
  const kindsOf = (name: string) =>
    messageType(name)
      .fieldsArray.map((field) => field.name)
      .toSorted();
  const kinds = (samples: readonly { kind: string }[]) =>
    [...new Set(samples.map(({ kind }) => kind))].toSorted();
  expect([...kinds(nodeSamples), 'observed'].toSorted()).toEqual(kindsOf('SessionRequest'));
  expect(kinds(controlSamples)).toEqual(kindsOf('SessionResponse'));
});

test.each<Observed>([
  { listenerId: id, generation: 1, state: 'bound', ...bound },
  { listenerId: id, generation: 2, state: 'failed', reason: { code: 'internal', message: 'x' } },
  { listenerId: id, generation: 3, state: 'gone' },
])('what is observed as $state arrives as it was told', (observed) => {
  const frame = nodeFrames.decode(nodeFrames.encode(observedFrame(observed)));
  if (frame?.kind !== 'observed') throw new TypeError(frame?.kind);
  expect(observedOf(frame)).toEqual(observed);
});

test('a join and its outcomes arrive as they were sent', () => {
  const own = { token: 'kodamajoin_x', name: 'a', hostname: 'b', version: 'c' };
  const request = { ...own, publicKey: Buffer.alloc(32, 3) };
  expect(decodeJoin(encodeJoin(request))).toEqual(request);
  const outcomes: readonly JoinOutcome[] = [
    { kind: 'joined', nodeId: 'node-1', name: 'a', installation: uuid },
    { kind: 'problem', ...problem },
  ];
  for (const outcome of outcomes) {
    expect(joinOutcomes.decode(joinOutcomes.encode(outcome))).toEqual(outcome);
  }
});

test('a failure keeps its code and details, and a bug its words to itself', () => {
  const error = new AppError('resource_exhausted', 'full', { limit: 'x', retryAfterMs: 5 });
  expect(errorOf(problemOf(error))).toMatchObject({
    ...{ code: 'resource_exhausted', message: 'full' },
    details: { limit: 'x', retryAfterMs: 5 },
  });
  expect(problemOf(new Error('a secret'))).toMatchObject({ code: 'internal' });
  expect(JSON.stringify(problemOf(new Error('a secret')))).not.toContain('a secret');
});

/** As somebody writes it who has the protos, and no scruples. */
const forged = (body: object) => Buffer.from(messageType('SessionRequest').encode(body).finish());
const beat = (given: object) => forged({ heartbeat: { number: 1, ...given } });
const observedBound = (laddr: object, sockets: readonly object[]) => {
  const bytes = Buffer.from(JSON.stringify({ laddr, sockets }));
  return forged({ observed: { listenerId: id, generation: 1, bound: bytes } });
};
const refused = (details: object) => {
  const own = { code: 'internal', message: '', details: Buffer.from(JSON.stringify(details)) };
  return forged({ reply: { number: 1, problem: own } });
};
const hello = (given: object) => forged({ hello: { ...nodeSamples[0], ...given } });

test('what is forged below is well but for the one field', () => {
  for (const bytes of [beat({}), refused({}), hello({}), observedBound(bound.laddr, [])]) {
    expect(nodeFrames.decode(bytes)).not.toBeNull();
  }
});

test.each<[string, Buffer]>([
  ['no message', Buffer.from([0xff, 0xff, 0xff])],
  ['a hello with a short signature', forged({ hello: { signature: Buffer.alloc(3) } })],
  ['an empty hello', forged({ hello: {} })],
  ['a heartbeat without a number', forged({ heartbeat: {} })],
  [
    'a heartbeat with too many workers',
    forged({ heartbeat: { number: 1, workers: Array(65).fill({}) } }),
  ],
  ['records from number 0', forged({ records: { first: 0 } })],
  [
    'an observation of no listener',
    forged({ observed: { listenerId: '../..', generation: 1, gone: {} } }),
  ],
  [
    'a bind that is no JSON',
    forged({ observed: { listenerId: id, generation: 1, bound: Buffer.from('{') } }),
  ],
  [
    'a bind nowhere',
    forged({ observed: { listenerId: id, generation: 1, bound: Buffer.from('{}') } }),
  ],
  ['a reply without a number', forged({ reply: {} })],
  ['more in a spool than is told', beat({ spoolRecords: 2 ** 31 })],
  ['more connections than there can be', beat({ openConnections: 2 ** 31 })],
  ['a pid that no system gives', beat({ workers: [{ pid: 2 ** 53 - 1 }] })],
  ['a bind at an address with a zone', observedBound({ ip: 'fe80::1%eth0', port: 7 }, [])],
  ['a socket of no pid', observedBound(bound.laddr, [{ pid: 2 ** 31, fd: 6 }])],
  ['a socket of no fd', observedBound(bound.laddr, [{ pid: 5, fd: 2 ** 53 - 1 }])],
  ['a pause of years', refused({ retryAfterMs: 3_600_001 })],
  ['a hello from an address with a zone', hello({ listenHost: '::1%lo' })],
  ['a version with a NUL', hello({ version: '1\0' })],
  ['a host name of several lines', hello({ hostname: 'a\nb' })],
  ['an address with a NUL', hello({ addresses: ['\0'] })],
  ['numbers beyond a double', forged({ records: { first: 2 ** 60 } })],
])('%s is refused', (_, bytes) => {
  expect(() => nodeFrames.decode(bytes)).toThrow(WireError);
});
