/** What is bounded in number is bounded in bytes: specs, batches and changes, on both edges alike. */
import { expect, test } from 'vitest';
import { call as grpcCall } from './support/grpc-client.ts';
import { want } from './support/rest-client.ts';
import { banner, grpcBanner, grpcLarge, large, sizedApp } from './support/sized-app.ts';

const tooLarge = { faults: [banner(65_000), banner(65_000), banner(1000)] };
const grpcTooLarge = { faults: [grpcBanner(65_000), grpcBanner(65_000), grpcBanner(1000)] };

const { app, client, headSeq, restRefusal, grpcRefusal } = sizedApp();

test('a spec that is too large is refused alike, with the fields that take most', async () => {
  const before = await headSeq();
  const words = "has most of the spec's 131";
  const create = await restRefusal('POST', '/v1/listeners', tooLarge);
  expect(create.code).toBe('invalid_argument');
  expect(create.detail).toContain(`faults: ${words}`);
  const sent = grpcTooLarge;
  expect(await grpcRefusal((done) => client.listeners.CreateListener(sent, done))).toEqual(create);
  const listeners = [{}, tooLarge];
  const batch = await restRefusal('POST', '/v1/listeners:batch', { listeners });
  expect(batch.detail).toContain(`listeners[1].faults: ${words}`);
  const grpcListeners = [{}, grpcTooLarge];
  expect(
    await grpcRefusal((done) =>
      client.listeners.BatchCreateListeners({ listeners: grpcListeners }, done),
    ),
  ).toEqual(batch);
  expect(await headSeq()).toBe(before);
});

test('a batch whose answer would be too large is refused before it does anything', async () => {
  const before = await headSeq();
  const ports = { from: 41_000, to: 41_049 };
  const refusal = await restRefusal('POST', '/v1/listeners:batch', { ports, ...large });
  expect(refusal.code).toBe('invalid_argument');
  expect(refusal.detail).toMatch(/^ports: the specs are 60\d{5} bytes in sum, .* at most 1048576$/);
  expect(
    await grpcRefusal((done) =>
      client.listeners.BatchCreateListeners({ ports, each: grpcLarge }, done),
    ),
  ).toEqual(refusal);
  expect(await headSeq()).toBe(before);
  const listed = { listeners: Array.from({ length: 8 }, () => ({ faults: [banner(60_000)] })) };
  const { listeners } = await want(201, app, 'POST', '/v1/listeners:batch', listed);
  for (const { id } of listeners) await want(204, app, 'DELETE', `/v1/listeners/${id}`);
});

test('a change that changes nothing leaves no event, and one that makes too much is refused', async () => {
  const { id } = await want(201, app, 'POST', '/v1/listeners', { faults: [banner(60_000)] });
  const before = await headSeq();
  const path = `/v1/listeners/${id}`;
  const listener = await want(200, app, 'GET', path);
  expect(await want(200, app, 'PATCH', path, {})).toEqual(listener);
  expect(await want(200, app, 'PATCH', path, { faults: [banner(60_000)] })).toEqual(listener);
  await grpcCall((done) => client.listeners.UpdateListener({ id }, done));
  const again = { id, faults: [grpcBanner(60_000)] };
  await grpcCall((done) => client.listeners.UpdateListener(again, done));
  expect(await headSeq()).toBe(before);
  const refusal = await restRefusal('PATCH', path, tooLarge);
  expect(refusal).toMatchObject({ code: 'invalid_argument' });
  expect(
    await grpcRefusal((done) => client.listeners.UpdateListener({ id, ...grpcTooLarge }, done)),
  ).toEqual(refusal);
  expect(await headSeq()).toBe(before);
  await want(204, app, 'DELETE', path);
});
