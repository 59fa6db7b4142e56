/** UDP through a whole kodama: echo, sessions, limits, and the guards that keep it from being a reflector. */
import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { long } from './support/long.ts';
import { all, call, want } from './support/rest-client.ts';
import { talk } from './support/tcp-client.ts';
import {
  commonApp,
  commonPair,
  type RunningApp,
  type SharedApp,
  sharedApp,
} from './support/test-app.ts';
import { openUdp, type UdpClient, type UdpTarget } from './support/udp-client.ts';
import { floodAndServe } from './support/udp-flood.ts';
import {
  closedSession,
  listenUdp,
  refusalsOf,
  refusalsWhen,
  sessionsOf,
  sessionsWhen,
  withDataPlane,
} from './support/udp-sessions.ts';
import { passed, waitFor } from './support/wait-for.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((some) =>
  some?.some(({ address }) => address === '::1'),
);
const largest = 65_507;
const isLinux = process.platform === 'linux';

const app = commonApp();
const pair = commonPair();
/** It answers each source little; so each test has sources of its own. */
const small = sharedApp(
  {},
  undefined,
  withDataPlane({
    recordsUnackedMax: 8,
    udpLoopReturnsMax: 5,
    udpLoopWindowMs: 10,
    udpDatagramsPerSecondMax: 1,
    udpDatagramsBurstMax: 30,
    udpBytesPerSecondMax: 1,
    udpBytesBurstMax: 10_000,
    refusalsPerSecondMax: 3,
  }),
);
const alone = { workers: 1, app };
const both = { workers: 2, app: pair };

/** Sends one that must be refused by the rule, and sees that nothing comes back and that it is told. */
async function expectRefused(
  app: RunningApp,
  { id, laddr }: { id: string; laddr: UdpTarget },
  client: UdpClient,
  rule: string,
) {
  const to = { ip: laddr.ip === '0.0.0.0' ? '127.0.0.1' : laddr.ip, port: laddr.port };
  const before = client.answers.length;
  await client.send(to, 'reflect this');
  const refusal = await waitFor(`a refusal by ${rule}`, async () =>
    (await refusalsOf(app, { id })).find(({ raddr }) => raddr.port === client.port),
  );
  const raddr = { ip: client.ip, port: client.port };
  const expected = { protocol: 'udp', listenerName: null, laddr: to, raddr, rule, count: 1 };
  expect(refusal).toEqual(expected);
  expect(client.answers).toHaveLength(before);
}

/** While it is held nothing can be committed. */
async function stopTheLog({ databaseUrl }: SharedApp) {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query('BEGIN');
  await client.query('SELECT seq FROM log_heads FOR UPDATE');
  let isReleased = false;
  const release = async () => {
    if (!isReleased) await client.end();
    isReleased = true;
  };
  return { release, [Symbol.asyncDispose]: release };
}

describe('echo', () => {
  test('one datagram in, the same back: of any size, never truncated, never joined', async () => {
    const { laddr } = await listenUdp(app);
    await using client = await openUdp();
    const sizes = [0, 1, 2, 1472, 1473, 8192, 65_506, largest, 0, 64];
    for (const size of [...sizes, ...Array.from({ length: 50 }, () => randomInt(largest))]) {
      const payload = randomBytes(size);
      expect(payload.equals(await client.echo(laddr, payload)), `${size} bytes`).toBe(true);
    }
    await Promise.all(['a', 'bc', '', 'def'].map((text) => client.send(laddr, text)));
    await waitFor('four answers', () => client.answers.length === sizes.length + 54);
    expect(client.answers.slice(-4).map(({ bytes }) => String(bytes))).toEqual([
      'a',
      'bc',
      '',
      'def',
    ]);
    expect(client.answers.every(({ from }) => from.port === laddr.port)).toBe(true);
  });

  test('a session is a pair of addresses, and its record tells its whole life', async () => {
    const listener = await listenUdp(app, { limits: { udpIdleTimeoutMs: 300 } });
    const { laddr, sockets, nodeId } = listener;
    await using client = await openUdp();
    await client.echo(laddr, '');
    await client.echo(laddr, 'hello');
    await client.echo(laddr, 'you');
    const session = await closedSession(app, listener);
    expect(session).toMatchObject({
      listenerId: listener.id,
      nodeId,
      protocol: 'udp',
      laddr,
      raddr: { ip: '127.0.0.1', port: client.port },
      declaredRaddr: null,
      pid: sockets[0].pid,
      fd: sockets[0].fd,
      state: 'closed',
      halfClosedAt: null,
      bytesIn: 8,
      bytesOut: 8,
      closeInitiator: 'server',
      closeReason: 'idle_timeout',
      error: null,
      tls: null,
    });
    expect(session.fd).toBeGreaterThan(2);
    expect(session.firstByteAt > session.acceptedAt).toBe(true);
    const idleMs = Date.parse(session.closedAt) - Date.parse(session.firstByteAt);
    expect(idleMs).toBeGreaterThanOrEqual(299);
    const events = await all(app, `/v1/events?afterSeq=0&connectionId=${session.id}`, 'events');
    expect(events.map(({ type }) => type)).toEqual(['connection_opened', 'connection_closed']);
    expect(events[0].connection).toMatchObject({ state: 'open', bytesIn: 0, firstByteAt: null });
  });

  test(
    'datagrams keep a session open; after its end the next one opens another',
    long,
    async () => {
      const idleMs = 1000;
      const listener = await listenUdp(app, { limits: { udpIdleTimeoutMs: idleMs } });
      await using client = await openUdp();
      let began = performance.now();
      for (let sent = began; sent - began < 2 * idleMs; ) {
        sent = performance.now();
        await client.echo(listener.laddr, `${sent}`);
        await passed(10);
        // Where the machine stood still for as long, the session has ended: it is that of the next one which is kept.
        if (performance.now() - sent > idleMs / 2) began = performance.now() + 10;
      }
      const ended = await waitFor('its end', async () => {
        const sessions = await sessionsOf(app, listener);
        return sessions.every(({ state }) => state === 'closed') ? sessions : null;
      });
      const [kept] = ended;
      expect(Date.parse(kept.closedAt) - Date.parse(kept.acceptedAt)).toBeGreaterThan(2 * idleMs);
      await client.echo(listener.laddr, 'again');
      const sessions = await sessionsWhen(app, listener, ended.length + 1);
      expect(sessions.map(({ state }) => state)).toEqual(['open', ...ended.map(() => 'closed')]);
      expect(sessions[0].raddr).toEqual(kept.raddr);
      const shown = await want(200, app, 'GET', `/v1/listeners/${listener.id}`);
      expect(shown).toMatchObject({ openConnections: 1, totalConnections: ended.length + 1 });
    },
  );

  test('many clients are served by one socket, told apart by their addresses', async () => {
    const listener = await listenUdp(app);
    await using resources = new AsyncDisposableStack();
    const one = resources.use(await openUdp({ ip: '127.0.0.2' }));
    const clients = [one, resources.use(await openUdp({ ip: '127.0.0.3', port: one.port }))];
    for (let n = 0; n < 20; n++) clients.push(resources.use(await openUdp()));
    await Promise.all(clients.map((client, n) => client.echo(listener.laddr, `client ${n}`)));
    for (const [n, { answers }] of clients.entries()) {
      expect(answers.map(({ bytes }) => String(bytes))).toEqual([`client ${n}`]);
    }
    const sessions = await sessionsWhen(app, listener, clients.length, '&state=open');
    expect(new Set(sessions.map(({ raddr }) => `${raddr.ip} ${raddr.port}`)).size).toBe(22);
    expect(new Set(sessions.map(({ fd, pid }) => `${pid} ${fd}`)).size).toBe(1);
  });

  test('info tells a session its connection, and nobody more than was sent', async () => {
    const listener = await listenUdp(app, { mode: 'info' });
    const { laddr } = listener;
    await using client = await openUdp();
    const long = 'long enough '.padEnd(512, '.');
    const line = JSON.parse(String(await client.echo(laddr, long)));
    expect(String(await client.echo(laddr, long))).toBe(long);
    const raddr = { ip: '127.0.0.1', port: client.port };
    expect(line).toMatchObject({ listenerId: listener.id, raddr, laddr, declaredRaddr: null });
    await using short = await openUdp();
    expect(String(await short.echo(laddr, 'short'))).toBe('short');
    expect(String(await short.echo(laddr, long))).toBe(long);
    const sessions = await sessionsWhen(app, listener, 2);
    const { id } = sessions.find(({ raddr: { port } }) => port === client.port) ?? {};
    expect(line.connectionId).toBe(id);
  });

  test('discard counts and answers nothing', async () => {
    const listener = await listenUdp(app, { mode: 'discard', limits: { udpIdleTimeoutMs: 200 } });
    await using client = await openUdp();
    await client.send(listener.laddr, 'into');
    await client.send(listener.laddr, 'the void');
    expect(await closedSession(app, listener)).toMatchObject({ bytesIn: 12, bytesOut: 0 });
    expect(client.answers).toEqual([]);
  });

  test('durable: nothing is answered before the opening is committed', async () => {
    const app = small;
    const batched = await listenUdp(app);
    const durable = await listenUdp(app, { recording: 'durable' });
    await using client = await openUdp({ ip: '127.0.0.15' });
    await using log = await stopTheLog(app);
    for (const text of ['one', '', 'three']) await client.send(durable.laddr, text);
    expect(String(await client.echo(batched.laddr, 'at once'))).toBe('at once');
    expect(String(await client.echo(batched.laddr, 'still'))).toBe('still');
    expect(client.answers).toHaveLength(2);
    await log.release();
    await waitFor('the answers', () => client.answers.length === 5);
    const held = client.answers.slice(2).map(({ bytes }) => String(bytes));
    expect(held).toEqual(['one', '', 'three']);
    expect(String(await client.echo(durable.laddr, 'four'))).toBe('four');
  });
});

describe('addresses', () => {
  test('a wildcard answers from the address that was asked, and records it', async () => {
    const listener = await listenUdp(app, { host: '0.0.0.0' });
    expect(listener.laddr.ip).toBe('0.0.0.0');
    const ips = Object.values(networkInterfaces())
      .flatMap((some) => some ?? [])
      .flatMap(({ family, address }) => (family === 'IPv4' ? [address] : []));
    await using client = await openUdp({ ip: '0.0.0.0' });
    for (const ip of ips) await client.echo({ ip, port: listener.laddr.port }, `to ${ip}`);
    if (process.platform === 'linux') {
      expect(client.answers.map(({ from }) => from.ip)).toEqual(ips);
      const sessions = await sessionsWhen(app, listener, ips.length);
      expect(sessions.map(({ laddr }) => laddr.ip).sort()).toEqual([...ips].sort());
      const fds = listener.sockets.map(({ fd }: { fd: number }) => fd);
      for (const { fd } of sessions) expect(fds).toContain(fd);
    }
    expect(client.answers.map(({ bytes }) => String(bytes))).toEqual(ips.map((ip) => `to ${ip}`));
  });

  test.runIf(isLinux).each([alone, both])(
    'asked at an address that no interface has, a wildcard answers from there, too: $workers workers',
    async ({ workers, app }) => {
      const listener = await listenUdp(app, { host: '0.0.0.0' });
      const { port } = listener.laddr;
      await using resources = new AsyncDisposableStack();
      const clients: UdpClient[] = [];
      for (let n = 0; n < 10; n++) clients.push(resources.use(await openUdp()));
      for (const client of clients) {
        for (const ip of ['127.0.0.5', '127.9.9.9', '127.0.0.5']) {
          const payload = randomBytes(client === clients[0] ? largest : 64);
          expect(payload.equals(await client.echo({ ip, port }, payload))).toBe(true);
          expect(client.answers.at(-1)?.from).toEqual({ ip, port });
        }
        expect(String(await client.echo({ ip: '127.0.0.5', port }, ''))).toBe('');
      }
      const sessions = await sessionsWhen(app, listener, 20);
      const sockets = listener.sockets.map((socket: object) => JSON.stringify(socket));
      for (const { laddr, raddr, pid, fd } of sessions) {
        expect(['127.0.0.5', '127.9.9.9']).toContain(laddr.ip);
        expect(laddr.port).toBe(port);
        expect(raddr.ip).toBe('127.0.0.1');
        expect(sockets).toContain(JSON.stringify({ pid, fd }));
      }
      expect(new Set(sessions.map(({ pid }) => pid)).size).toBe(workers);
      await want(204, app, 'DELETE', `/v1/listeners/${listener.id}`);
      const ends = await sessionsOf(app, listener);
      expect(new Set(ends.map(({ closeReason }) => closeReason))).toEqual(
        new Set(['listener_deleted']),
      );
    },
  );

  test.runIf(isLinux)('what was sent to all hosts of a network is answered by none', async () => {
    const to = { ip: '127.255.255.255', port: 0 };
    await using client = await openUdp();
    client.setBroadcast();
    for (const host of ['0.0.0.0', ...(hasIpv6 ? ['::'] : [])]) {
      const listener = await listenUdp(app, { host });
      to.port = listener.laddr.port;
      await client.send(to, 'anybody?');
      const [refusal] = await refusalsWhen(app, listener, ({ length }) => length > 0);
      const raddr = { ip: '127.0.0.1', port: client.port };
      const rule = 'udp_destination_address';
      expect(refusal).toEqual({
        protocol: 'udp',
        listenerName: null,
        laddr: to,
        raddr,
        rule,
        count: 1,
      });
      expect(await sessionsOf(app, listener)).toEqual([]);
    }
    expect(client.answers).toEqual([]);
  });

  test.runIf(hasIpv6)(
    'IPv6, and a dual stack whose IPv4 clients are recorded as IPv4',
    async () => {
      const six = await listenUdp(app, { host: '::1' });
      const dual = await listenUdp(app, { host: '::' });
      await using client6 = await openUdp({ ip: '::1' });
      await using client4 = await openUdp();
      const payload = randomBytes(largest);
      expect(payload.equals(await client6.echo(six.laddr, payload))).toBe(true);
      const { port } = dual.laddr;
      expect(payload.equals(await client6.echo({ ip: '::1', port }, payload))).toBe(true);
      expect(payload.equals(await client4.echo({ ip: '127.0.0.1', port }, payload))).toBe(true);
      // No interface has this address, so that the dual-stack socket itself takes it, mapped.
      expect(payload.equals(await client4.echo({ ip: '127.0.0.77', port }, payload))).toBe(true);
      if (isLinux) expect(client4.answers.at(-1)?.from).toEqual({ ip: '127.0.0.77', port });
      const sessions = await sessionsWhen(app, dual, 3);
      const from4 = { ip: '127.0.0.1', port: client4.port };
      expect(sessions.map(({ raddr }) => raddr)).toEqual(
        expect.arrayContaining([{ ip: '::1', port: client6.port }, from4, from4]),
      );
      const laddrs = sessions.map(({ laddr }) => laddr.ip).sort();
      if (isLinux) expect(laddrs).toEqual(['127.0.0.1', '127.0.0.77', '::1']);
    },
  );

  test('TCP and UDP may have the same port', async () => {
    const tcp = await want(201, app, 'POST', '/v1/listeners', {});
    const udp = await listenUdp(app, { port: tcp.laddr.port });
    expect(udp.laddr).toEqual(tcp.laddr);
    await using client = await openUdp();
    expect(String(await client.echo(udp.laddr, 'udp'))).toBe('udp');
    expect(await talk(tcp.laddr.port, 'tcp')).toBe('tcp');
  });

  test.each([
    { ...alone, host: '127.0.0.1' },
    { ...alone, host: '0.0.0.0' },
    { ...both, host: '127.0.0.1' },
  ])(
    'a port that another process holds is in use, even one that shares it: $workers workers, $host',
    async (given) => {
      const { app } = given;
      for (const reusePort of [false, true]) {
        await using foreign = await openUdp({ reusePort });
        const spec = { protocol: 'udp', host: given.host, port: foreign.port };
        const refused = await call(app, 'POST', '/v1/listeners', spec);
        expect(refused).toMatchObject({
          status: 409,
          body: { code: 'port_in_use', owner: 'foreign' },
        });
      }
    },
  );

  test('a port that a listener has is in use by it', async () => {
    const { id, laddr } = await listenUdp(app);
    const spec = { protocol: 'udp', host: '0.0.0.0', port: laddr.port };
    const refused = await call(app, 'POST', '/v1/listeners', spec);
    expect(refused).toMatchObject({ status: 409, body: { code: 'port_in_use', owner: id } });
  });
});

describe('the end', () => {
  test(
    'a delete ends the sessions and frees the port: a create of it succeeds at once',
    long,
    async () => {
      await using client = await openUdp();
      let listener = await listenUdp(app, { host: '0.0.0.0' });
      const { port } = listener.laddr;
      for (let round = 0; round < 20; round++) {
        await client.echo({ ip: '127.0.0.1', port }, 'x');
        await want(204, app, 'DELETE', `/v1/listeners/${listener.id}`);
        expect(await sessionsOf(app, listener)).toMatchObject([
          { state: 'closed', closeReason: 'listener_deleted', closeInitiator: 'operator' },
        ]);
        listener = await listenUdp(app, { host: round % 2 === 0 ? '127.0.0.1' : '0.0.0.0', port });
      }
    },
  );

  test('while it drains known sessions go on and no new one begins', long, async () => {
    const listener = await listenUdp(app, { limits: { udpIdleTimeoutMs: 2000 } });
    const { id, laddr } = listener;
    await using known = await openUdp();
    await using stranger = await openUdp();
    await known.echo(laddr, 'before');
    const deleted = want(204, app, 'DELETE', `/v1/listeners/${id}?drainMs=60000`);
    await waitFor(
      'draining',
      async () => (await want(200, app, 'GET', `/v1/listeners/${id}`)).state === 'draining',
    );
    // The state is told before the worker is.
    await waitFor('a datagram that is not answered', async () => {
      await using late = await openUdp();
      await late.send(laddr, 'late');
      await known.echo(laddr, 'during');
      return late.answers.length === 0;
    });
    await stranger.send(laddr, 'too late');
    await known.echo(laddr, 'still');
    expect(stranger.answers).toEqual([]);
    await deleted;
    const ends = await sessionsOf(app, listener, '&closeReason=idle_timeout');
    expect(ends.some(({ raddr }) => raddr.port === known.port)).toBe(true);
  });

  test('a drain ends when its time is over', async () => {
    const listener = await listenUdp(app);
    await using client = await openUdp();
    await client.echo(listener.laddr, 'x');
    await want(204, app, 'DELETE', `/v1/listeners/${listener.id}?drainMs=100`);
    expect(await closedSession(app, listener)).toMatchObject({ closeReason: 'listener_deleted' });
  });

  test.each(['fin', 'rst'])(
    'an operator ends a session by %s; the next datagram opens another',
    async (mode) => {
      const listener = await listenUdp(app);
      await using client = await openUdp();
      await client.echo(listener.laddr, 'x');
      const [open] = await sessionsWhen(app, listener, 1);
      const closed = await want(200, app, 'POST', `/v1/connections/${open.id}:close`, { mode });
      expect(closed).toMatchObject({
        state: 'closed',
        closeInitiator: 'operator',
        closeReason: `operator_${mode}`,
        bytesIn: 1,
        bytesOut: 1,
      });
      await client.echo(listener.laddr, 'y');
      await waitFor('another', async () => (await sessionsOf(app, listener)).length === 2);
    },
  );

  test('max_bytes: the datagram that reaches it is answered whole, then the session ends', async () => {
    const listener = await listenUdp(app, { limits: { maxBytes: 10 } });
    await using client = await openUdp();
    await client.echo(listener.laddr, '1234');
    expect(String(await client.echo(listener.laddr, '567890123'))).toBe('567890123');
    const durable = await listenUdp(app, { limits: { maxBytes: 1 }, recording: 'durable' });
    expect(String(await client.echo(durable.laddr, 'all of this'))).toBe('all of this');
    const end = { closeReason: 'max_bytes', closeInitiator: 'server' };
    const first = await closedSession(app, listener);
    expect(first).toMatchObject({ ...end, bytesIn: 13, bytesOut: 13 });
    const second = await closedSession(app, durable);
    expect(second).toMatchObject({ ...end, bytesIn: 11, bytesOut: 11 });
  });

  test('max_duration ends a session that never falls idle; a change of limits holds at once', async () => {
    const listener = await listenUdp(app);
    await using client = await openUdp();
    await client.echo(listener.laddr, 'x');
    const limits = { maxDurationMs: 200 };
    await want(200, app, 'PATCH', `/v1/listeners/${listener.id}`, { limits });
    const first = await waitFor('its end', async () => {
      await client.echo(listener.laddr, 'x');
      return (await sessionsOf(app, listener)).find(({ state }) => state === 'closed');
    });
    expect(first).toMatchObject({ closeReason: 'max_duration', closeInitiator: 'server' });
  });
});

describe('limits', () => {
  test('max_connections, and room again when a session ends', long, async () => {
    const listener = await listenUdp(app, {
      limits: { maxConnections: 1, udpIdleTimeoutMs: 2000 },
    });
    await using first = await openUdp();
    await using second = await openUdp();
    await first.echo(listener.laddr, 'x');
    await expectRefused(app, listener, second, 'max_connections');
    await first.echo(listener.laddr, 'known ones go on');
    await closedSession(app, listener);
    await second.echo(listener.laddr, 'now');
  });

  test('max_connections_per_source, allow_cidrs, deny_cidrs and accept_rate', async () => {
    await using one = await openUdp();
    await using same = await openUdp();
    await using other = await openUdp({ ip: '127.0.0.2' });
    const perSource = await listenUdp(app, { limits: { maxConnectionsPerSource: 1 } });
    await one.echo(perSource.laddr, 'x');
    await expectRefused(app, perSource, same, 'max_connections_per_source');
    await other.echo(perSource.laddr, 'x');
    const allowing = await listenUdp(app, { limits: { allowCidrs: ['127.0.0.1/32'] } });
    await one.echo(allowing.laddr, 'x');
    await expectRefused(app, allowing, other, 'allow_cidrs');
    const denying = await listenUdp(app, { limits: { denyCidrs: ['127.0.0.2/32'] } });
    await one.echo(denying.laddr, 'x');
    await expectRefused(app, denying, other, 'deny_cidrs');
    const acceptRate = { perSecond: 1, burst: 1 };
    const rated = await listenUdp(app, { limits: { acceptRate } });
    await one.echo(rated.laddr, 'x');
    await expectRefused(app, rated, same, 'accept_rate');
  });

  test('while the log stands still no session begins, and known ones go on', async () => {
    const app = small;
    const listener = await listenUdp(app);
    await using resources = new AsyncDisposableStack();
    const known = resources.use(await openUdp({ ip: '127.0.0.16' }));
    await known.echo(listener.laddr, 'x');
    await using log = await stopTheLog(app);
    const clients: UdpClient[] = [];
    for (let n = 0; n < 20; n++) {
      clients.push(resources.use(await openUdp({ ip: '127.0.0.17' })));
    }
    for (const client of clients) await client.send(listener.laddr, 'x');
    for (let n = 0; n < 20; n++) await known.echo(listener.laddr, `still ${n}`);
    const answered = clients.filter(({ answers }) => answers.length > 0).length;
    expect(answered).toBeGreaterThan(0);
    expect(answered).toBeLessThanOrEqual(8);
    await log.release();
    const last = clients.at(-1);
    await waitFor('room', async () => {
      await last?.send(listener.laddr, 'again');
      return (last?.answers.length ?? 0) > 0;
    });
  });
});

describe('guards', () => {
  test('a reflecting service is not answered', async () => {
    const listener = await listenUdp(app);
    let asked = 0;
    for (const port of [7, 19, 53, 123, 1900, 5353, 11_211]) {
      // Some other program may have it, or we may not.
      await using service = await openUdp({ ip: '127.0.0.9', port }).catch(() => null);
      if (service === null) continue;
      asked += 1;
      await expectRefused(app, listener, service, 'udp_source_port');
    }
    expect(asked).toBeGreaterThan(0);
    expect(await sessionsOf(app, listener)).toEqual([]);
  });

  test('two listeners of one node do not talk to each other', async () => {
    const one = await listenUdp(app, { host: '0.0.0.0' });
    const other = await listenUdp(app);
    await using posing = await openUdp({ ip: '127.0.0.2', port: one.laddr.port, reusePort: true });
    await expectRefused(app, other, posing, 'udp_own_listener');
    expect(await sessionsOf(app, one)).toEqual([]);
    await want(204, app, 'DELETE', `/v1/listeners/${one.id}`);
    expect(String(await posing.echo(other.laddr, 'just a client'))).toBe('just a client');
  });

  test.each([
    { host: '127.0.0.1', ip: '127.0.0.1' },
    { host: '0.0.0.0', ip: '127.0.0.5' },
  ])(
    'a payload that its own echo brings back again and again is not answered for ever: %o',
    async ({ host, ip }) => {
      const listener = await listenUdp(app, { host });
      const mirror = createSocket('udp4').bind(0, '127.0.0.1');
      await once(mirror, 'listening');
      const mirrored = { count: 0 };
      mirror.on('message', (bytes, { port, address }) => {
        mirrored.count += 1;
        mirror.send(bytes, port, address);
      });
      mirror.send('round and round', listener.laddr.port, ip);
      const [refusal] = await refusalsWhen(app, listener, ({ length }) => length > 0);
      expect(refusal).toMatchObject({ rule: 'udp_loop', count: 1 });
      const { udpLoopReturnsMax } = readConfig({}).dataPlane;
      expect(mirrored.count).toBeGreaterThanOrEqual(udpLoopReturnsMax);
      mirror.close();
    },
  );

  test('equal datagrams at a modest rate are all answered', async () => {
    const app = small;
    const listener = await listenUdp(app);
    await using client = await openUdp({ ip: '127.0.0.18' });
    for (let n = 0; n < 20; n++) {
      await client.echo(listener.laddr, 'are you there?');
      await passed(15);
    }
    expect(await refusalsOf(app, listener)).toEqual([]);
  });

  test.each([
    { host: '127.0.0.1', ip: '127.0.0.1', from: '127.0.0.11' },
    { host: '0.0.0.0', ip: '127.0.0.5', from: '127.0.0.12' },
  ])('a source is answered so many bytes a second, a second answer included: %o', async (given) => {
    const { host, ip, from } = given;
    const app = small;
    const plain = await listenUdp(app, { host });
    const doubling = await listenUdp(app, { host, faults: [{ type: 'duplicate' }] });
    await using client = await openUdp({ ip: from });
    await client.echo({ ip, port: plain.laddr.port }, Buffer.alloc(6000));
    const to = { ip, port: doubling.laddr.port };
    await client.send(to, Buffer.alloc(3000));
    const refusals = await refusalsWhen(app, doubling, ({ length }) => length > 0);
    expect(refusals).toMatchObject([{ rule: 'udp_rate', count: 1 }]);
    await client.send(to, Buffer.alloc(1900));
    await waitFor('two answers more', () => client.answers.length === 3);
  });

  test(
    'a source is answered so often a second over all listeners, and refusals are sampled',
    long,
    async () => {
      const app = small;
      const listeners = [await listenUdp(app), await listenUdp(app)] as const;
      await using client = await openUdp({ ip: '127.0.0.13' });
      await using other = await openUdp({ ip: '127.0.0.14' });
      for (let n = 0; n < 9; n++) await client.echo(listeners[0].laddr, `datagram ${n}`);
      for (let n = 0; n < 60; n++) await client.send(listeners[1].laddr, `more ${n}`);
      await other.echo(listeners[1].laddr, 'another source');
      expect(client.answers.length).toBeLessThan(40);
      const refusals = await refusalsWhen(app, listeners[1], (some) => {
        const told = some.reduce((sum, { count }) => sum + count, 0);
        return told + client.answers.length === 69;
      });
      expect(refusals.some(({ count }) => count > 1)).toBe(true);
      expect(new Set(refusals.map(({ rule }) => rule))).toEqual(new Set(['udp_rate']));
      expect(refusals.length).toBeLessThan(20);
    },
  );
});

describe('faults', () => {
  test('no list of them answers a datagram more than twice', async () => {
    const duplicate = { type: 'duplicate' };
    const faults = [duplicate, { type: 'corrupt', bytes: 3 }, { type: 'latency', delayMs: 20 }];
    const listener = await listenUdp(app, { faults });
    const refusedField = async (method: string, path: string, spec: object) => {
      const { status, body } = await call(app, method, path, spec);
      return [status, body.errors?.map((error: { path: string }) => error.path)];
    };
    const path = `/v1/listeners/${listener.id}`;
    const twice = [duplicate, { type: 'drop', probability: 0.5 }, duplicate];
    const refused = [400, ['faults[2].type']];
    const spec = { protocol: 'udp', faults: twice };
    expect(await refusedField('POST', '/v1/listeners', spec)).toEqual(refused);
    expect(await refusedField('PATCH', path, { faults: twice })).toEqual(refused);
    const slice = { type: 'slice', averageBytes: 1 };
    for (const multiplying of [slice, { type: 'banner', text: 'much to say' }]) {
      const found = await refusedField('PATCH', path, { faults: [duplicate, multiplying] });
      expect(found).toEqual([400, ['faults[1].type']]);
    }
    const off = twice.map((fault) => ({ ...fault, enabled: false }));
    await want(200, app, 'PATCH', path, { faults: [...off, ...faults] });
    await using client = await openUdp();
    const sent = Array.from({ length: 40 }, () => randomBytes(randomInt(3000)));
    for (const payload of sent) await client.send(listener.laddr, payload);
    await waitFor('all answers', () => client.answers.length === 2 * sent.length);
    // One that is not of these shows that no more of them are under way.
    await client.send(listener.laddr, 'the last');
    await waitFor('its answers', () => client.answers.length >= 2 * sent.length + 2);
    expect(client.answers).toHaveLength(2 * sent.length + 2);
    const bytes = (some: readonly Buffer[]) => some.reduce((sum, { length }) => sum + length, 0);
    const answered = client.answers.map((answer) => answer.bytes);
    expect(bytes(answered)).toBe(2 * (bytes(sent) + 8));
  });

  test('drop, duplicate, corrupt and latency, changed while the session lives', async () => {
    const listener = await listenUdp(app, { faults: [{ type: 'duplicate' }] });
    const { id, laddr } = listener;
    const plain = await listenUdp(app);
    const change = async (...faults: object[]) => {
      // What was sent before has arrived by the time that this is back.
      await using other = await openUdp();
      await other.echo(plain.laddr, 'x');
      await want(200, app, 'PATCH', `/v1/listeners/${id}`, { faults });
    };
    await using client = await openUdp();
    await client.send(laddr, 'twice');
    await waitFor('two answers', () => client.answers.length === 2);
    await change({ type: 'drop' });
    await client.send(laddr, 'dropped');
    await change({ type: 'corrupt', bytes: 1 });
    const payload = randomBytes(1000);
    const corrupted = await client.echo(laddr, payload);
    expect(payload.filter((byte, place) => byte !== corrupted[place])).toHaveLength(1);
    await change({ type: 'latency', delayMs: 200 });
    const sentAt = performance.now();
    expect(String(await client.echo(laddr, 'late'))).toBe('late');
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(199);
    await change();
    expect(String(await client.echo(laddr, 'plain'))).toBe('plain');
    expect(client.answers).toHaveLength(5);
    expect(await sessionsWhen(app, listener, 1)).toMatchObject([{ state: 'open' }]);
  });

  test('a probability is drawn for each datagram, the same for the same seed', async () => {
    const faults = [{ type: 'drop', probability: 0.5, seed: 7 }];
    const runs: string[][] = [];
    for (let run = 0; run < 2; run++) {
      const listener = await listenUdp(app, { faults, limits: { udpIdleTimeoutMs: 300 } });
      await using client = await openUdp();
      for (let n = 100; n < 200; n++) await client.send(listener.laddr, `${n}`);
      const { bytesIn, bytesOut } = await closedSession(app, listener);
      expect(bytesIn).toBe(300);
      await waitFor('the answers', () => client.answers.length * 3 === bytesOut);
      runs.push(client.answers.map(({ bytes }) => String(bytes)));
    }
    expect(runs[0]?.length).toBeGreaterThan(20);
    expect(runs[0]?.length).toBeLessThan(80);
    expect(runs[1]).toEqual(runs[0]);
  });

  test.each(['batched', 'durable'] as const)(
    'a fault may end a session with its first datagram, %s, and a delete waits for none',
    async (recording) => {
      const faults = [{ type: 'limit', bytes: 0 }];
      const listener = await listenUdp(app, { recording, faults });
      await using client = await openUdp();
      await client.send(listener.laddr, Buffer.alloc(29));
      const end = { closeReason: 'fault', bytesIn: 29, bytesOut: 0 };
      expect(await closedSession(app, listener)).toMatchObject(end);
      await want(204, app, 'DELETE', `/v1/listeners/${listener.id}`);
    },
  );

  test('refuse and limit: a refusal with its rule, an end with its reason', async () => {
    const refusing = await listenUdp(app, { faults: [{ type: 'refuse' }] });
    await using client = await openUdp();
    await expectRefused(app, refusing, client, 'refuse_fault');
    const limited = await listenUdp(app, { faults: [{ type: 'limit', bytes: 10, action: 'fin' }] });
    await client.echo(limited.laddr, '12345');
    await client.send(limited.laddr, 'more than is left');
    const end = { closeReason: 'fault', closeInitiator: 'server', bytesIn: 22, bytesOut: 5 };
    expect(await closedSession(app, limited)).toMatchObject(end);
  });

  test(
    'an answer that a fault holds is waited for: by the idle time and by max_bytes',
    long,
    async () => {
      const faults = [{ type: 'latency', delayMs: 600 }];
      const idle = await listenUdp(app, { faults, limits: { udpIdleTimeoutMs: 50 } });
      const full = await listenUdp(app, { faults, limits: { maxBytes: 4 } });
      await using client = await openUdp();
      expect(String(await client.echo(idle.laddr, 'idle'))).toBe('idle');
      expect(String(await client.echo(full.laddr, 'full'))).toBe('full');
      const counted = { bytesIn: 4, bytesOut: 4 };
      const idleEnd = { closeReason: 'idle_timeout', ...counted };
      expect(await closedSession(app, idle)).toMatchObject(idleEnd);
      expect(await closedSession(app, full)).toMatchObject({
        closeReason: 'max_bytes',
        ...counted,
      });
    },
  );
});

describe('two workers', () => {
  test(
    'a source stays with its worker, and a lost worker takes only its own sessions',
    long,
    async () => {
      const app = pair;
      const listener = await listenUdp(app);
      const pids: number[] = listener.sockets.map(({ pid }: { pid: number }) => pid);
      expect(new Set(pids).size).toBe(2);
      await using resources = new AsyncDisposableStack();
      const clients: UdpClient[] = [];
      for (let n = 0; n < 40; n++) clients.push(resources.use(await openUdp()));
      for (let round = 0; round < 3; round++) {
        await Promise.all(clients.map((client) => client.echo(listener.laddr, `round ${round}`)));
      }
      const sessions = await sessionsWhen(app, listener, clients.length);
      const [lost, kept] = pids;
      const of = (pid: number | undefined) => sessions.filter((session) => session.pid === pid);
      expect(of(lost).length + of(kept).length).toBe(40);
      expect(of(lost).length * of(kept).length).toBeGreaterThan(0);
      process.kill(lost ?? 0, 'SIGKILL');
      const crashed = await sessionsWhen(
        app,
        listener,
        of(lost).length,
        '&closeReason=worker_crashed',
      );
      expect(crashed.every(({ pid }) => pid === lost)).toBe(true);
      const open = await sessionsOf(app, listener, '&state=open');
      for (const { id } of of(kept)) expect(open.map((session) => session.id)).toContain(id);
      await Promise.all(clients.map((client) => client.echo(listener.laddr, 'back')));
      await waitFor('its successor', async () => {
        const { workers } = await want(200, app, 'GET', '/v1/status');
        return workers.length === 2;
      });
    },
  );

  test('two listeners of one node do not talk to each other, whichever worker they reach', async () => {
    const one = await listenUdp(pair);
    const other = await listenUdp(pair);
    for (let n = 0; n < 10; n++) {
      await using posing = await openUdp({ port: one.laddr.port, reusePort: true });
      await posing.send(other.laddr, `datagram ${n}`);
    }
    await waitFor('all refused', async () => (await refusalsOf(pair, other)).length === 10);
    expect(await sessionsOf(pair, other)).toEqual([]);
  });

  test('a delete frees the port in both, a create of it succeeds at once', async () => {
    await using client = await openUdp();
    let listener = await listenUdp(pair);
    for (let round = 0; round < 10; round++) {
      await client.echo(listener.laddr, 'x');
      await want(204, pair, 'DELETE', `/v1/listeners/${listener.id}`);
      listener = await listenUdp(pair, { port: listener.laddr.port });
    }
  });
});

test('a flood of sources, of noise and of the largest datagrams: memory is bounded, the API answers', () =>
  floodAndServe(app, { sourcesCount: 20, sessionsMax: 5 }));
