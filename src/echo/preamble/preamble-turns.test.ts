import { expect, test } from 'vitest';
import { preambleServer } from '../../../test/support/preamble-server.ts';
import { openClient, openTlsClient } from '../../../test/support/tcp-client.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { PreambleTurns } from './preamble-turns.ts';

const headerOf = (n: number) => `PROXY TCP4 192.0.2.${n} 198.51.100.2 56324 443\r\n`;
const turn = () => new Promise((next) => setImmediate(next));

test('those beyond the bound wait unread, in the order in which they came', async () => {
  const turns = new PreambleTurns(1);
  await using server = await preambleServer({ proxyProtocol: 'required', turns });
  await using first = await openClient(server.port);
  await waitFor('the first', () => server.sockets.length === 1);
  await using second = await openClient(server.port);
  second.socket.write(headerOf(2));
  await waitFor('the second', () => server.sockets.length === 2);
  await using third = await openClient(server.port);
  third.socket.write(headerOf(3));
  await waitFor('the third', () => server.sockets.length === 3);
  for (let n = 0; n < 100; n++) await turn();
  expect(server.sockets.map(({ bytesRead }) => bytesRead)).toEqual([0, 0, 0]);
  expect(server.outcomes).toEqual([]);
  expect(await first.echo('').then(() => server.outcomes)).toEqual([]);
  first.socket.write(headerOf(1));
  await waitFor('all of them', () => server.outcomes.length === 3);
  const ips = server.outcomes.map(({ preamble }) => preamble?.declaredRaddr?.ip);
  expect(ips).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
});

test('who leaves a place, or the queue, leaves it to the next', async () => {
  const turns = new PreambleTurns(1);
  const [first, second, third] = [turns.take(), turns.take(), turns.take()];
  const begun: string[] = [];
  void second.ready.then(() => begun.push('second'));
  void third.ready.then(() => begun.push('third'));
  await first.ready;
  second.leave();
  await turn();
  expect(begun).toEqual([]);
  first.leave();
  await third.ready;
  third.leave();
  await turns.take().ready;
  expect(begun).toEqual(['third']);
});

test('a listener that closes takes those that wait with it', async () => {
  const turns = new PreambleTurns(1);
  await using server = await preambleServer({ proxyProtocol: 'required', turns });
  await using _first = await openClient(server.port);
  await using _second = await openClient(server.port);
  await waitFor('both', () => server.sockets.length === 2);
  server.stop.abort();
  await waitFor('their ends', () => server.outcomes.length === 2);
  expect(server.sockets.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  await turns.take().ready;
});

/** Notes the turn of the loop in which each client's first words are answered. */
class NotedTurns extends PreambleTurns {
  readonly startedIn: number[] = [];
  #turn = 0;
  #isCounting = true;

  async count(): Promise<void> {
    for (; this.#isCounting; this.#turn += 1) await turn();
  }

  stop(): void {
    this.#isCounting = false;
  }

  override async hello(): Promise<void> {
    await super.hello();
    this.startedIn.push(this.#turn);
  }
}

test('of many TLS clients that come at once each has a turn of its own', async () => {
  const turns = new NotedTurns(1000);
  await using server = await preambleServer({ tls: {}, turns });
  const counting = turns.count();
  const clients = await Promise.all(
    Array.from({ length: 30 }, () => openTlsClient(server.port, server.cert)),
  );
  turns.stop();
  await counting;
  expect(turns.startedIn).toHaveLength(30);
  expect(new Set(turns.startedIn).size).toBe(30);
  for (const client of clients) await client[Symbol.asyncDispose]();
});
