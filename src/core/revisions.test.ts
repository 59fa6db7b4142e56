import { expect, test } from 'vitest';
import { sampleListener } from '../../test/support/samples.ts';
import { listenerEvent } from './event.ts';
import type { Listener } from './listener.ts';
import { Revisions } from './revisions.ts';

test('a change is on top of what is on record, whatever revision is in memory', () => {
  const revisions = new Revisions();
  const raise = (listener: Listener) => {
    const { project } = listener;
    const events = [listenerEvent('listener_updated', listener)];
    const entry = { project, events, secrets: new Map(), counters: [], audit: [], bytes: 0 };
    return revisions.raised([entry]);
  };
  const numberOf = (raised: ReturnType<typeof raise>) =>
    raised.flatMap(({ events }) =>
      events.map((event) => ('listener' in event ? event.listener.revision : null)),
    );
  const read = sampleListener({ revision: 4 });
  const first = raise(read);
  expect(numberOf(first)).toEqual([5]);
  // It was not done: the next is the same.
  expect(numberOf(raise(read))).toEqual([5]);
  revisions.keep(first);
  expect(numberOf(raise(read))).toEqual([6]);
  expect(numberOf(raise(sampleListener({ id: 'another', revision: 0 })))).toEqual([1]);
  const end = raise({ ...read, state: 'closed' });
  revisions.keep(end);
  expect(numberOf(raise(read))).toEqual([5]);
});
