import { EventEmitter, getEventListeners } from 'node:events';
import type { Client } from 'pg';
import { expect, test } from 'vitest';
import { ConnectionLoss } from './connection-loss.ts';

function lossOf(stop: AbortController) {
  const client = new EventEmitter();
  const loss = new ConnectionLoss(client as unknown as Client, stop.signal);
  const heard = () => getEventListeners(stop.signal, 'abort').length;
  return { client, loss, heard };
}

test.each(['end', 'error'])(
  'an %s of the connection is its loss, and the stop forgets it',
  async (kind) => {
    const { client, loss, heard } = lossOf(new AbortController());
    expect(heard()).toBe(1);
    client.emit(kind, new Error('lost'));
    await loss.happened;
    expect(heard()).toBe(0);
    // A connection may fail again while it is ended.
    client.emit('error', new Error('again'));
  },
);

test('one whose connection never came about is forgotten by who gives it up', () => {
  const { loss, heard } = lossOf(new AbortController());
  loss[Symbol.dispose]();
  expect(heard()).toBe(0);
});

test('a stop is waited for beside it', async () => {
  const stop = new AbortController();
  const { loss } = lossOf(stop);
  stop.abort();
  await loss.happened;
});
