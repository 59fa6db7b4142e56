import { expect, test } from 'vitest';
import type { Pace } from '../api/long-pages.ts';
import { operations } from '../api/operations.ts';
import { defaultBounds } from '../core/listener-bounds.ts';
import { pageEncoderOf } from './encoded-pages.ts';
import { messageType } from './protos.ts';

const { listListeners, listConnections, getListener, closeListeners } = operations(defaultBounds, {
  drainMsMax: 1,
});

/** Pieces of two, and how many there were. */
function paceOfTwo(): Pace & { readonly count: () => number } {
  let pieces = 0;
  return {
    count: () => pieces,
    async *pieces(list) {
      if (!(Symbol.iterator in list)) return yield* list;
      for (let at = 0; at < list.length; at += 2) {
        pieces += 1;
        yield list.slice(at, at + 2);
      }
      return null;
    },
    turn: null,
    [Symbol.dispose]: () => undefined,
  };
}

test('a page that is encoded in pieces is one message with all its items, in order', async () => {
  const encode = pageEncoderOf(listListeners, messageType);
  const pace = paceOfTwo();
  const listeners = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id }));
  const page = await encode?.({ listeners, nextPageToken: 'next' }, pace);
  expect(pace.count()).toBe(3);
  const type = messageType('ListListenersResponse');
  const read = type.toObject(type.decode(page?.bytes ?? Buffer.alloc(0)));
  expect(read).toMatchObject({ listeners, nextPageToken: 'next' });
});

test('a page that is read as it is encoded is one message, with what it has in the end', async () => {
  const encode = pageEncoderOf(listConnections, messageType);
  async function* connections() {
    yield [{ id: 'a' }, { id: 'b' }];
    yield [];
    yield [{ id: 'c' }];
    return { nextPageToken: 'next' };
  }
  const page = await encode?.({ connections: connections() }, paceOfTwo());
  const type = messageType('ListConnectionsResponse');
  const read = type.toObject(type.decode(page?.bytes ?? Buffer.alloc(0)));
  expect(read).toEqual({
    connections: [{ id: 'a' }, { id: 'b' }, { id: 'c' }],
    nextPageToken: 'next',
  });
});

test('only what answers with a page is encoded so', () => {
  expect(pageEncoderOf(getListener, messageType)).toBeNull();
  expect(pageEncoderOf(closeListeners, messageType)).toBeNull();
});
