/**
 * Subscribers who do not read while megabytes wait for them: they cost the control plane next to nothing, slow
 * no one, and lose nothing, not even when it is killed while they sleep.
 */
import { readFile } from 'node:fs/promises';
import pino from 'pino';
import { expect, test } from 'vitest';
import { PostgresStore } from '../src/postgres/postgres-store.ts';
import { type EventStream, streamEvents } from './support/grpc-client.ts';
import { want } from './support/rest-client.ts';
import {
  append,
  closed,
  listenerEvent,
  opened,
  sampleConnection,
  sampleListener,
} from './support/store-samples.ts';
import { openClient, talk } from './support/tcp-client.ts';
import { makeHome, startProcess, type TestHome, type TestProcess } from './support/test-app.ts';
import { waitFor } from './support/wait-for.ts';

const connectionsPerBatch = 1000;

/** Two events for each connection, from another node: nothing of it is in anyone's memory. Resolves with the head. */
async function fillLog({ environment }: TestHome, batches: number): Promise<number> {
  const nodeId = 'filler';
  const log = pino({ level: 'silent' });
  const connectionString = environment.DATABASE_URL ?? '';
  await using store = await PostgresStore.open({ connectionString, nodeId, log });
  const node = await store.nodes.takeOwn();
  const listener = sampleListener({ nodeId });
  await node.append(append(1, [listenerEvent('listener_listening', listener)]));
  for (let batch = 0; batch < batches; batch += 1) {
    const lives = Array.from({ length: connectionsPerBatch }, (_, index) => {
      const acceptedAt = listener.createdAt + (batch * connectionsPerBatch + index) * 1000;
      const connection = sampleConnection({ nodeId, listenerId: listener.id, acceptedAt });
      return [opened(connection), closed(connection)];
    });
    await node.append(append(batch + 2, lives.flat()));
  }
  return 1 + 2 * batches * connectionsPerBatch;
}

async function asleep(app: TestProcess): Promise<EventStream> {
  const stream = streamEvents(app.grpcAddress, {}, { afterSeq: 0 });
  await waitFor('its first events', () => stream.events.length > 0);
  stream.call.pause();
  return stream;
}

async function residentBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]);
}

function seqsOf(stream: EventStream): number[] {
  return stream.events.map(({ seq }) => seq);
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

test.runIf(process.platform === 'linux')(
  'ten who sleep over megabytes each leave memory flat and others served, and get all of it',
  async () => {
    await using home = await makeHome();
    const filled = await fillLog(home, 30);
    await using cleanup = new AsyncDisposableStack();
    const app = cleanup.use(await startProcess(home));
    // One who reads it all, so that what every reader needs once is there.
    using awake = streamEvents(app.grpcAddress, {}, { afterSeq: 0 });
    await awake.synced;
    expect(awake.events.length).toBeGreaterThanOrEqual(filled);
    const before = await residentBytes(app.pid);

    const sleepers: EventStream[] = [];
    for (let index = 0; index < 10; index += 1) sleepers.push(cleanup.use(await asleep(app)));
    const request = 'GET /v1/events?afterSeq=0 HTTP/1.1\r\nhost: localhost\r\naccept: ';
    for (const type of ['text/event-stream', 'application/x-ndjson']) {
      const { socket } = cleanup.use(await openClient(app.httpPort));
      socket.pause().write(`${request}${type}\r\n\r\n`);
    }

    const { laddr } = await want(201, app, 'POST', '/v1/listeners', {});
    for (let index = 0; index < 200; index += 1) await talk(laddr.port, `talk ${index}`);
    const { headSeq } = await waitFor(
      'all of it on record',
      async () => {
        const now = await want(200, app, 'GET', '/v1/status');
        return now.headSeq >= filled + 400 && now;
      },
      60_000,
    );
    await waitFor('the awake one', () => (awake.events.at(-1)?.seq ?? 0) >= headSeq, 60_000);
    const grownBytes = (await residentBytes(app.pid)) - before;
    // A page each is some 4 MB; what waits for all of them is beyond 150 MB on the wire alone.
    expect(grownBytes).toBeLessThan(110_000_000);

    const [one, ...others] = sleepers;
    for (const other of others) other.cancel();
    one?.call.resume();
    await waitFor('all of it, late', () => (one?.events.at(-1)?.seq ?? 0) >= headSeq, 50_000);
    expect(one === undefined ? [] : seqsOf(one).slice(0, headSeq)).toEqual(upTo(headSeq));
  },
  120_000,
);

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'one who sleeps when kodama ends by %s goes on from the last event that he read',
  async (signal) => {
    await using home = await makeHome();
    await fillLog(home, 5);
    await using first = await startProcess(home);
    using sleeper = await asleep(first);
    first.child.kill(signal);
    await first.exited;
    sleeper.call.resume();
    expect(await sleeper.ended).not.toBeNull();
    const seen = seqsOf(sleeper);

    await using second = await startProcess(home);
    using rest = streamEvents(
      second.grpcAddress,
      {},
      { afterSeq: seen.at(-1) ?? 0, endAtHead: true },
    );
    expect(await rest.ended).toBeNull();
    const { headSeq } = await want(200, second, 'GET', '/v1/status');
    expect([...seen, ...seqsOf(rest)]).toEqual(upTo(headSeq));
  },
);
