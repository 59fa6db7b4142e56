/** What one project lets lie on its way, bodies that do not end and answers that it does not take, keeps no other out. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { beforeAll, expect, test } from 'vitest';
import { bodyToBeRead } from '../support/begun-requests.ts';
import { call, want } from '../support/rest-client.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const token = 'the-operators-own-token';
const sumMax = 200_000;
const app = sharedApp({ KODAMA_API_TOKEN: token }, undefined, (config) => {
  const limits = { bodyBytesArrivingMax: sumMax, answerBytesWaitingMax: sumMax };
  return { ...config, http: { ...config.http, limits: { ...config.http.limits, ...limits } } };
});
const operator = { authorization: `Bearer ${token}` };

type Headers = Readonly<Record<string, string>>;
const keys: Record<'hog' | 'beside', Headers> = { hog: {}, beside: {} };
beforeAll(async () => {
  for (const name of ['hog', 'beside'] as const) {
    await want(201, app, 'POST', '/v1/projects', { name }, operator);
    const key = { name: 'key', scopes: ['read', 'write'] };
    const own = { ...operator, 'kodama-project': name };
    const { secret } = await want(201, app, 'POST', '/v1/keys', key, own);
    keys[name] = { authorization: `Bearer ${secret}` };
  }
});

/** A connection of the hog's on which this was sent, and no more. */
async function send(lines: readonly string[], body = '') {
  const socket = connect(app.httpPort, '127.0.0.1');
  const seen = { text: '', isClosed: false };
  socket.setEncoding('utf8').on('error', () => undefined);
  socket.on('data', (text: string) => {
    seen.text += text;
  });
  socket.once('close', () => {
    seen.isClosed = true;
  });
  await once(socket, 'connect');
  const head = ['Host: localhost', `authorization: ${keys.hog.authorization}`];
  const requests = lines.map((line) => [line, ...head, '', ''].join('\r\n'));
  socket.write(requests.join('') + body);
  return { socket, seen, [Symbol.dispose]: () => socket.destroy() };
}

const half = 'x'.repeat(60_000);
/** It is read in whole, and found to be wrong. */
const whole = { name: 'x'.repeat(70_000) };

async function sendHalf() {
  const type = 'content-type: application/json\r\ncontent-length: 90000';
  const sent = await send([`POST /v1/listeners HTTP/1.1\r\n${type}`], half);
  await bodyToBeRead(sent.socket);
  return sent;
}

test('bodies that do not end make room for those of other projects, the oldest first', async () => {
  using oldest = await sendHalf();
  using second = await sendHalf();
  using third = await sendHalf();
  const own = await want(429, app, 'POST', '/v1/listeners', whole, keys.hog);
  expect(own).toMatchObject({ limit: 'bodyBytesArrivingMax', limitValue: sumMax });
  for (const headers of [keys.beside, operator]) {
    await want(400, app, 'POST', '/v1/listeners', whole, headers);
  }
  await waitFor('an answer', () => oldest.seen.text.includes('bodyBytesArrivingMax'));
  expect(oldest.seen.text).toMatch(/^HTTP\/1\.1 429 /);
  expect(second.seen.text + third.seen.text).toBe('');
});

test('answers that are not taken make room for those of other projects', async () => {
  const listeners = Array.from({ length: 50 }, () => ({}));
  for (const headers of [keys.hog, keys.beside]) {
    await want(201, app, 'POST', '/v1/listeners:batch', { listeners }, headers);
  }
  const page = 'GET /v1/listeners?pageSize=50 HTTP/1.1';
  // Its pages wait behind an answer that is long in coming.
  const wait = 'GET /v1/events:wait?type=listener_failed&timeoutMs=60000 HTTP/1.1';
  using behind = await send([wait, ...Array.from({ length: 10 }, () => page)]);
  const own = await waitFor('a refusal', async () => {
    const reply = await call(app, 'GET', '/v1/listeners?pageSize=50', undefined, keys.hog);
    return reply.status === 429 ? reply : null;
  });
  expect(own.body).toMatchObject({ limit: 'answerBytesWaitingMax', limitValue: sumMax });
  expect(behind.seen).toEqual({ text: '', isClosed: false });
  await want(200, app, 'GET', '/v1/listeners?pageSize=50', undefined, keys.beside);
  await waitFor('the end of the connection', () => behind.seen.isClosed);
  await want(200, app, 'GET', '/v1/listeners?pageSize=50', undefined, keys.hog);
});
