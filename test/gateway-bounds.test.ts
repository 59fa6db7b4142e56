/** What a stranger, or a node that means ill, can make the agents' door hold, work and say. */
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { messageType } from '../src/wire/gateway-protos.ts';
import { identityOf, startGateway } from './support/agent-world.ts';
import { begin, ending, session } from './support/grpc-by-hand.ts';
import { openRaw } from './support/raw-agent.ts';
import { TestAdmission } from './support/test-admission.ts';
import { waitFor } from './support/wait-for.ts';

let admission: TestAdmission;
let gateway: Awaited<ReturnType<typeof startGateway>>;
beforeAll(async () => {
  admission = new TestAdmission();
  gateway = await startGateway(admission, { refusedLinesPerSecondMax: 2, joinsArrivingMax: 1 });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const heartbeat = (workers: number) => {
  const body = { heartbeat: { number: 1, workers: Array(workers).fill({}) } };
  return Buffer.from(messageType('SessionRequest').encode(body).finish());
};

test.for(['Session', 'Join'])('no message of %s is inflated', async (method) => {
  using client = session(new URL(gateway.url).host);
  const path = `/kodama.fleet.v1.GatewayService/${method}`;
  const stream = begin(client, path, { 'grpc-encoding': 'gzip' });
  const [headers] = await once(stream, 'response');
  expect(headers).toMatchObject({ 'grpc-status': String(status.UNIMPLEMENTED) });
});

test('of joins that do not come the last so many are waited for', async () => {
  const { host } = new URL(gateway.url);
  using client = session(host);
  const half = Buffer.from([0, 0, 0, 0, 9, 1]);
  const stalled = begin(client, '/kodama.fleet.v1.GatewayService/Join');
  const ended = ending(stalled);
  stalled.write(half);
  await once(client, 'remoteSettings');
  begin(client, '/kodama.fleet.v1.GatewayService/Join').write(half);
  expect(await ended).toMatchObject({ status: status.RESOURCE_EXHAUSTED });
  await waitFor('the end of its connection', () => client.destroyed);
});

test('of whoever is not known yet no long message is looked at', async () => {
  await using stranger = openRaw(gateway.url);
  stranger.write(heartbeat(5000));
  expect((await stranger.goodbye()).reason).toMatch(/more than 8192 bytes before the welcome/);
});

test('a frame without records is small, however many fields it is in', async () => {
  for (const frame of [heartbeat(40_000), Buffer.concat(Array(17).fill(heartbeat(1)))]) {
    await using agent = openRaw(gateway.url);
    await agent.welcomed(identityOf(admission, []));
    agent.write(frame);
    expect((await agent.goodbye()).reason).toBe('a frame that is too large');
  }
});

test('sessions that are refused are told line by line up to a bound, and counted beyond', async () => {
  const { lines } = gateway.logger;
  const isRefusal = ({ message }: { readonly message: string }) => message.endsWith('is refused');
  const before = lines.filter(isRefusal).length;
  for (let at = 0; at < 20; at += 1) {
    await using stranger = openRaw(gateway.url);
    stranger.write(Buffer.from([0xff]));
    await stranger.goodbye();
  }
  const counted = () =>
    lines.flatMap(({ message, fields }) =>
      message === 'more sessions are refused' ? [(fields as { sessions: number }).sessions] : [],
    );
  const all = () => lines.filter(isRefusal).length - before + counted().reduce((a, b) => a + b, 0);
  await waitFor('all to be told', () => all() >= 20);
  expect(counted().length).toBeGreaterThan(0);
});
