import { expect, test } from 'vitest';
import { patchOf, planOf } from './apply-plan.ts';
import { type Listener, specOf } from './listener-spec.ts';
import { type ListenersFile, toListenersFile, type WantedListener } from './listeners-file.ts';

const fault = { probability: 1, seed: null, match: {}, enabled: true, expiresAt: null };
const latency = {
  name: 'latency',
  type: 'latency',
  delayMs: 300,
  jitterMs: 0,
  distribution: 'uniform',
  ...fault,
};

const slow: Listener = {
  id: '01987c5e-3b1a-7c44-9f3e-5d1c2a7b8e90',
  name: 'slow',
  labels: { set: 'ci', env: 'x' },
  protocol: 'tcp',
  host: '127.0.0.1',
  port: 9001,
  laddr: { ip: '127.0.0.1', port: 9001 },
  state: 'listening',
  reason: null,
  mode: 'echo',
  limits: {
    maxConnections: 10_000,
    maxConnectionsPerSource: null,
    acceptRate: null,
    idleTimeoutMs: 5000,
    maxDurationMs: null,
    maxBytes: null,
    writeTimeoutMs: null,
    udpIdleTimeoutMs: 30_000,
    allowCidrs: [],
    denyCidrs: ['10.0.0.0/8'],
  },
  faults: [latency],
  tls: null,
  proxyProtocol: { mode: 'off', trustedCidrs: [] },
  recording: 'batched',
  sockets: [],
  nodeId: 'node',
  nodeName: 'node',
  placement: null,
  generation: 1,
  observedGeneration: 1,
  openConnections: 0,
  totalConnections: 0,
  createdAt: '2026-11-24T12:00:00.000000Z',
  updatedAt: '2026-11-24T12:00:00.000000Z',
  closedAt: null,
  expiresAt: null,
};

const step = (wanted: Omit<WantedListener, 'name'>, is: Listener = slow) =>
  planOf([{ ...wanted, name: 'slow' }], new Map([['slow', is]]), [])[0];

test('what is as the file says is kept, whatever the API shows besides', () => {
  for (const wanted of [
    {},
    { port: 9001, protocol: 'tcp', host: '127.0.0.1' },
    { host: 'localhost' },
    { port: 0, mode: 'echo', recording: 'batched' },
    { faults: [{ type: 'latency', delayMs: 300 }] },
    { faults: [{ type: 'latency', delayMs: 300, jitterMs: 0, enabled: true }] },
    { limits: { idleTimeoutMs: 5000 }, proxyProtocol: { mode: 'off' } },
    { labels: { env: 'x', set: 'ci' }, expiresAt: null, placement: null },
  ]) {
    expect(step(wanted), JSON.stringify(wanted)).toMatchObject({ action: 'keep' });
  }
});

test('a network is the same however it is written', () => {
  const is: Listener = {
    ...slow,
    limits: { ...slow.limits, denyCidrs: ['127.0.0.0/8', '10.0.0.1/32'] },
    proxyProtocol: { ...slow.proxyProtocol, trustedCidrs: ['10.0.0.1'] },
    faults: [{ ...latency, match: { cidr: '127.0.0.0/8' } }],
  };
  for (const wanted of [
    { limits: { denyCidrs: ['::ffff:7f00:0/104', '10.0.0.1'] } },
    { proxyProtocol: { trustedCidrs: ['::ffff:10.0.0.1'] } },
    { faults: [{ type: 'latency', delayMs: 300, match: { cidr: '::ffff:127.0.0.0/104' } }] },
  ]) {
    expect(step(wanted, is), JSON.stringify(wanted)).toMatchObject({ action: 'keep' });
  }
  expect(step({ limits: { denyCidrs: ['127.0.0.0/9', '10.0.0.1'] } }, is)).toMatchObject({
    action: 'update',
  });
});

test('what can change is changed, and only that', () => {
  const wanted = { port: 9001, faults: [], limits: { idleTimeoutMs: 6000 }, labels: { set: 'ci' } };
  const planned = step(wanted);
  expect(planned).toMatchObject({ action: 'update', changes: ['faults', 'limits', 'labels'] });
  const { port: _, ...patch } = wanted;
  expect(patchOf({ ...wanted, name: 'slow' }, ['faults', 'limits', 'labels'])).toEqual(patch);
});

test('a fault that lost a field in the file has its default again', () => {
  const is: Listener = { ...slow, faults: [{ ...latency, jitterMs: 50, seed: 42 }] };
  for (const faults of [
    [{ type: 'latency', delayMs: 300, seed: 42 }],
    [{ type: 'latency', delayMs: 300, jitterMs: 50 }],
    [{ type: 'latency', delayMs: 300, jitterMs: 50, seed: 42 }, { type: 'refuse' }],
    [{ type: 'slow_close', delayMs: 300 }],
  ]) {
    expect(step({ faults }, is), JSON.stringify(faults)).toMatchObject({ action: 'update' });
  }
  const ending: Listener = {
    ...slow,
    faults: [{ ...latency, expiresAt: '2030-01-01T00:00:00.000000Z' }],
  };
  const expiresAt = '2030-01-01T01:00:00+01:00';
  expect(step({ faults: [{ type: 'latency', delayMs: 300, expiresAt }] }, ending)).toMatchObject({
    action: 'keep',
  });
  const never = { ...slow, expiresAt: '9999-12-31T23:59:59.000000Z' };
  expect(step({ expiresAt: '9999-12-31T23:59:59.999999Z' }, never)).toMatchObject({
    action: 'keep',
  });
  expect(step({ expiresAt: '2030-01-01T00:00:00.000001Z' }, { ...slow, expiresAt })).toMatchObject({
    action: 'update',
  });
  // A field that is not known here, such as one of a later kodama, is as it is.
  const later: Listener = { ...slow, faults: [{ ...latency, ofLater: 'first' }] };
  expect(step({ faults: [{ type: 'latency', delayMs: 300 }] }, later)).toMatchObject({
    action: 'keep',
  });
});

test('a field of a fault that has no default, and that the file dropped, is taken away', () => {
  const speak = { type: 'speak', text: 'psst', afterIdleMs: 1000 };
  const shown = { ...speak, name: 'speak', growth: 1, ...fault };
  for (const more of [{ times: 3 }, { maxIdleMs: 5000 }]) {
    const is: Listener = { ...slow, faults: [{ ...shown, ...more }] };
    expect(step({ faults: [speak] }, is)).toMatchObject({ action: 'update' });
    expect(step({ faults: [{ ...speak, ...more }] }, is)).toMatchObject({ action: 'keep' });
    expect(specOf(is, null).faults).toEqual([{ ...speak, ...more }]);
  }
  const is: Listener = { ...slow, faults: [shown] };
  expect(step({ faults: [speak] }, is)).toMatchObject({ action: 'keep' });
  const inBytes = { type: 'speak', base64: 'cHNzdA==', afterIdleMs: 1000 };
  expect(step({ faults: [inBytes] }, is)).toMatchObject({ action: 'update' });
});

test('an address, a protocol and a mode never change: that takes another listener', () => {
  for (const wanted of [
    { port: 9002 },
    { host: '0.0.0.0' },
    { protocol: 'udp' },
    { mode: 'discard' },
    { recording: 'durable' },
    { proxyProtocol: { mode: 'required' } },
  ]) {
    expect(step({ ...wanted, faults: [] })).toMatchObject({
      action: 'recreate',
      changes: [Object.keys(wanted)[0], 'faults'],
    });
  }
});

test('what is new is created, and what is stale goes', () => {
  const steps = planOf([{ name: 'fresh' }], new Map(), [slow]);
  expect(steps.map(({ action }) => action)).toEqual(['create', 'delete']);
});

test('what is exported is kept when it is applied', () => {
  const spec = specOf(slow, 'ci');
  expect(spec).toEqual({
    name: 'slow',
    host: '127.0.0.1',
    port: 9001,
    labels: { env: 'x' },
    limits: { idleTimeoutMs: 5000, denyCidrs: ['10.0.0.0/8'] },
    faults: [{ type: 'latency', delayMs: 300 }],
  });
  const { listeners } = toListenersFile({ set: 'ci', listeners: [spec] });
  expect(planOf(listeners, new Map([['slow', slow]]), [])).toMatchObject([{ action: 'keep' }]);
});

test('a file that is none is refused by the place that is wrong', () => {
  const wrong: [unknown, string][] = [
    [null, 'must hold `listeners`, a list'],
    [{ listener: [] }, 'listener is none of set and listeners'],
    [{ set: 5, listeners: [] }, 'set must be text'],
    [{ listeners: {} }, 'listeners must be a list'],
    [{ listeners: [{ name: 'a' }, { port: 1 }] }, 'listeners[1].name is required'],
    [{ listeners: ['a'] }, 'listeners[0] must be a listener'],
    [{ listeners: [{ name: 'a' }, { name: 'a' }] }, 'a is there twice'],
  ];
  for (const [value, message] of wrong) {
    expect(() => toListenersFile(value)).toThrow(message);
  }
  const file: ListenersFile = toListenersFile({ set: 'ci', listeners: [{ name: 'a' }] });
  expect(file.listeners).toEqual([{ name: 'a', labels: { set: 'ci' } }]);
});

test('a listener that is to be on another node is closed and made again', () => {
  const placed: Listener = { ...slow, placement: { node: 'dmz-1', onNodeLost: 'stay' } };
  expect(step({ placement: { node: 'dmz-1' } }, placed)).toMatchObject({ action: 'keep' });
  for (const placement of [null, { node: 'dmz-2' }, { selector: { site: 'dmz' } }]) {
    const changes = ['placement'];
    expect(step({ placement }, placed)).toMatchObject({ action: 'recreate', changes });
  }
});

const expiresAt = '2030-01-01T00:00:00.000000Z';

test('what is made again is as it was where the file says nothing', () => {
  const is: Listener = { ...slow, expiresAt };
  const { limits: _, ...whole } = specOf(is, null);
  expect(step({ port: 9002, limits: { idleTimeoutMs: 6000 } }, is)).toMatchObject({
    action: 'recreate',
    made: {
      ...whole,
      port: 9002,
      limits: { idleTimeoutMs: 6000, denyCidrs: ['10.0.0.0/8'] },
      expiresAt,
    },
  });
  const emptied = step({ mode: 'discard', labels: {}, faults: [], ttlMs: 60_000 }, is);
  expect(emptied).toMatchObject({ made: { labels: {}, faults: [], ttlMs: 60_000, port: 9001 } });
  expect(emptied).not.toHaveProperty('made.expiresAt');
});

test('what was and does not go with what is wanted is told, by name', () => {
  const close = { type: 'close', name: 'close', afterBytes: 9, mode: 'rst', ...fault };
  const closing: Listener = { ...slow, faults: [latency, close] };
  expect(() => step({ protocol: 'udp' }, closing)).toThrow(
    'slow.faults[1].type: close has no meaning for udp',
  );
  const tls: NonNullable<Listener['tls']> = {
    ...{ cert: 'PEM', isSelfSigned: true, fingerprint256: 'AA', ca: null },
    ...{ clientAuth: 'none', minVersion: 'TLSv1.3' },
  };
  const encrypted: Listener = { ...slow, protocol: 'tls', tls };
  expect(step({ port: 9002 }, encrypted)).toMatchObject({
    made: { protocol: 'tls', tls: { minVersion: 'TLSv1.3' }, port: 9002 },
  });
  expect(step({ tls: { clientAuth: 'request' } }, encrypted)).toMatchObject({
    made: { tls: { clientAuth: 'request', minVersion: 'TLSv1.3' } },
  });
  expect(step({ protocol: 'tcp' }, encrypted)).not.toHaveProperty('made.tls');
  const own: Listener = { ...encrypted, tls: { ...tls, isSelfSigned: false } };
  expect(() => step({ port: 9002 }, own)).toThrow('slow.tls: has a certificate whose key');
});

test('what was deleted and drains still is made anew, with nothing of what it was', () => {
  const draining = { ...slow, state: 'draining' } as const;
  expect(step({ protocol: 'tcp', port: 9001 }, draining)).toEqual({
    action: 'recreate',
    wanted: { name: 'slow', protocol: 'tcp', port: 9001 },
    made: { name: 'slow', protocol: 'tcp', port: 9001 },
    is: draining,
    changes: ['state'],
  });
});
