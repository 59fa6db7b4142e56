import { getEventListeners } from 'node:events';
import { expect, onTestFinished, test, vi } from 'vitest';
import { caller, makeWorld } from '../../test/support/core-world.ts';
import { sampleEvent, sampleId } from '../../test/support/samples.ts';
import { everyEvent } from './event-filter.ts';
import type { FollowAsk } from './labelled-listeners.ts';
import type { NamedStreamItem } from './listener-names.ts';

const ask: FollowAsk = {
  start: { kind: 'after_seq', seq: 0 },
  filter: { ...everyEvent, listeners: [], labels: {} },
  log: null,
  endAtHead: false,
  heartbeatMs: 60_000,
};

async function worldWith(count: number) {
  const world = await makeWorld();
  const events = Array.from({ length: count }, (_, index) => sampleEvent({ id: sampleId(index) }));
  await world.eventLog.append(events);
  return world;
}

async function itemsOf(stream: AsyncIterable<NamedStreamItem>) {
  const items: NamedStreamItem[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

const told = (items: readonly NamedStreamItem[]) =>
  items.map((item) => (item.kind === 'events' ? item.events.map(({ seq }) => seq) : { ...item }));

test('it ends after so many events, in the backlog and after it, and says where it stood', async () => {
  const { control, eventLog } = await worldWith(3);
  const two = await itemsOf(control.followEvents(caller, { ...ask, maxEvents: 2 }));
  expect(told(two)).toEqual([[1, 2], { kind: 'ended', seq: 2, why: 'max_events' }]);
  const three = await itemsOf(control.followEvents(caller, { ...ask, maxEvents: 3 }));
  expect(told(three)).toEqual([[1, 2, 3], { kind: 'ended', seq: 3, why: 'max_events' }]);
  const live = control.followEvents(caller, { ...ask, maxEvents: 4 });
  const begin = [(await live.next()).value, (await live.next()).value];
  for (let more = 0; more < 2; more += 1) {
    await eventLog.append([sampleEvent({ id: sampleId(100 + more) })]);
  }
  const items = [...begin, ...(await itemsOf(live))].filter((item) => item !== undefined);
  expect(told(items)).toEqual([
    [1, 2, 3],
    { kind: 'synced', seq: 3 },
    [4],
    { kind: 'ended', seq: 4, why: 'max_events' },
  ]);
});

test('it ends after so long, where nothing comes, and leaves no timer and no listener behind', async () => {
  const { control } = await worldWith(1);
  const { signal } = new AbortController();
  const set = vi.spyOn(globalThis, 'setTimeout');
  const cleared = vi.spyOn(globalThis, 'clearTimeout');
  onTestFinished(() => void vi.restoreAllMocks());
  const own = { ...caller, signal };
  // Times that nobody else's timers have, such as those of connections that other files of the process have left.
  const [heartbeatMs, timeoutMs] = [77_777, 86_399_999];
  const items = await itemsOf(control.followEvents(own, { ...ask, heartbeatMs, timeoutMs: 20 }));
  const end = { kind: 'ended', seq: 1, why: 'timeout' };
  expect(told(items)).toEqual([[1], { kind: 'synced', seq: 1 }, end]);
  await itemsOf(control.followEvents(own, { ...ask, maxEvents: 1, timeoutMs }));
  // A heartbeat is due so long after the one before, a little of which has passed.
  const isOwn = (ms = 0) => ms === timeoutMs || (ms > 70_000 && ms <= heartbeatMs);
  const long = set.mock.results.filter((_, at) => isOwn(set.mock.calls[at]?.[1]));
  expect(long.length).toBeGreaterThan(1);
  const isCleared = ({ value }: { value: unknown }) =>
    cleared.mock.calls.some(([timer]) => timer === value);
  expect(long.filter((one) => !isCleared(one))).toEqual([]);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  expect(control.followers).toEqual([]);
});
