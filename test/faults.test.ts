/** What each fault does to a TCP connection, as the client sees it and as the record tells it. */
import { describe, expect, test } from 'vitest';
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
import { closedConnections, refusals } from './support/history.ts';
import { long } from './support/long.ts';
import { want } from './support/rest-client.ts';
import { openClient, type TcpClient, wantRefused } from './support/tcp-client.ts';
import { commonApp } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const app = commonApp();

const listen = (faults: readonly object[], spec: object = {}) => listenWith(app, faults, spec);

async function wantState(id: string, state: string): Promise<void> {
  await connectionOnce(app, id, `that is ${state}`, (connection) => connection.state === state);
}

/** The server has read so many bytes of the listener's only connection. */
async function wantRead(id: string, bytes: number): Promise<void> {
  await connectionOnce(app, id, `with ${bytes} bytes`, ({ bytesIn }) => bytesIn === bytes);
}

describe.concurrent('latency', () => {
  test('no byte comes back before its delay, and neither does the FIN', async () => {
    const { id, port } = await listen([{ type: 'latency', delayMs: 250 }]);
    await using client = await openClient(port, halfOpen);
    const sentAt = now();
    await client.echo('late');
    expect((await arrivalOf(client, 1)) - sentAt).toBeGreaterThanOrEqual(250);
    const finAt = now();
    client.socket.end();
    expect((await wantEnd(client)) - finAt).toBeGreaterThanOrEqual(250);
    await closedConnections(app, id);
  });

  test('what is sent while other bytes wait does not wait for them too', long, async () => {
    const { port } = await listen([{ type: 'latency', delayMs: 1000 }]);
    await using client = await openClient(port);
    const sentAt = now();
    for (let n = 1; n <= 10; n += 1) {
      client.socket.write(`${n}`);
      await waitFor('the next write', () => now() > sentAt + n * 50);
    }
    const last = (await arrivalOf(client, 11)) - sentAt;
    expect(last).toBeGreaterThanOrEqual(1000 + 450);
    // One after the other would take ten seconds.
    expect(last).toBeLessThan(8000);
  });

  test('jitter strays to both sides, within its bounds', long, async () => {
    // The seed draws from next to nothing up to nearly twice the delay for the first eight connections.
    const fault = { type: 'latency', delayMs: 600, jitterMs: 600, seed: 6 };
    const { port } = await listen([fault]);
    await using clients = new AsyncDisposableStack();
    const opened: TcpClient[] = [];
    for (let n = 0; n < 8; n += 1) opened.push(clients.use(await openClient(port)));
    const sentAt = now();
    for (const client of opened) client.socket.write('x');
    const delays = await Promise.all(
      opened.map(async (client) => (await arrivalOf(client, 1)) - sentAt),
    );
    expect(Math.min(...delays)).toBeLessThan(600);
    expect(Math.max(...delays)).toBeGreaterThan(600 * 1.9);
    expect(Math.max(...delays)).toBeLessThan(10_000);
  });

  test.each(['uniform', 'normal', 'pareto'])(
    '%s jitter keeps the order of a stream',
    async (distribution) => {
      const fault = { type: 'latency', delayMs: 20, jitterMs: 20, distribution };
      const { port } = await listen([fault]);
      await using client = await openClient(port, halfOpen);
      const sent = numbered(4000);
      for (let from = 0; from < sent.length; from += 100) {
        client.socket.write(sent.slice(from, from + 100));
        await waitFor('a turn of the loop', () => true);
      }
      client.socket.end();
      await wantEnd(client);
      expect(client.received.toString()).toBe(sent);
    },
  );
});

describe.concurrent('bandwidth', () => {
  const rate = 20_000;
  /** What goes at once, at the most. */
  const quantum = rate / 200;

  /** At no time has more come than the rate lets through. */
  function wantPaced(arrivals: readonly { at: number; total: number }[], sentAt: number): void {
    for (const { at, total } of arrivals) {
      expect(total).toBeLessThanOrEqual(((at - sentAt + 2) * rate) / 1000 + quantum);
    }
  }

  test('bytes come back evenly, and no faster', long, async () => {
    const { port } = await listen([{ type: 'bandwidth', bytesPerSecond: rate }]);
    await using client = await openClient(port);
    const sent = numbered(12_000);
    const sentAt = now();
    client.socket.write(sent);
    const lasted = (await arrivalOf(client, sent.length)) - sentAt;
    expect(client.received.toString()).toBe(sent);
    expect(lasted).toBeGreaterThanOrEqual(598);
    expect(lasted).toBeLessThan(15_000);
    wantPaced(client.arrivals, sentAt);
  });

  test('each connection has the rate for itself', async () => {
    const { port } = await listen([{ type: 'bandwidth', bytesPerSecond: rate }]);
    await using clients = new AsyncDisposableStack();
    const opened: TcpClient[] = [];
    for (let n = 0; n < 16; n += 1) opened.push(clients.use(await openClient(port)));
    const sentAt = now();
    for (const client of opened) client.socket.write(numbered(8000));
    for (const client of opened) await arrivalOf(client, 8000);
    const ends = opened.map((client) => (client.arrivals.at(-1)?.at ?? 0) - sentAt);
    for (const { arrivals } of opened) wantPaced(arrivals, sentAt);
    // Together they would take 6.4 seconds.
    expect(Math.max(...ends)).toBeLessThan(6000);
  });

  test('with the scope of the listener two clients share it, in turns', long, async () => {
    const fault = { type: 'bandwidth', bytesPerSecond: rate, scope: 'listener' };
    const { port } = await listen([fault]);
    await using one = await openClient(port);
    await using other = await openClient(port);
    const sent = numbered(8000);
    const sentAt = now();
    one.socket.write(sent);
    other.socket.write(sent);
    await arrivalOf(one, 8000);
    await arrivalOf(other, 8000);
    expect([one, other].map(({ received }) => received.toString())).toEqual([sent, sent]);
    const both = [one, other]
      .flatMap(({ arrivals }) =>
        arrivals.map(({ at, total }, n) => {
          return { at, bytes: total - (arrivals[n - 1]?.total ?? 0) };
        }),
      )
      .sort((a, b) => a.at - b.at);
    let total = 0;
    const together = both.map(({ at, bytes }) => {
      total += bytes;
      return { at, total };
    });
    wantPaced(together, sentAt);
    const firstDone = Math.min(...[one, other].map(({ arrivals }) => arrivals.at(-1)?.at ?? 0));
    for (const { arrivals } of [one, other]) {
      const share = arrivals.findLast(({ at }) => at <= firstDone)?.total ?? 0;
      expect(share).toBeGreaterThan(2000);
    }
  });
});

test.concurrent('slice: pieces of the size come one by one, and never join two reads', async () => {
  const fault = { type: 'slice', averageBytes: 3, delayMs: 120 };
  const { port } = await listen([fault]);
  await using client = await openClient(port);
  const sentAt = now();
  expect(await client.echo('abcdefgh')).toBe('abcdefgh');
  // A client that was held up itself may have seen two of them as one.
  const seen = client.arrivals.map(({ total }) => total);
  expect(seen.filter((total) => ![3, 6, 8].includes(total))).toEqual([]);
  expect(seen.length).toBeGreaterThan(1);
  expect((await arrivalOf(client, 4)) - sentAt).toBeGreaterThanOrEqual(120);
  expect((await arrivalOf(client, 7)) - sentAt).toBeGreaterThanOrEqual(240);
  await client.echo('ij');
  expect(client.arrivals.at(-1)?.total).toBe(10);
});

describe.concurrent('limit', () => {
  test.each([0, 1, 37, 100])('fin: exactly %i bytes come back, then the FIN', async (bytes) => {
    const { id, port } = await listen([{ type: 'limit', bytes }]);
    await using client = await openClient(port, halfOpen);
    const sent = numbered(100);
    client.socket.write(sent);
    await wantEnd(client);
    client.socket.end();
    await client.ended;
    expect([client.error, client.received.toString()]).toEqual([null, sent.slice(0, bytes)]);
    expect(await closedConnections(app, id)).toMatchObject([{ ...byFault, bytesOut: bytes }]);
  });

  test.each([1, 37, 100])('rst: exactly %i bytes come back, then the RST', async (bytes) => {
    const { id, port } = await listen([{ type: 'limit', bytes, action: 'rst' }]);
    await using client = await openClient(port);
    const sent = numbered(100);
    client.socket.write(sent);
    await client.ended;
    expect([client.sawEnd, client.error]).toEqual([false, 'ECONNRESET']);
    expect(client.received.toString()).toBe(sent.slice(0, bytes));
    expect(await closedConnections(app, id)).toMatchObject([{ ...byFault, bytesOut: bytes }]);
  });

  test('rst at 0: it comes at once', async () => {
    const { id, port } = await listen([{ type: 'limit', bytes: 0, action: 'rst' }]);
    await wantRefused(port);
    expect(await closedConnections(app, id)).toMatchObject([{ ...byFault, bytesIn: 0 }]);
  });

  test(
    'blackhole: nothing more comes back, no FIN either, and it stays connected',
    long,
    async () => {
      const { id, port } = await listen([{ type: 'limit', bytes: 37, action: 'blackhole' }]);
      await using client = await openClient(port, halfOpen);
      const sent = numbered(100);
      client.socket.write(sent);
      await arrivalOf(client, 37);
      client.socket.write('lost');
      await wantRead(id, 104);
      client.socket.end();
      await wantState(id, 'half_closed');
      expect(client.received.toString()).toBe(sent.slice(0, 37));
      expect([client.sawEnd, client.error]).toEqual([false, null]);
      await patchFaults(app, id, []);
      await wantEnd(client);
      expect(client.received.length).toBe(37);
      expect(await closedConnections(app, id)).toMatchObject([
        { ...byPeer, bytesIn: 104, bytesOut: 37 },
      ]);
    },
  );
});

describe.concurrent.each(['fin', 'rst', 'half_close'])('close with %s', (mode) => {
  const dropped = 24 * 1024 * 1024;

  async function wantClosed(client: TcpClient, id: string, received: string, more = 0) {
    if (mode === 'rst') {
      await client.ended;
      expect([client.sawEnd, client.error]).toEqual([false, 'ECONNRESET']);
    } else {
      await wantEnd(client);
      if (mode === 'half_close') {
        // More than the buffers of two sockets hold: the server goes on reading.
        const sent = Promise.withResolvers<void>();
        client.socket.write(Buffer.alloc(dropped), () => sent.resolve());
        await sent.promise;
        await wantState(id, 'open');
      }
      client.socket.end();
      await client.ended;
      expect(client.error).toBeNull();
    }
    expect(client.received.toString()).toBe(received);
    const [connection] = await closedConnections(app, id);
    expect(connection).toMatchObject({ ...byFault, bytesOut: received.length });
    if (mode === 'half_close') expect(connection.bytesIn).toBe(received.length + more + dropped);
  }

  test('at a time after the accept', long, async () => {
    const { id, port } = await listen([{ type: 'close', afterMs: 300, mode }]);
    await using client = await openClient(port, halfOpen);
    await Promise.race([client.ended, wantEnd(client)]);
    expect(now() - client.begunAt).toBeGreaterThanOrEqual(299);
    await wantClosed(client, id, '');
  });

  test('after so many bytes, which all come back', long, async () => {
    const { id, port } = await listen([{ type: 'close', afterBytes: 10, mode }]);
    await using client = await openClient(port, halfOpen);
    await client.echo('012');
    client.socket.write('3456789abcdef');
    await wantClosed(client, id, '0123456789', 6);
  });

  test('after so many messages, which all come back', long, async () => {
    const { id, port } = await listen([{ type: 'close', afterMessages: 3, mode }]);
    await using client = await openClient(port, halfOpen);
    await client.echo('one ');
    await client.echo('two ');
    client.socket.write('three');
    await wantClosed(client, id, 'one two three');
  });
});

test.concurrent('accept_delay: connected at once, heard later; several add up', async () => {
  const { port } = await listen([
    { type: 'accept_delay', delayMs: 200 },
    { type: 'banner', text: 'hello ' },
    { type: 'accept_delay', delayMs: 150 },
  ]);
  await using client = await openClient(port);
  client.socket.write('you');
  await arrivalOf(client, 9);
  expect(client.received.toString()).toBe('hello you');
  expect((client.arrivals[0]?.at ?? 0) - client.begunAt).toBeGreaterThanOrEqual(349);
});

const delayed = [
  ['echo', {}],
  ['PROXY header', { proxyProtocol: { mode: 'required', trustedCidrs: [] } }],
  ['handshake', { protocol: 'tls' }],
] as const;
const longDelay = [{ type: 'accept_delay', delayMs: 86_400_000 }];

test.concurrent.each(delayed)(
  'accept_delay before the %s: limits of time hold meanwhile, also those that come then, and end with FIN',
  async (_, spec) => {
    const faults = longDelay;
    const made = { ...spec, faults, limits: { maxDurationMs: 100 } };
    const first = await want(201, app, 'POST', '/v1/listeners', made);
    await using client = await openClient(first.laddr.port);
    await client.ended;
    const second = await want(201, app, 'POST', '/v1/listeners', { ...spec, faults });
    await using other = await openClient(second.laddr.port);
    // What nobody has read would turn a plain close into RST.
    other.socket.write('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nhello');
    await want(200, app, 'PATCH', `/v1/listeners/${second.id}`, { limits: { idleTimeoutMs: 100 } });
    await other.ended;
    expect([other.sawEnd, other.error]).toEqual([true, null]);
    const end = { closeInitiator: 'server', bytesIn: 0 };
    expect(await closedConnections(app, first.id)).toMatchObject([
      { ...end, closeReason: 'max_duration' },
    ]);
    expect(await closedConnections(app, second.id)).toMatchObject([
      { ...end, closeReason: 'idle_timeout' },
    ]);
  },
);

test.concurrent.each(delayed)(
  'accept_delay before the %s: a delete ends with FIN, whatever was sent',
  async (_, spec) => {
    const { id, port } = await listen(longDelay, { ...spec, limits: { maxConnections: 1 } });
    await using client = await openClient(port);
    await new Promise((sent) => client.socket.write('hello', sent));
    // So the first one was accepted.
    await wantRefused(port);
    await want(204, app, 'DELETE', `/v1/listeners/${id}`);
    await client.ended;
    expect([client.sawEnd, client.error]).toEqual([true, null]);
    expect(await closedConnections(app, id)).toMatchObject([
      { closeReason: 'listener_deleted', closeInitiator: 'operator', bytesIn: 0 },
    ]);
  },
);

test.concurrent('refuse: RST at accept, and an event that says why', async () => {
  const { id, port } = await listen([{ type: 'refuse' }]);
  await wantRefused(port);
  expect(await refusals(app, id)).toMatchObject([
    { rule: 'refuse_fault', count: 1, protocol: 'tcp', laddr: { port } },
  ]);
  const { connections } = await want(200, app, 'GET', `/v1/connections?listener=${id}`);
  expect(connections).toEqual([]);
});

describe.concurrent('blackhole', () => {
  const much = Buffer.from(numbered(24 * 1024 * 1024));

  test('drop: all is read and nothing comes back, not even the FIN', async () => {
    const { id, port } = await listen([{ type: 'blackhole' }]);
    await using client = await openClient(port, halfOpen);
    client.socket.end(much);
    await wantRead(id, much.length);
    await wantState(id, 'half_closed');
    expect([client.received.length, client.sawEnd, client.error]).toEqual([0, false, null]);
    await patchFaults(app, id, []);
    await wantEnd(client);
    expect(client.received.length).toBe(0);
  });

  test(
    "stall: the client's buffer fills, and all comes back when the fault goes",
    long,
    async () => {
      const { id, port } = await listen([{ type: 'blackhole', how: 'stall' }]);
      await using client = await openClient(port, halfOpen);
      let isSent = false;
      client.socket.end(much, () => {
        isSent = true;
      });
      // What a server that reads takes of the same meanwhile: all.
      const reading = await listen([{ type: 'blackhole' }]);
      await using other = await openClient(reading.port);
      const taken = Promise.withResolvers<void>();
      other.socket.write(much, () => taken.resolve());
      await taken.promise;
      expect([isSent, client.received.length]).toEqual([false, 0]);
      await patchFaults(app, id, []);
      await wantEnd(client);
      expect(client.received.equals(much)).toBe(true);
    },
  );
});

test.concurrent('corrupt: as many bytes come back, and so many of them differ', async () => {
  const { port } = await listen([{ type: 'corrupt', bytes: 3 }]);
  await using client = await openClient(port);
  for (let n = 0; n < 5; n += 1) {
    const sent = numbered(200);
    await client.echo(sent);
    // As bytes: what was changed need no longer be UTF-8.
    const back = client.received.subarray(n * 200);
    const differing = [...back].filter((byte, place) => byte !== sent.charCodeAt(place));
    expect(differing).toHaveLength(3);
  }
  expect(client.received.length).toBe(1000);
});

test.concurrent('slow_close: bytes come back as ever, the FIN late', async () => {
  const { id, port } = await listen([{ type: 'slow_close', delayMs: 300 }]);
  await using client = await openClient(port, halfOpen);
  await client.echo('quick');
  const finAt = now();
  client.socket.end(', bye');
  await arrivalOf(client, 10);
  expect((await wantEnd(client)) - finAt).toBeGreaterThanOrEqual(300);
  expect(await closedConnections(app, id)).toMatchObject([byPeer]);
});

describe.concurrent('banner', () => {
  test.each([
    [{ text: 'grüß dich\r\n' }, Buffer.from('grüß dich\r\n')],
    [{ base64: '/wABgA==' }, Buffer.from([0xff, 0, 1, 0x80])],
  ])('%j is said before any echo', async (content, bytes) => {
    const { id, port } = await listen([{ type: 'banner', ...content }]);
    await using silent = await openClient(port, halfOpen);
    await arrivalOf(silent, bytes.length);
    await using client = await openClient(port, halfOpen);
    client.socket.end('echo');
    await wantEnd(client);
    silent.socket.end();
    await wantEnd(silent);
    expect([silent.received, client.received]).toEqual([
      bytes,
      Buffer.concat([bytes, Buffer.from('echo')]),
    ]);
    const [first, second] = await closedConnections(app, id, 2);
    expect([first.bytesOut, second.bytesOut]).toEqual([bytes.length, bytes.length + 4]);
  });

  test('one that comes later is waited for, with bytes and with the FIN', async () => {
    const { port } = await listen([{ type: 'banner', text: 'hello ', delayMs: 300 }]);
    await using client = await openClient(port, halfOpen);
    client.socket.end('you');
    await wantEnd(client);
    expect((client.arrivals[0]?.at ?? 0) - client.begunAt).toBeGreaterThanOrEqual(299);
    expect(client.received.toString()).toBe('hello you');
  });

  test('info mode greets first, whatever the banner says', async () => {
    const { port } = await listen([{ type: 'banner', text: 'banner\n' }], { mode: 'info' });
    await using client = await openClient(port, halfOpen);
    const { localPort } = client.socket;
    client.socket.end('echo');
    await wantEnd(client);
    const [greeting = '', ...rest] = client.received.toString().split('\n');
    expect(JSON.parse(greeting)).toMatchObject({ raddr: { port: localPort } });
    expect(rest).toEqual(['banner', 'echo']);
  });
});
