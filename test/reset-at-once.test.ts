/** Peers that reset right after the handshake: each that the kernel hands over is on record, opened and closed. */
import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { closedConnections, refusals } from './support/history.ts';
import { resetAtOnce } from './support/resetting-clients.ts';
import { all, type Reply, want } from './support/rest-client.ts';
import { talk } from './support/tcp-client.ts';
import { commonPair } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

type Body = Reply['body'];

const count = 40;
const hasIpv6 = Object.values(networkInterfaces())
  .flatMap((some) => some ?? [])
  .some(({ address }) => address === '::1');
const header = 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n';
const proxyProtocol = (mode: string) => ({ proxyProtocol: { mode, trustedCidrs: [] } });

const app = commonPair();

const plain = (ip: string): string => ip.replace('::ffff:', '');
const addressesOf = (records: readonly Body[]): string[] =>
  records.map(({ raddr }) => `${raddr.ip}:${raddr.port}`).toSorted();

/** Each on record once, as a reset of its own address that opened and closed. */
async function expectOnRecord({ id }: Body, clients: readonly string[]): Promise<Body[]> {
  const records = await closedConnections(app, id, clients.length);
  expect(addressesOf(records)).toEqual(clients.map(plain).toSorted());
  const events = await all(app, `/v1/events?afterSeq=0&listenerId=${id}`, 'events');
  const types = events.flatMap(({ type, connection }) => (connection ? [type] : []));
  expect(types.filter((type) => type === 'connection_opened')).toHaveLength(clients.length);
  expect(types.filter((type) => type === 'connection_closed')).toHaveLength(clients.length);
  expect(await want(200, app, 'GET', `/v1/listeners/${id}`)).toMatchObject({
    totalConnections: clients.length,
    openConnections: 0,
  });
  for (const record of records) {
    expect(record).toMatchObject({ closeReason: 'peer_rst', closeInitiator: 'peer' });
  }
  return records;
}

test.each<[string, object, string?]>([
  ['TCP', {}],
  ['TCP, durable', { recording: 'durable' }],
  ['info, where the server speaks first', { mode: 'info' }],
  ['TLS', { protocol: 'tls' }],
  ['a required PROXY header', proxyProtocol('required')],
  ['an optional PROXY header', proxyProtocol('optional')],
  ['TLS behind a PROXY header', { protocol: 'tls', ...proxyProtocol('required') }],
  ['a fault that delays the first read', { faults: [{ type: 'accept_delay', delayMs: 20 }] }],
  ['a dual stack, over IPv4', { host: '::' }, '127.0.0.1'],
  ['a dual stack, over IPv6', { host: '::' }, '::1'],
  ['IPv6', { host: '::1' }, '::1'],
])('%s: each is opened and closed, with its address, and no byte of it', async (_, spec, host) => {
  if (!hasIpv6 && JSON.stringify([spec, host]).includes('::')) return;
  const listener = await want(201, app, 'POST', '/v1/listeners', spec);
  const { port } = listener.laddr;
  const clients = await resetAtOnce({ port, count, ...(host === undefined ? {} : { host }) });
  const records = await expectOnRecord(listener, clients);
  const laddr = { ip: host ?? '127.0.0.1', port };
  for (const record of records) {
    expect(record).toMatchObject({ laddr, bytesIn: 0, firstByteAt: null });
    // A greeting may be gone before the reset comes.
    if (listener.mode === 'echo') expect(record.bytesOut).toBe(0);
  }
});

test('what it sent before the reset is read all the same', async () => {
  const listener = await want(201, app, 'POST', '/v1/listeners', {});
  const { port } = listener.laddr;
  const clients = await resetAtOnce({ port, count, bytes: 'hello' });
  const records = await expectOnRecord(listener, clients);
  expect(records.map(({ bytesIn }) => bytesIn)).toEqual(Array(count).fill(5));
});

test.each(['required', 'optional'])(
  'a PROXY header before the reset is read all the same where it is %s',
  async (mode) => {
    const listener = await want(201, app, 'POST', '/v1/listeners', proxyProtocol(mode));
    const { port } = listener.laddr;
    const clients = await resetAtOnce({ port, count, bytes: header });
    const records = await expectOnRecord(listener, clients);
    const declared = { ip: '192.0.2.1', port: 56_324 };
    expect(records.map(({ declaredRaddr }) => declaredRaddr)).toEqual(Array(count).fill(declared));
  },
);

test.each<[string, object, string]>([
  ['deny_cidrs', { limits: { denyCidrs: ['127.0.0.0/8'] } }, 'deny_cidrs'],
  ['allow_cidrs', { limits: { allowCidrs: ['192.0.2.0/24'] } }, 'allow_cidrs'],
  ['a fault that refuses', { faults: [{ type: 'refuse' }] }, 'refuse_fault'],
])('one that %s turns away is on record as refused, with its address', async (_, spec, rule) => {
  const listener = await want(201, app, 'POST', '/v1/listeners', spec);
  const { port } = listener.laddr;
  const clients = await resetAtOnce({ port, count });
  // One that is refused may hear of it before it knows that it was connected.
  const refused = await refusals(app, listener.id, count);
  expect(refused).toHaveLength(count);
  expect(addressesOf(refused)).toEqual(expect.arrayContaining([...clients]));
  for (const refusal of refused) {
    expect(refusal).toMatchObject({ rule, count: 1, laddr: listener.laddr });
  }
});

test('a rate counts those who reset as any other: let in and refused add up to all', async () => {
  const limits = { acceptRate: { perSecond: 1, burst: 10 } };
  const listener = await want(201, app, 'POST', '/v1/listeners', { limits });
  const { id } = listener;
  await resetAtOnce({ port: listener.laddr.port, count });
  const [records, refused] = await waitFor('all of them', async () => {
    const told = await refusals(app, id);
    const letIn = await closedConnections(app, id);
    const sum = told.reduce((total, { count: alike }) => total + alike, letIn.length);
    return sum >= count ? [letIn, told] : null;
  });
  expect(records.length).toBeGreaterThanOrEqual(10);
  expect(records).toHaveLength(count - refused.length);
  expect(refused.every(({ rule }) => rule === 'accept_rate')).toBe(true);
});

test('a normal client in between is echoed, and recorded as ever', async () => {
  const listener = await want(201, app, 'POST', '/v1/listeners', {});
  const { port } = listener.laddr;
  const [clients, ...echoed] = await Promise.all([
    resetAtOnce({ port, count }),
    ...Array.from({ length: 20 }, (_, n) => talk(port, `client ${n}`)),
  ]);
  expect(echoed).toEqual(Array.from({ length: 20 }, (_, n) => `client ${n}`));
  const records = await closedConnections(app, listener.id, clients.length + 20);
  expect(Object.groupBy(records, ({ closeReason }) => closeReason)).toMatchObject({
    peer_rst: { length: clients.length },
    peer_fin: { length: 20 },
  });
});
