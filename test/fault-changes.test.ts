/** Faults that come, change and go while connections live, by calls, by time and over a restart. */
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  arrivalOf,
  byFault,
  byPeer,
  connectionOnce,
  halfOpen,
  listenWith,
  now,
  numbered,
  patchFaults,
  wantEnd,
} from './support/fault-client.ts';
import { type GrpcClient, call as grpcCall, grpcClient } from './support/grpc-client.ts';
import { closedConnections } from './support/history.ts';
import { long } from './support/long.ts';
import { plainMessage, withoutNothing } from './support/plain-message.ts';
import { want } from './support/rest-client.ts';
import { openClient, wantRefused } from './support/tcp-client.ts';
import { commonApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const app = commonApp();
let client: GrpcClient;
beforeAll(() => {
  client = grpcClient(app.grpcAddress);
});
afterAll(() => client[Symbol.dispose]());

const listen = (faults: readonly object[], spec: object = {}) => listenWith(app, faults, spec);

const latency = (delayMs: number) => ({ type: 'latency', delayMs });
const hour = 3_600_000;

/** The two ways to change a listener's faults; each answers the faults as REST would show them. */
const changes = {
  async 'a PATCH'(id: string, faults: readonly object[]) {
    return (await patchFaults(app, id, faults)).faults;
  },
  async 'an UpdateListener with a mask'(id: string, faults: readonly object[]) {
    // The name stands in no mask: it must not be changed.
    const messages = faults.map(messageOf);
    const request = { id, name: 'other', faults: messages, updateMask: { paths: ['faults'] } };
    const { listener } = await grpcCall<{ listener?: { name?: string; faults?: object[] } }>(
      (done) => client.listeners.UpdateListener(request, done),
    );
    expect(listener?.name).toBeUndefined();
    return plainMessage(listener?.faults);
  },
};

const enumOf: Readonly<Record<string, string>> = {
  scope: 'BANDWIDTH_SCOPE',
  mode: 'CLOSE_FAULT_MODE',
  how: 'BLACKHOLE_HOW',
};

function messageOf(fault: object): object {
  const { type, ...fields } = fault as { type: string };
  const effect = type.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const entries = Object.entries(fields).map(([key, value]) => {
    const name = enumOf[key];
    return [key, name === undefined ? value : `${name}_${String(value).toUpperCase()}`];
  });
  return { [effect]: Object.fromEntries(entries) };
}

describe.concurrent.each(Object.entries(changes))('%s', (_, change) => {
  test('adds, changes and removes faults of a living connection', long, async () => {
    const { id, port } = await listen([]);
    await using living = await openClient(port, halfOpen);
    await living.echo('quick');
    const before = await connectionOnce(app, id, 'that is open', () => true);

    await change(id, [latency(300)]);
    const addedAt = now();
    await living.echo('slower');
    expect(now() - addedAt).toBeGreaterThanOrEqual(300);

    await change(id, [latency(hour)]);
    living.socket.write('held, ');
    await connectionOnce(app, id, 'that has read it', ({ bytesIn }) => bytesIn === 17);
    living.socket.write('and more');
    expect(living.received.toString()).toBe('quickslower');

    await change(id, []);
    await arrivalOf(living, 25);
    expect(living.received.toString()).toBe('quickslowerheld, and more');
    await living.echo('quick again');
    living.socket.end();
    await wantEnd(living);
    expect(await closedConnections(app, id)).toMatchObject([
      { ...byPeer, id: before.id, fd: before.fd, bytesIn: 36, bytesOut: 36 },
    ]);
  });

  test('answers the faults as the listener then has them', async () => {
    const { id } = await listen([latency(5)]);
    const answered = await change(id, [
      { type: 'bandwidth', bytesPerSecond: 9_000_000, scope: 'listener' },
      { type: 'close', afterBytes: 5_000_000_000, mode: 'half_close' },
      { type: 'banner', base64: 'AAE=' },
      latency(70),
    ]);
    const { faults } = await want(200, app, 'GET', `/v1/listeners/${id}`);
    const common = { probability: 1, enabled: true };
    expect(faults).toMatchObject([
      { type: 'bandwidth', bytesPerSecond: 9_000_000, scope: 'listener', ...common },
      { type: 'close', afterBytes: 5_000_000_000, mode: 'half_close', ...common },
      { type: 'banner', base64: 'AAE=', delayMs: 0, ...common },
      { type: 'latency', delayMs: 70, jitterMs: 0, distribution: 'uniform', ...common },
    ]);
    expect(withoutNothing(answered)).toEqual(withoutNothing(faults));
  });

  test('loses no byte and mixes none up, whatever the list becomes meanwhile', long, async () => {
    const { id, port } = await listen([]);
    await using living = await openClient(port, halfOpen);
    const slice = { type: 'slice', averageBytes: 700, variationBytes: 500 };
    const bandwidth = { type: 'bandwidth', bytesPerSecond: 3_000_000 };
    const jitter = { type: 'latency', delayMs: 20, jitterMs: 20 };
    const slowClose = { type: 'slow_close', delayMs: 10 };
    const stall = { type: 'blackhole', how: 'stall' };
    const lists = [
      [latency(hour)],
      [bandwidth, latency(hour), slice],
      [slice, jitter, bandwidth],
      [],
      [stall],
      [stall, slowClose, jitter],
      [jitter, slice],
      [slice, slowClose, jitter],
      [bandwidth],
    ];
    const sent = numbered(lists.length * 400_000);
    for (const [n, faults] of lists.entries()) {
      living.socket.write(sent.slice(n * 400_000, (n + 1) * 400_000));
      await change(id, faults);
    }
    living.socket.end();
    await wantEnd(living);
    // Compared first: a difference of megabytes would tell nobody anything.
    expect(living.received.toString() === sent).toBe(true);
    expect(await closedConnections(app, id)).toMatchObject([
      { ...byPeer, bytesIn: sent.length, bytesOut: sent.length },
    ]);
  });
});

test.concurrent('what is for the accept is for connections still to come', async () => {
  const { id, port } = await listen([]);
  await using living = await openClient(port);
  await living.echo('a');
  await patchFaults(app, id, [{ type: 'banner', text: 'hello ' }]);
  expect(await living.echo('b')).toBe('b');
  await using next = await openClient(port);
  expect(await next.echo('c')).toBe('h');
  await patchFaults(app, id, [{ type: 'refuse' }]);
  await wantRefused(port);
  expect(await living.echo('d')).toBe('d');
  expect(living.received.toString()).toBe('abd');
});

test.concurrent('a limit and a close count the bytes of a living connection from the change on', {
  ...long,
}, async () => {
  for (const fault of [
    { type: 'limit', bytes: 3 },
    { type: 'close', afterBytes: 3 },
  ]) {
    const { id, port } = await listen([]);
    await using living = await openClient(port);
    await living.echo('before ');
    await patchFaults(app, id, [fault]);
    living.socket.write('after');
    await wantEnd(living);
    expect(living.received.toString()).toBe('before aft');
    expect(await closedConnections(app, id)).toMatchObject([byFault]);
  }
});

test.concurrent('a close at a time that is over closes a living connection at once', async () => {
  const { id, port } = await listen([]);
  await using living = await openClient(port);
  await living.echo('x');
  await patchFaults(app, id, [{ type: 'close', afterMs: 1, mode: 'rst' }]);
  await living.ended;
  expect(living.error).toBe('ECONNRESET');
  expect(await closedConnections(app, id)).toMatchObject([byFault]);
});

test.concurrent('a fault that stays as it was keeps its counts and what it holds', {
  ...long,
}, async () => {
  const limit = { type: 'limit', bytes: 6 };
  const { id, port } = await listen([limit, latency(700)]);
  await using living = await openClient(port);
  const sentAt = now();
  living.socket.write('abcd');
  await connectionOnce(app, id, 'that has read it', ({ bytesIn }) => bytesIn === 4);
  await patchFaults(app, id, [limit, latency(700), { type: 'slice', averageBytes: 1 }]);
  living.socket.write('efgh');
  await wantEnd(living);
  expect(living.received.toString()).toBe('abcdef');
  expect((living.arrivals[0]?.at ?? 0) - sentAt).toBeGreaterThanOrEqual(700);
});

test.concurrent('a fault that is not enabled does nothing, and begins when it is', {
  ...long,
}, async () => {
  const { id, port } = await listen([{ type: 'blackhole', enabled: false }]);
  await using living = await openClient(port, halfOpen);
  expect(await living.echo('seen')).toBe('seen');
  await patchFaults(app, id, [{ type: 'blackhole' }]);
  living.socket.write('lost');
  await connectionOnce(app, id, 'that has read it', ({ bytesIn }) => bytesIn === 8);
  await patchFaults(app, id, [{ type: 'blackhole', enabled: false }]);
  expect(await living.echo('seen')).toBe('seen');
  expect(living.received.toString()).toBe('seenseen');
});

test.concurrent('a fault ends by itself at its time, and what it held comes back', {
  ...long,
}, async () => {
  const expiresAt = new Date(Date.now() + 1500).toISOString();
  const { id, port } = await listen([{ ...latency(hour), expiresAt }]);
  await using living = await openClient(port, halfOpen);
  await living.echo('held');
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
  await living.echo('quick');
  living.socket.end();
  await wantEnd(living);
  expect(await closedConnections(app, id)).toMatchObject([byPeer]);
  const { faults } = await want(200, app, 'GET', `/v1/listeners/${id}`);
  expect(faults).toMatchObject([latency(hour)]);
  await using next = await openClient(port);
  expect(await next.echo('quick')).toBe('quick');
});

/** A listener of one connection, and its client: accepted, and with its preamble still before it. */
async function unopened(faults: readonly object[], spec: object) {
  const { id, port } = await listenWith(app, faults, { ...spec, limits: { maxConnections: 1 } });
  const living = await openClient(port, halfOpen);
  // That its place is taken says that it was accepted.
  await wantRefused(port);
  return { id, port, living };
}

const proxied = { proxyProtocol: { mode: 'required' } };
const header = 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n';

test.concurrent('a fault that went before the PROXY header came does nothing', long, async () => {
  const stays = latency(1);
  const { id, living } = await unopened([{ type: 'blackhole' }, stays], proxied);
  await using _ = living;
  await patchFaults(app, id, [stays]);
  living.socket.write(header);
  expect(await living.echo('seen')).toBe('seen');
});

test.concurrent('nor does one whose time was over before the PROXY header came', long, async () => {
  const expiresAt = new Date(Date.now() + 1500).toISOString();
  const { living } = await unopened([{ ...latency(hour), expiresAt }], proxied);
  await using _ = living;
  await waitFor('its time to be over', () => Date.now() > Date.parse(expiresAt));
  living.socket.write(header);
  expect(await living.echo('seen')).toBe('seen');
});

test.concurrent('a fault that came before the PROXY header did counts and ends the connection', {
  ...long,
}, async () => {
  const { id, living } = await unopened([], proxied);
  await using _ = living;
  await patchFaults(app, id, [{ type: 'close', afterBytes: 1, match: { firstN: 1 } }]);
  living.socket.write(`${header}hello`);
  await wantEnd(living);
  expect(living.received.toString()).toBe('h');
  expect(await closedConnections(app, id)).toMatchObject([byFault]);
});

test.concurrent('a TLS connection in its accept delay has the faults that are in force behind it', {
  ...long,
}, async () => {
  const delay = { type: 'accept_delay', delayMs: 2000 };
  const faults = [delay, { type: 'blackhole' }];
  const { id, living } = await unopened(faults, { protocol: 'tls' });
  await using _ = living;
  // The delay itself is waited for.
  await patchFaults(app, id, []);
  const secure = connectTls({ socket: living.socket, rejectUnauthorized: false });
  let received = '';
  secure.on('data', (data) => {
    received += data;
  });
  await once(secure, 'secureConnect');
  expect(now() - living.begunAt).toBeGreaterThanOrEqual(delay.delayMs);
  secure.write('seen');
  await waitFor('the echo', () => received === 'seen');
});
