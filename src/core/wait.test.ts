import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { caller, makeWorld } from '../../test/support/core-world.ts';
import { long } from '../../test/support/long.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { rejection, sampleId } from '../../test/support/samples.ts';
import {
  closed,
  halfClosed,
  listenerEvent,
  opened,
  sampleConnection,
  sampleListener,
} from '../../test/support/store-samples.ts';
import type { Connection } from './connection.ts';
import { everyConnection } from './connection-filter.ts';
import type { AppError } from './errors.ts';
import type { EventDraft } from './event.ts';
import { everyEvent } from './event-filter.ts';
import type { Listener } from './listener.ts';
import { type ConnectionWaitAsk, NotMet, type WaitAsk } from './waits.ts';

const listener = sampleListener({ id: sampleId(1), name: 'sdk', revision: 0 });
const closedListener: Listener = { ...listener, state: 'closed', sockets: [], revision: 1 };
const over = listenerEvent('listener_closed', closedListener);

let number = 0;
function connection(given: Partial<Connection> = {}): Connection {
  number += 1;
  return sampleConnection({ id: sampleId(1000 + number), listenerId: listener.id, ...given });
}

const wait: WaitAsk = {
  ...{ min: 1, max: null, settleMs: 0, timeoutMs: 60_000, afterSeq: 0 },
  ...{ log: null, pageSize: 50 },
};
const any: ConnectionWaitAsk = { ...everyConnection, listeners: [], labels: {}, wait };
const fin = { ...any, listeners: ['sdk'], closeReason: 'peer_fin' } as const;

/** Of all stores that are made here: none is called by anything but the test that runs. */
let storeCalls = 0;

function countedStore(): MemoryStore {
  return new MemoryStore({
    async turn() {
      storeCalls += 1;
    },
  });
}

async function worldWith(events: readonly EventDraft[], store = countedStore()) {
  const world = await makeWorld({ store });
  await world.eventLog.append([listenerEvent('listener_listening', listener), ...events]);
  return world;
}

function ask(given: Partial<ConnectionWaitAsk>, rule: Partial<WaitAsk> = {}): ConnectionWaitAsk {
  return { ...any, listeners: ['sdk'], ...given, wait: { ...wait, ...rule } };
}

async function notMet(waiting: Promise<unknown>): Promise<NotMet> {
  const error = await rejection(waiting);
  expect(error).toBeInstanceOf(NotMet);
  return error as NotMet;
}

/**
 * Resolves when a wait that has begun sleeps, or is over: in a world in memory whatever can go on does so within a turn of the
 * loop, and nothing does any more once two turns have brought no further call of the store.
 */
async function asleep(callsSoFar = () => storeCalls): Promise<void> {
  for (let before = -1; before !== callsSoFar(); ) {
    before = callsSoFar();
    await setImmediate();
    await setImmediate();
  }
}

test('what closes before, at any step of, or after the call is counted, and once', async () => {
  for (const afterSeq of [0, 1]) {
    let isAfter = false;
    for (let step = 0; !isAfter; step += 1) {
      const one = connection();
      let left = Number.POSITIVE_INFINITY;
      let calls = 0;
      let closing: Promise<unknown> | null = null;
      const close = () => {
        closing = world.eventLog.append([closed(one)]);
      };
      const store = new MemoryStore({
        async turn() {
          calls += 1;
          await setImmediate();
          left -= 1;
          if (left === 0) close();
        },
      });
      const world = await worldWith([opened(one)], store);
      if (step === 0) close();
      else left = step;
      const ask = { ...fin, wait: { ...wait, min: 1, max: 1, afterSeq } };
      const waiting = world.control.waitConnections(caller, ask);
      await asleep(() => calls);
      isAfter = closing === null;
      if (isAfter) {
        left = Number.POSITIVE_INFINITY;
        close();
      }
      const met = { count: 1, seq: 3, items: [{ id: one.id, state: 'closed' }] };
      expect(await waiting, `step ${step} after ${afterSeq}`).toMatchObject(met);
      await closing;
      expect(step).toBeLessThan(50);
    }
  }
});

test('what was before the call counts, and only what came after the seq', async () => {
  const [early, late, other] = [
    connection(),
    connection(),
    connection({ listenerId: sampleId(2) }),
  ];
  const world = await worldWith([opened(early), opened(late), closed(early), opened(other)]);
  const { control, eventLog } = world;
  expect(await control.waitConnections(caller, fin)).toMatchObject({ count: 1, seq: 5 });
  // The first was opened at 2, and closed later.
  await eventLog.append([closed(late)]);
  const after = await control.waitConnections(caller, ask({ ...fin }, { afterSeq: 2 }));
  expect(after).toMatchObject({ count: 1, seq: 6, items: [{ id: late.id }] });
  const asked = ask({}, { afterSeq: 6, timeoutMs: 0 });
  const { details, seen } = await notMet(control.waitConnections(caller, asked));
  expect(details).toEqual({ why: 'timeout', count: 0, min: 1, seq: 6 });
  expect(seen.near.map(({ differs }) => differs)).toEqual([
    ['afterSeq: opened at 6 or before'],
    ['afterSeq: opened at 6 or before'],
  ]);
});

test('who waits for too little is told at once what came instead', async () => {
  const [one, two] = [connection(), connection()];
  const world = await worldWith([opened(one), closed(one, 'peer_rst'), opened(two), closed(two)]);
  const exceeded = await notMet(
    world.control.waitConnections(caller, ask({}, { max: 1, settleMs: 60_000 })),
  );
  expect(exceeded).toMatchObject({
    code: 'not_met',
    message: 'exceeded: 2 connections matched, not 1',
    details: { why: 'exceeded', count: 2, min: 1, max: 1, seq: 5 },
    seen: { items: [{ id: one.id, listenerName: 'sdk' }, { id: two.id }] },
  });
  const looked = await notMet(
    world.control.waitConnections(caller, ask({ ...fin }, { min: 2, timeoutMs: 0 })),
  );
  expect(looked.seen).toMatchObject({
    items: [{ id: two.id }],
    near: [{ item: { id: one.id }, differs: ['closeReason: peer_rst, not peer_fin'] }],
  });
});

test('a listener that closes ends the wait for whom nobody can come any more', async () => {
  const one = connection();
  const world = await worldWith([opened(one)]);
  const waiting = world.control.waitConnections(caller, fin);
  await asleep();
  await world.eventLog.append([closed(one, 'listener_deleted'), over]);
  expect((await notMet(waiting)).details).toMatchObject({ why: 'over', count: 0, seq: 4 });
  // By its name, too, once it is closed.
  const later = await notMet(world.control.waitConnections(caller, fin));
  expect(later).toMatchObject({ details: { why: 'over' } });
  expect(
    await world.control.waitConnections(caller, ask({}, { max: 1, settleMs: 1 })),
  ).toMatchObject({
    count: 1,
  });
  const nobody = ask({ listeners: ['nobody'] });
  expect(await rejection(world.control.waitConnections(caller, nobody))).toMatchObject({
    code: 'not_found',
  });
  const unlabelled = ask({ listeners: [], labels: { env: 'none' } });
  expect((await notMet(world.control.waitConnections(caller, unlabelled))).details.why).toBe(
    'over',
  );
});

test('a gauge may be too high for a while, and a break of it begins the settling anew', async () => {
  const [one, two] = [connection(), connection()];
  const world = await worldWith([opened(one), opened(two)]);
  const open = { state: 'open', min: 1, max: 1 } as const;
  const waiting = world.control.waitConnections(caller, ask({ state: 'open' }, open));
  await asleep();
  await world.eventLog.append([halfClosed(two)]);
  expect(await waiting).toMatchObject({ count: 1, items: [{ id: one.id }] });
  const settled = world.control.waitConnections(
    caller,
    ask({ state: 'open' }, { ...open, settleMs: 60_000 }),
  );
  await asleep();
  // Broken and mended in one commit.
  const three = connection();
  await world.eventLog.append([opened(three), closed(three), closed(one), over]);
  expect((await notMet(settled)).details).toMatchObject({ why: 'over', count: 0 });
});

test(
  'what is carried counts while a connection is open, as soon as it is on record',
  long,
  async () => {
    const one = connection();
    const world = await worldWith([opened(one)]);
    for (const [afterSeq, bytes] of [
      [0, 10],
      [1, 20],
    ] as const) {
      const waiting = world.control.waitConnections(
        caller,
        ask({ minBytesIn: bytes, minBytesOut: bytes - 1 }, { afterSeq }),
      );
      await asleep();
      const counters = [
        { id: one.id, bytesIn: bytes, bytesOut: bytes, firstByteAt: 7, lastByteAt: 7 },
      ];
      await world.eventLog.append([], { counters });
      expect(await waiting).toMatchObject({ count: 1, items: [{ id: one.id, bytesIn: bytes }] });
    }
    // Its steps tell of fewer than is known.
    await world.eventLog.append([halfClosed(one, 7), opened(connection())]);
    const half = ask({ state: 'half_closed', minBytesIn: 7 });
    expect(await world.control.waitConnections(caller, half)).toMatchObject({ count: 1 });
  },
);

test('at most a thousand are kept, and one more stands for any number', long, async () => {
  const all = Array.from({ length: 1005 }, () => connection());
  const world = await worldWith([]);
  for (let at = 0; at < all.length; at += 50) {
    await world.eventLog.append(all.slice(at, at + 50).map(opened));
  }
  const { control, eventLog } = world;
  expect(await control.waitConnections(caller, ask({}, { min: 1000 }))).toMatchObject({
    count: 1001,
    items: { length: 50 },
  });
  const exceeded = notMet(control.waitConnections(caller, ask({}, { max: 1000, afterSeq: 1 })));
  expect((await exceeded).message).toContain('more than 1000 connections');
  const gauge = control.waitConnections(caller, ask({ state: 'open' }, { max: 1000 }));
  await asleep();
  for (const one of all.slice(0, 6)) await eventLog.append([closed(one)]);
  expect(await gauge).toMatchObject({ count: 999 });
});

test('looking through is bounded, and said by its name', async () => {
  const world = await worldWith([]);
  const all = Array.from({ length: 11 * 1001 }, () => connection());
  for (let at = 0; at < all.length; at += 100) {
    await world.eventLog.append(all.slice(at, at + 100).map(opened));
  }
  const rare = ask({ minBytesIn: 1 }, { timeoutMs: 0 });
  expect(await rejection(world.control.waitConnections(caller, rare))).toMatchObject({
    code: 'resource_exhausted',
    details: { limit: 'waitRowsMax', limitValue: 10_000 },
  });
});

test('events are waited for as connections are; one that stands for many is one', async () => {
  const { laddr, raddr, protocol } = connection();
  const refusal = { laddr, raddr, protocol, rule: 'deny_cidrs', count: 9 } as const;
  const listenerId = listener.id;
  const refused = { type: 'connection_refused', time: 1, listenerId, refusal } as const;
  const world = await worldWith([refused]);
  const types = ['connection_refused'] as const;
  const asked = { ...everyEvent, types, listeners: ['sdk'], labels: {} };
  const { control, eventLog } = world;
  expect(await control.waitEvents(caller, { ...asked, wait })).toMatchObject({ count: 1, seq: 2 });
  const two = control.waitEvents(caller, { ...asked, wait: { ...wait, min: 2 } });
  await asleep();
  await eventLog.append([refused]);
  expect(await two).toMatchObject({
    count: 2,
    items: [{ seq: 2, listenerName: 'sdk' }, { seq: 3 }],
  });
  const late = control.waitEvents(caller, { ...asked, wait: { ...wait, afterSeq: 3 } });
  await asleep();
  await eventLog.append([over]);
  expect(await notMet(late)).toMatchObject({
    details: { why: 'over', seq: 4 },
    seen: {
      near: [
        { item: { seq: 4 }, differs: ['types: listener_closed, not connection_refused'] },
        { item: { seq: 3 }, differs: ['afterSeq: 3, not above 3'] },
        { item: { seq: 2 } },
        { item: { seq: 1 } },
      ],
    },
  });
});

test('a wait is one of the streams, and ends with its caller and at a stop', async () => {
  const world = await makeWorld({ followersMax: 1 });
  const { control } = world;
  const gone = new AbortController();
  const cut = control.waitConnections({ ...caller, signal: gone.signal }, ask({ listeners: [] }));
  cut.catch(() => undefined);
  await asleep();
  expect(control.followers).toHaveLength(1);
  expect(await rejection(control.waitConnections(caller, ask({ listeners: [] })))).toMatchObject({
    code: 'resource_exhausted',
    details: { limit: 'followersMax', limitValue: 1 },
  });
  gone.abort(new Error('gone'));
  expect(await rejection(cut)).toBe(gone.signal.reason);
  expect(control.followers).toEqual([]);
  const stopped = control.waitConnections(caller, ask({ listeners: [] }));
  stopped.catch(() => undefined);
  await asleep();
  control.endStreams();
  expect((await rejection(stopped)) as AppError).toMatchObject({ code: 'unavailable' });
  expect(control.followers).toEqual([]);
});

test('what a wait may wait for does not gather', async () => {
  const world = await makeWorld({ limits: { gatherMs: 86_400_000 } });
  await world.eventLog.append([listenerEvent('listener_listening', listener)]);
  const waiting = world.control.waitConnections(caller, ask({}));
  await asleep();
  await world.eventLog.append([opened(connection())], { isDivisible: true });
  expect(await waiting).toMatchObject({ count: 1 });
});
