import { expect, test } from 'vitest';
import type { Pace } from '../api/long-pages.ts';
import { operations } from '../api/operations.ts';
import { defaultBounds } from '../core/listener-bounds.ts';
import { pageEncoderOf } from './encoded-pages.ts';
import { messageType } from './protos.ts';

const { listListeners, getListener, closeListeners } = operations(defaultBounds, { drainMsMax: 1 });

/** Pieces of two, and how many there were. */
function paceOfTwo(): Pace & { readonly count: () => number } {
  let pieces = 0;
  return {
    count: () => pieces,
    async *pieces(items) {
      for (let at = 0; at < items.length; at += 2) {
        pieces += 1;
        yield items.slice(at, at + 2);
      }
    },
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

test('only what answers with a page is encoded so', () => {
  expect(pageEncoderOf(getListener, messageType)).toBeNull();
  expect(pageEncoderOf(closeListeners, messageType)).toBeNull();
});
