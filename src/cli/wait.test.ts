import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { long } from '../../test/support/long.ts';
import { Refused, Unreachable } from './failure.ts';
import { RestClient } from './rest-client.ts';
import { nextCallMs, waitFor } from './wait.ts';
import { waitQuery } from './wait-command.ts';

const met = { met: true, count: 1, seq: 9, connections: [] };
const notMet = (why: string) => ({ code: 'not_met', detail: `${why}: 0`, why, status: 409 });

const answer = (status: number, body: object) => (response: ServerResponse) =>
  response.writeHead(status).end(JSON.stringify(body));

/** Answers the nth request with the nth of these; the last one again and again. */
async function serve(...answers: readonly ((response: ServerResponse) => void)[]) {
  const asked: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    asked.push(new URL(request.url ?? '', 'http://x').searchParams);
    answers[Math.min(asked.length, answers.length) - 1]?.(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new RestClient({
    url: `http://127.0.0.1:${port}`,
    ca: null,
    token: null,
    project: null,
  });
  return {
    asked,
    wait: (timeoutMs: number, settleMs = 0) =>
      waitFor({ client, name: 'connections', query: { listener: 'sdk' }, settleMs, timeoutMs }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
    [Symbol.asyncDispose]() {
      return server.listening ? this.close() : Promise.resolve();
    },
  };
}

test('what is cut, unavailable, or out of the time of one call is asked again', long, async () => {
  await using server = await serve(
    (response) => response.destroy(),
    answer(503, { code: 'unavailable', detail: 'stopping', status: 503 }),
    // As a proxy does while kodama restarts.
    (response) => response.writeHead(504).end('<html>Gateway Timeout</html>'),
    answer(409, notMet('timeout')),
    answer(200, met),
  );
  expect(await server.wait(600_000, 500)).toEqual(met);
  expect(server.asked.map((asked) => asked.get('timeoutMs'))).toEqual(new Array(5).fill('30000'));
  expect(server.asked.every((asked) => asked.get('settleMs') === '500')).toBe(true);
});

test('what cannot be met any more, or is refused, is not asked again', async () => {
  for (const problem of [notMet('over'), notMet('exceeded'), { code: 'not_found', detail: '' }]) {
    await using server = await serve(answer(409, problem));
    await expect(server.wait(600_000)).rejects.toThrow(Refused);
    expect(server.asked).toHaveLength(1);
  }
});

test('what is not met in time is not met, with its exit code', async () => {
  await using server = await serve(answer(409, notMet('timeout')));
  const failure = await server.wait(0).catch((error: unknown) => error);
  expect(failure).toMatchObject({ exitCode: 3, problem: { why: 'timeout' } });
  expect(server.asked.map((asked) => asked.get('timeoutMs'))).toEqual(['0']);
});

test('a kodama that was never there is not waited for', async () => {
  await using server = await serve(answer(200, met));
  await server.close();
  await expect(server.wait(600_000)).rejects.toThrow(Unreachable);
});

test('no call is longer than the API allows, and in each what holds can settle', () => {
  for (const settleMs of [0, 500, 40_000, 60_000]) {
    for (let left = settleMs; left < 300_000; left += 7919) {
      const callMs = nextCallMs(left, settleMs);
      expect(callMs).toBeLessThanOrEqual(Math.min(left, 60_000));
      expect(callMs).toBeGreaterThanOrEqual(settleMs);
    }
  }
  expect(nextCallMs(10_000, 0)).toBe(10_000);
});

test('what has to hold for long can settle until the end', () => {
  const callsOf = (timeoutMs: number, settleMs: number) => {
    const calls: number[] = [];
    for (let left = timeoutMs; left > settleMs; left -= calls.at(-1) ?? 0) {
      calls.push(nextCallMs(left, settleMs));
    }
    return calls;
  };
  expect(callsOf(120_000, 40_000)).toEqual([60_000, 60_000]);
  expect(callsOf(200_000, 40_000)).toEqual([50_000, 50_000, 50_000, 50_000]);
  expect(callsOf(90_000, 40_000)).toEqual([45_000, 45_000]);
  // In two calls it could not settle twice.
  expect(callsOf(70_000, 40_000)).toEqual([60_000]);
  expect(callsOf(70_000, 500)).toEqual([30_000, 40_000]);
});

test('how many are waited for is said in one way', () => {
  const bounds = (options: object) => {
    const { min, max } = waitQuery({ settle: 0, timeout: 0, limit: 50, ...options }, 'sdk');
    return { min, max };
  };
  expect(bounds({})).toEqual({ min: undefined, max: undefined });
  expect(bounds({ count: 3 })).toEqual({ min: 3, max: 3 });
  expect(bounds({ none: true })).toEqual({ min: 0, max: 0 });
  expect(bounds({ atLeast: 1, atMost: 4 })).toEqual({ min: 1, max: 4 });
});
