/** What every Store keeps apart: of two projects each sees and reaches its own only, in a log that is dense in itself. */

import { expect, test } from 'vitest';
import { everyConnection } from '../../src/core/connection-filter.ts';
import type { ConnectionQuery, ListenerQuery } from '../../src/core/directories.ts';
import type { EventDraft } from '../../src/core/event.ts';
import { everyEvent } from '../../src/core/event-filter.ts';
import type { IdempotencyRun } from '../../src/core/idempotency-keys.ts';
import { defaultProject, type ProjectRef } from '../../src/core/project.ts';
import type { ProjectStore } from '../../src/core/store.ts';
import type { AppendEntry } from '../../src/core/writer.ts';
import { sampleId } from './samples.ts';
import { type MakeGround, numbered, openNode, readAll, readAllBack } from './store-ground.ts';
import {
  closed,
  listenerEvent,
  opened,
  sampleConnection,
  sampleListener,
  sampleTime,
  staying,
} from './store-samples.ts';
import { waitFor } from './wait-for.ts';

const anyListener: ListenerQuery = {
  ...{ state: null, protocol: null, port: null, name: null, labels: {} },
};
const page = { pageSize: 100, after: null, bytesMax: 1e9 };
const everything = Number.MAX_SAFE_INTEGER;

function entry(project: ProjectRef, events: readonly EventDraft[]): AppendEntry {
  return {
    project,
    events,
    secrets: new Map(),
    counters: [],
    audit: [],
    bytes: 1000 * events.length,
  };
}

/** Alike in all but their ids: a listener that lives, one that is closed, an open connection and a closed one. */
function livesOf(project: ProjectRef, at: number) {
  const labels = { env: 'ci' };
  const listener = sampleListener({ project, name: 'echo', labels, id: sampleId(at) });
  const over = sampleListener({ project, name: 'gone', labels, id: sampleId(at + 1) });
  const listenerId = listener.id;
  const open = sampleConnection({ listenerId, id: sampleId(at + 2) });
  const brief = sampleConnection({ listenerId, id: sampleId(at + 3) });
  const ended = sampleConnection({ listenerId: over.id, id: sampleId(at + 4) });
  const first = [listenerEvent('listener_created', listener), opened(open), opened(brief)];
  const created = listenerEvent('listener_created', { ...over, state: 'pending' });
  const end = listenerEvent('listener_closed', { ...over, state: 'closed', revision: 2 });
  const second = [created, opened(ended)];
  const third = [closed(ended), end, closed(brief)];
  return { listener, over, open, brief, steps: [first, second, third] };
}

export function projectContract(makeGround: MakeGround): void {
  /** Both projects' lives, in appends that are for both of them at once. */
  async function makeTwo() {
    const ground = await makeGround();
    const other = await ground.addProject('other');
    const store = await openNode(ground);
    const mine = livesOf(defaultProject, 100);
    const theirs = livesOf(other, 200);
    for (const [index, step] of mine.steps.entries()) {
      const entries = [
        entry(other, theirs.steps[index] ?? []),
        entry(defaultProject, step.slice(0, 1)),
        entry(defaultProject, step.slice(1)),
      ];
      const done = await store.node.append({ number: index + 1, entries });
      const before = mine.steps.slice(0, index).flat().length;
      expect(done).toEqual(
        new Map([
          [defaultProject, before + 1],
          [other, before + 1],
        ]),
      );
    }
    const sides = [
      { own: mine, foreign: theirs, project: defaultProject, stored: store.of(defaultProject) },
      { own: theirs, foreign: mine, project: other, stored: store.of(other) },
    ];
    const dispose = async () => {
      await store[Symbol.asyncDispose]();
      await ground[Symbol.asyncDispose]();
    };
    return { ground, store, other, sides, [Symbol.asyncDispose]: dispose };
  }

  test('each log is dense in itself, and holds no other project’s events', async () => {
    await using two = await makeTwo();
    for (const { own, foreign, stored } of two.sides) {
      const all = numbered(own.steps.flat());
      expect(await readAll(stored)).toEqual(all);
      expect(await readAllBack(stored, everyEvent)).toEqual(all.toReversed());
      expect(await stored.log.readBounds()).toEqual({ headSeq: all.length, oldestSeq: 1 });
      expect(await stored.log.seqBefore(sampleTime + 1000)).toBe(
        all.findIndex(({ time }) => time >= sampleTime + 1000),
      );
      expect(await stored.log.seqBeforeNewest(2, everyEvent, staying)).toBe(all.length - 2);
      for (const filter of [
        { ...everyEvent, listenerIds: [foreign.listener.id, foreign.over.id] },
        { ...everyEvent, connectionIds: [foreign.open.id, foreign.brief.id] },
      ]) {
        expect(await readAll(stored, filter)).toEqual([]);
        expect(await readAllBack(stored, filter)).toEqual([]);
        expect(await stored.log.seqBeforeNewest(1, filter, staying)).toBe(0);
      }
    }
  });

  test('a listener is found, listed and named in its own project only', async () => {
    await using two = await makeTwo();
    for (const { own, foreign, stored } of two.sides) {
      const { listeners } = stored;
      expect((await listeners.find('echo'))?.id).toBe(own.listener.id);
      expect(await listeners.find(foreign.listener.id)).toBeNull();
      const ids = ['echo', 'gone', foreign.listener.id, foreign.over.id];
      expect(await listeners.findIds(ids)).toEqual([own.listener.id, own.over.id, null, null]);
      const labelled = { labels: { env: 'ci' }, among: null, limit: 10 };
      const both = [own.listener.id, own.over.id];
      expect((await listeners.findLabelledIds(labelled)).toSorted()).toEqual(both);
      const among = [foreign.listener.id, foreign.over.id];
      expect(await listeners.findLabelledIds({ ...labelled, among })).toEqual([]);
      const ownNames = [own.listener, own.over].map(({ id, name }) => [id, name] as const);
      expect(await listeners.findNames([...both, ...among])).toEqual(new Map(ownNames));
      expect(await listeners.findNames(among)).toEqual(new Map());
      for (const [query, id] of [
        [{}, own.listener.id],
        [{ name: 'echo' }, own.listener.id],
        [{ port: 40_000 }, own.listener.id],
        [{ labels: { env: 'ci' } }, own.listener.id],
        [{ state: 'closed' as const }, own.over.id],
      ] as const) {
        const { items } = await listeners.list({ ...anyListener, ...query }, page);
        expect(items.map((one) => one.id)).toEqual([id]);
      }
    }
  });

  test('a connection is found and listed in its own project only', async () => {
    await using two = await makeTwo();
    for (const { own, foreign, stored } of two.sides) {
      const { connections } = stored;
      expect(await connections.find(own.open.id)).toEqual(own.open);
      expect(await connections.find(foreign.open.id)).toBeNull();
      expect(await connections.find(foreign.brief.id)).toBeNull();
      const queries: readonly Partial<ConnectionQuery>[] = [
        {},
        { state: 'closed' },
        { state: 'open' },
        { raddr: '127.0.0.2' },
        { raddr: '127.0.0.0/24' },
        { raddr: '127.0.0.0/8' },
        { closeReason: 'peer_fin' },
        { protocol: 'tcp' },
        { lport: 40_000 },
        { lport: 40_000, raddr: '127.0.0.2' },
        { listenerIds: [own.listener.id, foreign.listener.id] },
      ];
      const ids = own.steps.flat().flatMap((one) => ('connection' in one ? one.connection.id : []));
      for (const query of queries) {
        const found = await connections.list({ ...everyConnection, ...query }, page);
        expect(found.length).toBeGreaterThan(0);
        expect(found.filter(({ id }) => !ids.includes(id))).toEqual([]);
      }
      const listenerIds = [foreign.listener.id, foreign.over.id];
      expect(await connections.list({ ...everyConnection, listenerIds }, page)).toEqual([]);
    }
  });

  test('an append can not change what is another project’s', async () => {
    await using two = await makeTwo();
    const [mine, theirs] = two.sides;
    if (mine === undefined || theirs === undefined) throw new TypeError('there are two');
    const { node } = two.store;
    // By its id, a listener of the other.
    const name = 'stolen';
    const listener = { ...theirs.own.listener, project: defaultProject, revision: 2, name };
    const events = [listenerEvent('listener_updated', listener)];
    await expect(
      node.append({ number: 4, entries: [entry(defaultProject, events)] }),
    ).rejects.toMatchObject({ code: 'failed_precondition' });
    // Nor its open connection: there is none of that id here.
    const counters = [
      { id: theirs.own.open.id, bytesIn: 99, bytesOut: 99, firstByteAt: null, lastByteAt: null },
    ];
    await node.append({ number: 4, entries: [{ ...entry(defaultProject, []), counters }] });
    expect(await theirs.stored.connections.find(theirs.own.open.id)).toEqual(theirs.own.open);
    expect((await theirs.stored.listeners.find('echo'))?.revision).toBe(1);
    // What is refused of one of them is refused whole.
    const fresh = [opened(sampleConnection({ id: sampleId(300) }))];
    const entries = [entry(two.other, fresh), entry(defaultProject, events)];
    const refused = node.append({ number: 5, entries });
    await expect(refused).rejects.toMatchObject({ code: 'failed_precondition' });
    expect((await theirs.stored.log.readBounds()).headSeq).toBe(theirs.own.steps.flat().length);
  });

  test('a project has no more listeners than its quota, and what ends is always taken', async () => {
    await using two = await makeTwo();
    const { ground, store, other } = two;
    await ground.limitListeners(other, 2);
    const terms = await store.projects.terms();
    const [own] = terms.filter(({ ref }) => ref === other);
    expect(own).toMatchObject({ name: 'other', terms: { quotas: { listeners: 2, keys: null } } });
    const listeners = [400, 401, 402, 403].map((at) =>
      sampleListener({ project: other, name: null, id: sampleId(at) }),
    );
    const [first, second, third, fourth] = listeners.map((listener) =>
      entry(other, [listenerEvent('listener_created', listener)]),
    );
    const ended = listeners[0];
    if (!(first && second && third && fourth && ended)) throw new TypeError('there are four');
    const appends = async (number: number, entries: readonly AppendEntry[]) => {
      const done = store.node.append({ number, entries });
      await done.catch(() => store.node.settle(number));
      return await done;
    };
    // One lives already. Two entries of one append count together.
    const full = { code: 'resource_exhausted', details: { limit: 'listeners', limitValue: 2 } };
    const beside = entry(defaultProject, [opened(sampleConnection({ id: sampleId(410) }))]);
    await expect(appends(4, [first, beside, second])).rejects.toMatchObject(full);
    expect(await store.projects.countListeners(other)).toBe(1);
    await appends(5, [first, beside]);
    await expect(appends(6, [second])).rejects.toMatchObject(full);
    await using another = await openNode(ground, 'node-b');
    const elsewhere = another.node.append({ number: 1, entries: [third] });
    await expect(elsewhere).rejects.toMatchObject(full);
    // Below what it has, it may still lose some: in the same step another may come.
    await ground.limitListeners(other, 1);
    const end = { ...ended, state: 'closed', revision: 2 } as const;
    await appends(7, [entry(other, [listenerEvent('listener_closed', end)]), fourth]);
    expect(await store.projects.countListeners(other)).toBe(2);
    expect(await store.projects.countListeners(defaultProject)).toBe(1);
  });

  test('a project without a log has nothing, and nothing is appended to it', async () => {
    await using two = await makeTwo();
    const unknown = (two.other + 7) as ProjectRef;
    const stored = two.store.of(unknown);
    await expect(stored.log.readBounds()).rejects.toMatchObject({ code: 'not_found' });
    await expect(sizeOf(stored)).rejects.toMatchObject({ code: 'not_found' });
    const purge = { before: 0, eventsMax: 0, bytesMax: 0, limit: 9 };
    await expect(stored.keeping.purge(purge)).rejects.toMatchObject({ code: 'not_found' });
    const events = [opened(sampleConnection({ id: sampleId(300) }))];
    const entries = [entry(unknown, events), entry(defaultProject, events)];
    await expect(two.store.node.append({ number: 4, entries })).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(await two.store.projects.findRef('other')).toBe(two.other);
    expect(await two.store.projects.findRef('none')).toBeNull();
    expect(await two.store.projects.all()).toEqual([defaultProject, two.other]);
  });

  test('what is purged of one is kept of the other, and each has its own size', async () => {
    await using two = await makeTwo();
    const [mine, theirs] = two.sides;
    if (mine === undefined || theirs === undefined) throw new TypeError('there are two');
    const bytes = (stored: ProjectStore) => sizeOf(stored);
    expect([await bytes(mine.stored), await bytes(theirs.stored)]).toEqual([8000, 8000]);
    const request = { before: 0, eventsMax: 0, bytesMax: everything, limit: 100 };
    expect((await mine.stored.keeping.purge(request)).oldestSeq).toBe(9);
    expect(await readAll(mine.stored)).toEqual([]);
    expect(await mine.stored.listeners.find(mine.own.over.id)).toBeNull();
    expect(await readAll(theirs.stored)).toEqual(numbered(theirs.own.steps.flat()));
    expect((await theirs.stored.listeners.find(theirs.own.over.id))?.state).toBe('closed');
    expect([await bytes(mine.stored), await bytes(theirs.stored)]).toEqual([0, 8000]);
  });

  test('a node’s own are told by project', async () => {
    await using two = await makeTwo();
    const { node } = two.store;
    const own = await node.readListeners(page);
    expect(own.map(({ id, project }) => [id, project])).toEqual(
      two.sides.map((side) => [side.own.listener.id, side.project]),
    );
    for (const side of two.sides) {
      const open = await node.readOpenConnections(side.project, null, 9);
      expect(open.map(({ id }) => id)).toEqual([side.own.open.id]);
      const foreign = side.foreign.listener.id;
      expect(await node.readOpenConnections(side.project, null, 9, foreign)).toEqual([]);
    }
  });

  test('one key is two in two projects', async () => {
    await using two = await makeTwo();
    const key = { key: 'key', bodyHash: 'hash', expiresBefore: 0, lostBefore: 0 };
    const take = { ...key, keysMax: 100, answerBytesMax: 1e6 };
    const [mine, theirs] = two.sides.map(({ stored }) => stored.idempotencyKeys);
    const seeds = [sampleId(1), sampleId(2)] as const;
    const runs = [
      await mine?.take({ ...take, seed: seeds[0] }),
      await theirs?.take({ ...take, seed: seeds[1] }),
    ];
    expect(runs).toEqual(seeds.map((seed) => ({ seed, takenAt: expect.any(Number) })));
    const [run, theirRun] = runs as [IdempotencyRun, IdempotencyRun];
    await mine?.keep('key', run, '{"mine":true}');
    const running = { bodyHash: 'hash', body: null };
    expect(await theirs?.take({ ...take, seed: seeds[0] })).toEqual(running);
    await mine?.release('key', run);
    await theirs?.release('key', theirRun);
    const kept = { bodyHash: 'hash', body: '{"mine":true}' };
    expect(await mine?.take({ ...take, seed: seeds[1] })).toEqual(kept);
    await theirs?.take({ ...take, seed: seeds[1] });
    // What has expired is counted and taken over all of them.
    const { idempotencyKeeping } = two.store;
    expect(await idempotencyKeeping.purge(everything, 1)).toBe(true);
    expect(await idempotencyKeeping.purge(everything, 2)).toBe(false);
    const anew = { seed: seeds[1], takenAt: expect.any(Number) };
    expect(await mine?.take({ ...take, seed: seeds[1] })).toEqual(anew);
    expect(await theirs?.take({ ...take, seed: seeds[1] })).toEqual(anew);
  });

  test('one project has at most half of the keys, so that the first one finds the others free', async () => {
    await using two = await makeTwo();
    const all = { bodyHash: 'hash', expiresBefore: 0, lostBefore: 0, seed: sampleId(1) };
    const takeOf = (key: string, side: number, more: object = {}) =>
      two.sides[side]?.stored.idempotencyKeys.take({
        ...{ ...all, key, keysMax: 4, answerBytesMax: 100, ...more },
      });
    const run = (await takeOf('a', 1)) as IdempotencyRun;
    await takeOf('b', 1);
    const full = (limit: string, limitValue: number) => ({
      ...{ code: 'resource_exhausted', details: { limit, limitValue } },
    });
    await expect(takeOf('c', 1)).rejects.toMatchObject(full('idempotencyKeysMax', 2));
    await takeOf('a', 0);
    await takeOf('b', 0);
    await expect(takeOf('c', 0)).rejects.toMatchObject(full('idempotencyKeysMax', 4));
    await two.sides[1]?.stored.idempotencyKeys.keep('a', run, 'x'.repeat(50));
    const bytes = full('idempotencyAnswerBytesMax', 50);
    await expect(takeOf('c', 1, { keysMax: 100 })).rejects.toMatchObject(bytes);
    await takeOf('c', 0, { keysMax: 100 });
  });

  test('who follows one log is not woken for another', async () => {
    await using two = await makeTwo();
    await using reader = await two.ground.open('node-b');
    await reader.nodes.takeOwn();
    const heard: string[] = [];
    const ends = two.sides.map(({ project, own }) =>
      reader.foreignAppends.on(project, (headSeq) => {
        if (headSeq > own.steps.flat().length) heard.push(`${project}: ${headSeq}`);
      }),
    );
    const event = [opened(sampleConnection({ id: sampleId(300) }))];
    await two.store.node.append({ number: 4, entries: [entry(two.other, event)] });
    await waitFor('the wake', () => heard.length > 0);
    expect(new Set(heard)).toEqual(new Set([`${two.other}: 9`]));
    for (const end of ends) end();
  });
}

/** About what is kept of the log. */
async function sizeOf({ keeping }: ProjectStore): Promise<number> {
  const time = { timeMin: null, timeMax: null, confirmedTime: null, leapMaxMs: 0 };
  return (await keeping.age({ ...time, markMs: everything / 1e6, markBytes: everything })).bytes;
}
