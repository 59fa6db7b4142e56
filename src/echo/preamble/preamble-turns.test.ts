import { expect, test } from 'vitest';
import { preambleServer } from '../../../test/support/preamble-server.ts';
import { openClient, openTlsClient } from '../../../test/support/tcp-client.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { type ProjectRef, projectRef } from '../../core/project.ts';
import { type PreambleTurn, PreambleTurns } from './preamble-turns.ts';

const patient = { preamblePatienceMs: 60_000 };
const [a, b, c] = [1, 2, 3].map(projectRef) as [ProjectRef, ProjectRef, ProjectRef];
const stays = () => expect.unreachable();

const headerOf = (n: number) => `PROXY TCP4 192.0.2.${n} 198.51.100.2 56324 443\r\n`;
const turn = () => new Promise((next) => setImmediate(next));

test('those beyond the bound wait unread, in the order in which they came', async () => {
  const turns = new PreambleTurns({ preamblesMax: 1, ...patient });
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
  const turns = new PreambleTurns({ preamblesMax: 1, ...patient });
  const [first, second, third] = [1, 2, 3].map(() => turns.take(a, stays)) as [
    PreambleTurn,
    PreambleTurn,
    PreambleTurn,
  ];
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
  await turns.take(a, stays).ready;
  expect(begun).toEqual(['third']);
});

test('a listener that closes takes those that wait with it', async () => {
  const turns = new PreambleTurns({ preamblesMax: 1, ...patient });
  await using server = await preambleServer({ proxyProtocol: 'required', turns });
  await using _first = await openClient(server.port);
  await using _second = await openClient(server.port);
  await waitFor('both', () => server.sockets.length === 2);
  server.stop.abort();
  await waitFor('their ends', () => server.outcomes.length === 2);
  expect(server.sockets.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  await turns.take(a, stays).ready;
});

test('silent clients of one project keep no client of another out', async () => {
  const turns = new PreambleTurns({ preamblesMax: 3, ...patient });
  await using crowded = await preambleServer({ tls: {}, project: a, turns });
  await using other = await preambleServer({ tls: {}, project: b, turns });
  await using silent = new AsyncDisposableStack();
  for (let n = 1; n <= 5; n++) {
    silent.use(await openClient(crowded.port));
    await waitFor('it to be accepted', () => crowded.sockets.length === n);
  }
  await using client = await openTlsClient(other.port, other.cert);
  await client.echo('hello');
  const end = { initiator: 'server', reason: 'tls_error', code: 'ERR_PREAMBLE_CROWDED_OUT' };
  expect(await crowded.failure()).toMatchObject(end);
  expect(crowded.sockets.map(({ isClosed }) => isClosed)).toEqual([true, ...Array(4).fill(false)]);
});

test('silent clients of a project keep the next ones out for a moment', async () => {
  const turns = new PreambleTurns({ preamblesMax: 2, preamblePatienceMs: 200 });
  await using server = await preambleServer({ proxyProtocol: 'required', turns });
  await using first = await openClient(server.port);
  await using second = await openClient(server.port);
  await waitFor('both', () => server.sockets.length === 2);
  await using client = await openClient(server.port);
  client.socket.write(headerOf(3));
  const preamble = await server.preamble(1);
  expect(preamble.declaredRaddr?.ip).toBe('192.0.2.3');
  const end = { reason: 'proxy_header_error', code: 'ERR_PREAMBLE_CROWDED_OUT' };
  expect(await server.failure(0)).toMatchObject(end);
  // Nobody waits for the other's place.
  second.socket.write(headerOf(2));
  expect((await server.preamble(2)).declaredRaddr?.ip).toBe('192.0.2.2');
  await waitFor('its end', () => first.socket.destroyed);
});

test('the project with the fewest under way is next, and shares that differ by one stay', async () => {
  const turns = new PreambleTurns({ preamblesMax: 3, ...patient });
  const told: string[] = [];
  const take = (project: ProjectRef, name: string) => {
    const taken = turns.take(project, () => told.push(`${name} out`));
    void taken.ready.then(() => told.push(name));
    return taken;
  };
  const held = ['a1', 'a2', 'a3'].map((name) => take(a, name));
  await turn();
  take(a, 'a4');
  take(b, 'b1');
  await turn();
  expect(told.splice(0)).toEqual(['a1', 'a2', 'a3', 'a1 out', 'b1']);
  const waits = take(b, 'b2');
  take(c, 'c1');
  await turn();
  expect(told.splice(0)).toEqual(['a2 out', 'c1']);
  held[2]?.leave();
  await turn();
  expect(told.splice(0)).toEqual(['a4']);
  waits.leave();
});

test('who waits for this worker is not crowded out', async () => {
  let nowMs = 0;
  const turns = new PreambleTurns({ preamblesMax: 1, preamblePatienceMs: 1 }, () => nowMs);
  let isOut = false;
  const first = turns.take(a, () => {
    isOut = true;
  });
  await first.ready;
  const words = first.words();
  nowMs = 10;
  const second = turns.take(a, stays);
  const third = turns.take(b, stays);
  expect(isOut).toBe(false);
  await words;
  // From here on it is its client that has the next word.
  expect(isOut).toBe(false);
  nowMs = 20;
  await third.ready;
  expect(isOut).toBe(true);
  first.leave();
  third.leave();
  await second.ready;
});

test('a project that has all places waits for turns, and keeps no client of another out', async () => {
  const turns = new PreambleTurns({ preamblesMax: 2, ...patient });
  const out: string[] = [];
  const [first, second] = ['first', 'second'].map((name) => turns.take(a, () => out.push(name)));
  const words = Promise.all([first?.words(), second?.words()]);
  const other = turns.take(b, stays);
  await other.ready;
  expect(out).toEqual(['second']);
  await words;
});

test('who has left takes no turn of those who say hello', async () => {
  const turns = new PreambleTurns({ preamblesMax: 1000, ...patient });
  // As of a client that was closed before it said a word.
  for (let n = 0; n < 100; n++) {
    const left = turns.take(a, stays);
    left.leave();
    void left.words();
  }
  const client = turns.take(a, stays);
  let isAnswered = false;
  void client.words().then(() => {
    isAnswered = true;
  });
  for (let n = 0; n < 3; n++) await turn();
  expect(isAnswered).toBe(true);
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

  override take(project: ProjectRef, crowdedOut: () => void): PreambleTurn {
    const taken = super.take(project, crowdedOut);
    const words = async () => {
      await taken.words();
      this.startedIn.push(this.#turn);
    };
    return { ...taken, words };
  }
}

test('of many TLS clients that come at once each has a turn of its own', async () => {
  const turns = new NotedTurns({ preamblesMax: 1000, ...patient });
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
