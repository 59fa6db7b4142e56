/** What every Store keeps: the suite that the fake and the real one both pass. */

import { describe, expect, type TestOptions, test } from 'vitest';
import type { Connection } from '../../src/core/connection.ts';
import { everyConnection } from '../../src/core/connection-filter.ts';
import type { ListenerQuery } from '../../src/core/directories.ts';
import type { EventDraft } from '../../src/core/event.ts';
import { everyEvent } from '../../src/core/event-filter.ts';
import type { IdempotencyKeys, IdempotencyRun } from '../../src/core/idempotency-keys.ts';
import type { Listener } from '../../src/core/listener.ts';
import type { LogAge, LogAgeing } from '../../src/core/log-keeping.ts';
import type { TakenNode } from '../../src/core/nodes.ts';
import { defaultProject } from '../../src/core/project.ts';
import { itemBytes } from '../../src/core/sizes.ts';
import type { ProjectStore } from '../../src/core/store.ts';
import { auditContract } from './audit-contract.ts';
import { projectContract } from './project-contract.ts';
import { sampleId } from './samples.ts';
import { type FilterShare, filterContract } from './store-filters.ts';
import { type MakeGround, numbered, openNode, readAll, readAllBack } from './store-ground.ts';
import {
  append,
  closed,
  firstSeq,
  halfClosed,
  listenerEvent,
  ofDefault,
  opened,
  sampleConnection,
  sampleListener,
  sampleTime,
  staying,
} from './store-samples.ts';
import { waitFor } from './wait-for.ts';

const anyListener: ListenerQuery = {
  state: null,
  protocol: null,
  port: null,
  name: null,
  labels: {},
};
const firstOwn = { pageSize: 1000, after: null, bytesMax: 1e9 };
const farOff = Number.MAX_SAFE_INTEGER;
const isNothing = { headSeq: 0, oldestSeq: 1 };

/** `beyond` is for all but the append. */
export function storeContract(
  name: string,
  makeGround: MakeGround,
  filters: FilterShare,
  beyond: TestOptions = {},
): void {
  describe(name, () => {
    describe('the append', () => appendContract(makeGround));
    describe('events', beyond, () => eventContract(makeGround));
    describe('listeners', beyond, () => listenerContract(makeGround));
    describe('connections', beyond, () => connectionContract(makeGround));
    describe('filters', beyond, () => filterContract(makeGround, filters));
    describe('the purge', beyond, () => purgeContract(makeGround));
    describe('places of other nodes', beyond, () => placeContract(makeGround));
    describe('idempotency keys', beyond, () => idempotencyContract(makeGround));
    describe('the audit', beyond, () => auditContract(makeGround));
    describe('projects', beyond, () => projectContract(makeGround));
  });
}

function appendContract(makeGround: MakeGround): void {
  test('an empty log begins at 1', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    expect(await store.log.readBounds()).toEqual(isNothing);
    expect(
      await store.log.read({ afterSeq: 0, limit: 10, bytesMax: 1e9, filter: everyEvent }),
    ).toEqual({
      ...isNothing,
      events: [],
      throughSeq: 0,
    });
    expect(await store.log.seqBefore(sampleTime)).toBe(0);
    expect(await store.log.seqBeforeNewest(5, everyEvent, staying)).toBe(0);
  });

  test('seqs are dense, in the order of the events', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const connection = sampleConnection();
    const drafts = [opened(connection), halfClosed(connection), closed(connection)];
    expect(await store.node.append(append(1, drafts.slice(0, 2)))).toEqual(firstSeq(1));
    expect(await store.node.append(append(2, drafts.slice(2)))).toEqual(firstSeq(3));
    expect(await store.log.readBounds()).toEqual({ headSeq: 3, oldestSeq: 1 });
    expect(await readAll(store)).toEqual(numbered(drafts));
  });

  test('one that is repeated under its number is done once', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    await using other = await openNode(ground, 'node-b');
    const first = append(1, [opened(sampleConnection())]);
    await store.node.append(append(1, [opened(sampleConnection())]));
    expect(await other.node.append(first)).toEqual(firstSeq(2));
    await store.node.append(append(2, [opened(sampleConnection())]));
    expect(await other.node.append(first)).toEqual(firstSeq(2));
    expect(await store.log.readBounds()).toEqual({ headSeq: 3, oldestSeq: 1 });
  });

  test('one that is settled was done, or never will be', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    await using other = await openNode(ground, 'node-b');
    await other.node.append(append(1, [opened(sampleConnection())]));
    const first = append(1, [opened(sampleConnection())]);
    await store.node.append(first);
    expect(await store.node.settle(1)).toEqual(firstSeq(2));
    expect(await store.node.settle(2)).toBeNull();
    expect(await store.node.settle(2)).toBeNull();
    // It comes late, after it was settled.
    await expect(store.node.append(append(2, [opened(sampleConnection())]))).rejects.toThrow();
    expect(await store.node.append(append(3, [opened(sampleConnection())]))).toEqual(firstSeq(3));
    expect(await store.node.settle(3)).toEqual(firstSeq(3));
    expect(await readAll(other)).toHaveLength(3);
    await using later = await openNode(ground);
    await expect(store.node.settle(4)).rejects.toMatchObject({ code: 'failed_precondition' });
    expect(await later.node.settle(1)).toBeNull();
  });

  test('a process whose node was taken by another can append no more', async () => {
    await using ground = await makeGround();
    await using old = await openNode(ground);
    await old.node.append(append(1, [opened(sampleConnection())]));
    await using store = await openNode(ground);
    await expect(old.node.append(append(2, [opened(sampleConnection())]))).rejects.toMatchObject({
      code: 'failed_precondition',
    });
    // Its numbers begin anew.
    expect(await store.node.append(append(1, [opened(sampleConnection())]))).toEqual(firstSeq(2));
    await expect(old.node.append(append(1, []))).rejects.toMatchObject({
      code: 'failed_precondition',
    });
    expect(await readAll(store)).toHaveLength(2);
  });

  test('a listener is changed only on top of the revision that its change was made for', async () => {
    await using ground = await makeGround();
    await using a = await openNode(ground, 'node-a');
    await using b = await openNode(ground, 'node-b');
    const listener = sampleListener({ name: 'raced' });
    await a.node.append(append(1, [listenerEvent('listener_created', listener)]));
    const change = (revision: number, name: string) => [
      opened(sampleConnection()),
      listenerEvent('listener_updated', { ...listener, revision, name }),
    ];
    await b.node.append(append(1, change(2, 'first')));
    const refusal = { code: 'failed_precondition' };
    for (const revision of [2, 4]) {
      await expect(a.node.append(append(2, change(revision, 'late')))).rejects.toMatchObject(
        refusal,
      );
    }
    const other = sampleListener({ revision: 2 });
    const unknown = [listenerEvent('listener_updated', other)];
    await expect(a.node.append(append(2, unknown))).rejects.toMatchObject(refusal);
    // Nothing of it was done, and its number is free.
    expect(await a.log.readBounds()).toEqual({ headSeq: 3, oldestSeq: 1 });
    await a.node.append(append(2, change(3, 'second')));
    expect(await b.listeners.find(listener.id)).toMatchObject({ name: 'second', revision: 3 });
    expect(await readAll(b)).toHaveLength(5);
  });

  test('where a listener is to be is kept, and what its node observes is noted of its newest generation', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const placement = { selector: { site: 'dmz' }, onNodeLost: 'stay' } as const;
    const listener = sampleListener({ placement, observedGeneration: 1 });
    const created = listenerEvent('listener_created', { ...listener, observedGeneration: null });
    await store.node.append(append(1, [created, listenerEvent('listener_listening', listener)]));
    const shown = async () => {
      const found = await store.listeners.find(listener.id);
      return [found?.placement, found?.generation, found?.observedGeneration, found?.revision];
    };
    expect(await shown()).toEqual([placement, 1, 1, 1]);
    const [first] = await readAll(store);
    expect(first).toMatchObject({ listener: { placement, observedGeneration: null } });
    const updated = { ...listener, generation: 2, revision: 2 };
    await store.node.append(append(2, [listenerEvent('listener_updated', updated)]));
    expect(await shown()).toEqual([placement, 2, 1, 2]);
    await store.listeners.observed(listener.id, 1);
    expect(await shown()).toEqual([placement, 2, 1, 2]);
    await store.listeners.observed(listener.id, 2);
    expect(await shown()).toEqual([placement, 2, 2, 2]);
    // It is changed on top of its revision, as if nothing had been noted.
    const closed = { ...updated, observedGeneration: 2, state: 'closed', revision: 3 } as const;
    await store.node.append(append(3, [listenerEvent('listener_closed', closed)]));
    expect(await shown()).toEqual([placement, 2, 2, 3]);
  });

  test('writers on several nodes at once make one dense log that all read the same', async () => {
    await using ground = await makeGround();
    await using a = await openNode(ground, 'node-a');
    await using b = await openNode(ground, 'node-b');
    const rounds = 40;
    // Every second append changes a listener, too.
    const write = async ({ node }: { node: TakenNode }, nodeId: string) => {
      const firstSeqs: number[] = [];
      const listener = sampleListener({ nodeId });
      for (let number = 1; number <= rounds; number += 1) {
        const connection = sampleConnection({ nodeId, fd: number });
        const type = number === 1 ? 'listener_created' : 'listener_updated';
        const changed = listenerEvent(type, { ...listener, revision: (number + 1) / 2 });
        const drafts = [opened(connection), number % 2 === 1 ? changed : closed(connection)];
        firstSeqs.push(...(await node.append(append(number, drafts))).values());
      }
      return firstSeqs;
    };
    const firstSeqs = await Promise.all([write(a, 'node-a'), write(b, 'node-b')]);
    const all = firstSeqs.flat().sort((one, two) => one - two);
    expect(all).toEqual(Array.from({ length: 2 * rounds }, (_, index) => 1 + 2 * index));
    const events = await readAll(a);
    expect(events.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 4 * rounds }, (_, index) => index + 1),
    );
    expect(await readAll(b)).toEqual(events);
  });

  test('writers that change one listener at once, beside appends of several projects, lose no change', async () => {
    await using ground = await makeGround();
    await using a = await openNode(ground, 'node-a');
    await using b = await openNode(ground, 'node-b');
    const other = await ground.addProject('other');
    const listener = sampleListener({ name: 'shared' });
    await a.node.append(append(1, [listenerEvent('listener_created', listener)]));
    const rounds = 30;
    const done = { a: 0, b: 0 };
    const change = async (name: 'a' | 'b', { node, listeners }: typeof a) => {
      for (let number = name === 'a' ? 2 : 1; done[name] < rounds; ) {
        const { revision } = (await listeners.find(listener.id)) ?? listener;
        const changed = { ...listener, revision: revision + 1 };
        const own = append(number, [listenerEvent('listener_updated', changed)]);
        // In turn with the other project, or alone.
        const beside = append(number, [opened(sampleConnection())], { project: other });
        const entries = number % 2 === 0 ? own.entries : [...beside.entries, ...own.entries];
        const isDone = await node.append({ number, entries }).then(
          () => true,
          (error: unknown) => {
            expect(error).toMatchObject({ code: 'failed_precondition' });
            return false;
          },
        );
        if (!isDone) continue;
        done[name] += 1;
        number += 1;
      }
    };
    await Promise.all([change('a', a), change('b', b)]);
    expect(await a.listeners.find(listener.id)).toMatchObject({ revision: 1 + 2 * rounds });
    const events = await readAll(b);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events).toHaveLength(1 + 2 * rounds);
    expect(await readAll(a.of(other))).toHaveLength(rounds);
  });

  test('a reader that follows two writers never finds an event behind itself', async () => {
    await using ground = await makeGround();
    await using a = await openNode(ground, 'node-a');
    await using b = await openNode(ground, 'node-b');
    await using reader = await ground.open('node-c');
    const rounds = 40;
    const write = async ({ node }: { node: TakenNode }, nodeId: string) => {
      for (let number = 1; number <= rounds; number += 1) {
        await node.append(append(number, [opened(sampleConnection({ nodeId }))]));
      }
    };
    const writing = Promise.all([write(a, 'node-a'), write(b, 'node-b')]);
    const seen: number[] = [];
    for (let seq = 0; seq < 2 * rounds; ) {
      const page = await ofDefault(reader).log.read({
        afterSeq: seq,
        limit: 7,
        bytesMax: 1e9,
        filter: everyEvent,
      });
      seen.push(...page.events.map((event) => event.seq));
      seq = page.throughSeq;
    }
    await writing;
    expect(seen).toEqual(Array.from({ length: 2 * rounds }, (_, index) => index + 1));
  });

  test('other nodes hear of an append', async () => {
    await using ground = await makeGround();
    await using a = await openNode(ground, 'node-a');
    await using b = await openNode(ground, 'node-b');
    let heard = 0;
    const end = b.foreignAppends.on(defaultProject, (headSeq) => {
      heard = Math.max(heard, headSeq);
    });
    await a.node.append(append(1, [opened(sampleConnection()), opened(sampleConnection())]));
    await waitFor('the head', () => heard === 2);
    end();
  });

  test('text from strangers is kept as far as it is text', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const tls = {
      version: 'TLSv1.3',
      cipher: '"\\,(){}\'',
      sni: 'zwölf\n"Boxkämpfer"\\',
      alpn: '{}',
      clientFingerprint256: '',
      clientAuthorized: true,
    };
    const connection = sampleConnection({ tls });
    const end = closed(connection);
    await store.node.append(append(1, [opened(connection), end]));
    expect(await readAll(store)).toEqual(numbered([opened(connection), end]));
  });
}

function eventContract(makeGround: MakeGround): void {
  test('each shows its connection as it was at that step, whenever it is read', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const declaredRaddr = { ip: '192.0.2.9', port: 4711 };
    const brief = sampleConnection({ declaredRaddr });
    const long = sampleConnection({ acceptedAt: sampleTime + 5 });
    const drafts = [
      opened(brief),
      opened(long),
      closed(brief, 'peer_rst'),
      halfClosed(long),
      closed(long),
    ];
    for (const [index, draft] of drafts.entries()) {
      await store.node.append(append(index + 1, [draft]));
      expect(await readAll(store)).toEqual(numbered(drafts.slice(0, index + 1)));
    }
  });

  test('a page ends with the event with which it holds so many bytes', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const labels = { large: 'x'.repeat(20_000) };
    const listener = sampleListener({ labels });
    const drafts = [
      opened(sampleConnection()),
      ...Array.from({ length: 5 }, (_, index) =>
        listenerEvent('listener_updated', { ...listener, generation: 1 + (index >> 1) }),
      ),
      opened(sampleConnection()),
      opened(sampleConnection()),
    ];
    await store.node.append(append(1, drafts));
    const pageAfter = async (afterSeq: number, bytesMax: number, limit = 100) => {
      const read = { afterSeq, limit, bytesMax, filter: everyEvent };
      const { events, throughSeq } = await store.log.read(read);
      expect(throughSeq).toBe(events.at(-1)?.seq);
      return events.map(({ seq }) => seq);
    };
    expect(await pageAfter(0, 1)).toEqual([1]);
    expect(await pageAfter(0, 2 * itemBytes)).toEqual([1, 2]);
    expect(await pageAfter(1, 50_000)).toEqual([2, 3, 4]);
    expect(await pageAfter(1, 50_000, 2)).toEqual([2, 3]);
    expect(await pageAfter(5, 1e9)).toEqual([6, 7, 8]);
    expect(await readAll(store, everyEvent, 100, 30_000)).toEqual(numbered(drafts));
    const newestFirst = numbered(drafts).toReversed();
    expect(await readAllBack(store, everyEvent, 100, 30_000)).toEqual(newestFirst);
    const own = { ...everyEvent, listenerIds: [listener.id] };
    expect(await readAll(store, own, 100, 30_000)).toEqual(numbered(drafts).slice(1, 6));
  });

  test('the place of a time is before all that happened since', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    // Commit order is not quite the order of time.
    const times = [10, 30, 20, 40, 40, 35, 60].map((offset) => sampleTime + offset);
    const drafts = times.map((acceptedAt) => opened(sampleConnection({ acceptedAt })));
    await store.node.append(append(1, drafts.slice(0, 3)));
    await store.node.append(append(2, drafts.slice(3)));
    for (let time = sampleTime; time <= sampleTime + 70; time += 5) {
      const first = times.findIndex((one) => one >= time);
      expect(await store.log.seqBefore(time)).toBe(first === -1 ? times.length : first);
    }
  });
}

function listenerContract(makeGround: MakeGround): void {
  test('an event writes its row, counts aside, which follow the connections', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const listener = sampleListener({ name: 'one', labels: { env: 'ci' }, expiresAt: sampleTime });
    const connection = sampleConnection({ listenerId: listener.id });
    const second = sampleConnection({ listenerId: listener.id });
    await store.node.append(
      append(1, [listenerEvent('listener_created', listener), opened(connection)]),
    );
    await store.node.append(append(2, [closed(connection), opened(second)]));
    const change = { updatedAt: sampleTime + 9, labels: {}, openConnections: 99 };
    const reason = { code: 'port_in_use', message: 'it\'s "taken"' };
    const next = { revision: 2, generation: 2, reason, sockets: [] };
    const updated = { ...listener, ...change, ...next, state: 'failed' as const };
    await store.node.append(append(3, [listenerEvent('listener_failed', updated)]));
    const expected = { ...updated, openConnections: 1, totalConnections: 2 };
    expect(await store.listeners.find(listener.id)).toEqual(expected);
    expect(await store.listeners.find('one')).toEqual(expected);
    expect(await store.listeners.find('two')).toBeNull();
    expect(await store.listeners.find(sampleConnection().id)).toBeNull();
  });

  test('a name is one listener at a time; a closed one keeps it no longer', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const first = sampleListener({ name: 'echo' });
    const second = sampleListener({ name: 'echo' });
    await store.node.append(append(1, [listenerEvent('listener_listening', first)]));
    await expect(
      store.node.append(append(2, [listenerEvent('listener_listening', second)])),
    ).rejects.toMatchObject({ code: 'already_exists' });
    expect(await store.log.readBounds()).toEqual({ headSeq: 1, oldestSeq: 1 });
    const over = { state: 'closed', closedAt: sampleTime + 1, sockets: [], revision: 2 } as const;
    const end = { ...first, ...over };
    const events = [
      listenerEvent('listener_closed', end),
      listenerEvent('listener_listening', second),
    ];
    // A refused append used up no number.
    await store.node.append(append(2, events));
    expect((await store.listeners.find('echo'))?.id).toBe(second.id);
    expect(await store.listeners.find(first.id)).toEqual(end);
  });

  test('readers find listeners by names and labels, of closed ones too', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const at = (index: number) => sampleConnection({ acceptedAt: sampleTime + index * 2000 }).id;
    const make = (index: number, name: string, labels: Record<string, string>) =>
      sampleListener({ id: at(index), name, labels });
    const end = (one: ReturnType<typeof make>) =>
      listenerEvent('listener_closed', { ...one, state: 'closed', sockets: [] });
    const old = make(1, 'echo', { env: 'ci', team: 'net' });
    const newer = make(2, 'echo', { env: 'ci' });
    const other = make(3, 'other', { env: 'ci' });
    const steps = [
      [listenerEvent('listener_created', old), end(old)],
      [listenerEvent('listener_created', newer), listenerEvent('listener_created', other)],
    ];
    for (const [index, events] of steps.entries())
      await store.node.append(append(index + 1, events));
    const ids = (...names: string[]) => store.listeners.findIds(names);
    const labelled = async (
      labels: Record<string, string>,
      among: readonly string[] | null = null,
      limit = 9,
    ) => (await store.listeners.findLabelledIds({ labels, among, limit })).toSorted();
    expect(await ids('echo', 'none', old.id, 'other', at(9))).toEqual([
      newer.id,
      null,
      old.id,
      other.id,
      null,
    ]);
    expect(await labelled({ env: 'ci' })).toEqual([old.id, newer.id, other.id]);
    expect(await labelled({ env: 'ci', team: 'net' })).toEqual([old.id]);
    expect(await labelled({ env: 'c' })).toEqual([]);
    expect(await labelled({ env: 'ci' }, [newer.id, at(9)])).toEqual([newer.id]);
    expect(await labelled({ env: 'ci' }, [])).toEqual([]);
    expect((await labelled({ env: 'ci' }, null, 2)).length).toBe(2);
    const named = () => store.listeners.findNames([old.id, newer.id, other.id, at(9)]);
    const names = new Map([old, newer, other].map(({ id, name }) => [id, name]));
    expect(await named()).toEqual(names);
    expect(await named()).toEqual(names);
    // Now counts, and for who is closed the end.
    const next = { revision: 2, generation: 2, name: 'renamed', labels: { env: 'dev' } };
    const updated = listenerEvent('listener_updated', { ...newer, ...next });
    await store.node.append(append(3, [updated, end({ ...other, revision: 2 })]));
    expect(await ids('echo', 'renamed', 'other')).toEqual([old.id, newer.id, other.id]);
    expect(await labelled({ env: 'ci' })).toEqual([old.id, other.id]);
    expect(await labelled({ env: 'dev' })).toEqual([newer.id]);
    expect(await named()).toEqual(names.set(newer.id, 'renamed'));
    const again = make(4, 'other', {});
    await store.node.append(append(4, [listenerEvent('listener_created', again), end(again)]));
    expect(await ids('other')).toEqual([again.id]);
  });

  test('lists are newest first, by every filter, in pages', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const listeners = (['listening', 'failed', 'closed', 'listening'] as const).map(
      (state, index) =>
        sampleListener({
          id: sampleConnection({ acceptedAt: sampleTime + index * 2000 }).id,
          state,
          name: index % 2 === 0 ? 'even' : null,
          protocol: index % 2 === 0 ? 'tcp' : 'udp',
          labels: { env: index < 2 ? 'ci' : 'dev', 'a.b/c': String(index) },
          laddr: index === 1 ? null : { ip: '::1', port: 1000 + index },
          port: 1001,
        }),
    );
    const events = listeners.map((one) => listenerEvent('listener_listening', one));
    await store.node.append(append(1, events));
    const list = async (query: Partial<ListenerQuery>, pageSize = 10, bytesMax = 1e9) => {
      const found: number[] = [];
      for (let after: string | null = null; ; ) {
        const ask = { pageSize, after, bytesMax };
        const page = await store.listeners.list({ ...anyListener, ...query }, ask);
        found.push(...page.items.map(({ id }) => listeners.findIndex((one) => one.id === id)));
        after = page.items.at(-1)?.id ?? null;
        if (!page.hasMore) return found;
      }
    };
    expect(await list({})).toEqual([3, 1, 0]);
    expect(await list({}, 1)).toEqual([3, 1, 0]);
    expect(await list({}, 10, 1)).toEqual([3, 1, 0]);
    expect(await list({ state: 'closed' })).toEqual([2]);
    expect(await list({ protocol: 'udp' })).toEqual([3, 1]);
    expect(await list({ port: 1001 })).toEqual([1]);
    expect(await list({ name: 'even' })).toEqual([0]);
    expect(await list({ name: 'even', state: 'closed' })).toEqual([2]);
    expect(await list({ name: 'odd' })).toEqual([]);
    expect(await list({ port: 1003 })).toEqual([3]);
    expect(await list({ labels: { env: 'ci' } })).toEqual([1, 0]);
    expect(await list({ labels: { env: 'ci', 'a.b/c': '0' } })).toEqual([0]);
    expect(await list({ labels: { env: 'prod' } })).toEqual([]);
  });

  test('a node reads its own with their secrets, which nothing else shows', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground, 'node-a');
    await using other = await openNode(ground, 'node-b');
    const tls = {
      cert: 'PEM',
      isSelfSigned: true,
      fingerprint256: 'AB:CD',
      clientAuth: 'none',
      ca: null,
      minVersion: 'TLSv1.2',
    } as const;
    const listener = sampleListener({ protocol: 'tls', tls });
    const plain = sampleListener({ id: sampleConnection({ acceptedAt: sampleTime + 9000 }).id });
    const foreign = sampleListener({ nodeId: 'node-b' });
    const over = sampleListener({ state: 'closed' });
    const secrets = new Map([[listener.id, { tlsKey: 'SECRET' }]]);
    const events = [listener, plain, over].map((one) => listenerEvent('listener_listening', one));
    await store.node.append(append(1, events, { secrets }));
    await other.node.append(append(1, [listenerEvent('listener_listening', foreign)]));
    expect(await store.node.readListeners(firstOwn)).toEqual([
      { ...listener, secrets: { tlsKey: 'SECRET' } },
      { ...plain, secrets: { tlsKey: null } },
    ]);
    const first = await store.node.readListeners({ ...firstOwn, bytesMax: 1 });
    expect(first.map(({ id }) => id)).toEqual([listener.id]);
    const next = await store.node.readListeners({ ...firstOwn, after: listener.id, pageSize: 1 });
    expect(next.map(({ id }) => id)).toEqual([plain.id]);
    expect(await store.node.readListeners({ ...firstOwn, after: plain.id })).toEqual([]);
    const shown = [await readAll(store), await store.listeners.find(listener.id)];
    expect(JSON.stringify(shown)).not.toContain('SECRET');
    // A change keeps the secret.
    await store.node.append(
      append(2, [listenerEvent('listener_updated', { ...listener, revision: 2 })]),
    );
    expect((await store.node.readListeners(firstOwn))[0]?.secrets).toEqual({ tlsKey: 'SECRET' });
  });

  test('a node reads which of its own have ended lately, the last ones where there are more', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground, 'node-a');
    await using other = await openNode(ground, 'node-b');
    const ended = (afterMs: number) => {
      const closedAt = sampleTime + afterMs * 1000;
      return sampleListener({ state: 'closed', closedAt });
    };
    const [first, second, third] = [ended(1), ended(2), ended(3)];
    const foreign = { ...ended(2), nodeId: 'node-b' };
    const events = [third, first, second, sampleListener()].map((one) =>
      listenerEvent('listener_closed', one),
    );
    await store.node.append(append(1, events));
    await other.node.append(append(1, [listenerEvent('listener_closed', foreign)]));
    const read = async (afterMs: number, limit: number) =>
      (await store.node.readEnded(sampleTime + afterMs * 1000, limit)).map(({ id }) => id);
    expect(await read(0, 9)).toEqual([first.id, second.id, third.id]);
    expect(await read(2, 9)).toEqual([second.id, third.id]);
    expect(await read(0, 2)).toEqual([second.id, third.id]);
    expect(await read(4, 9)).toEqual([]);
  });
}

function connectionContract(makeGround: MakeGround): void {
  test('one that is open is found by its port also where a clock was put back after its listener was made', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const listener = sampleListener({ createdAt: sampleTime + 3_600_000_000 });
    const early = sampleConnection({ listenerId: listener.id });
    await store.node.append(
      append(1, [listenerEvent('listener_created', listener), opened(early)]),
    );
    const query = { lport: early.laddr.port, acceptedBefore: sampleTime + 1 };
    const asked = { ...everyConnection, ...query };
    const found = await store.connections.list(asked, { pageSize: 10, after: null });
    expect(found.map(({ id }) => id)).toEqual([early.id]);
  });

  test.each([
    ['listens', {}],
    ['was closed before it was made', { state: 'closed', closedAt: sampleTime + 9000 }],
  ] as const)('so are those that are closed, on each page, where it %s', async (_, end) => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const made = sampleListener({ createdAt: sampleTime + 3_600_000_000 });
    const connections = [0, 1000, 2000].map((after) =>
      sampleConnection({ listenerId: made.id, acceptedAt: sampleTime + after }),
    );
    await store.node.append(
      append(1, [
        listenerEvent('listener_created', made),
        ...connections.flatMap((one) => [opened(one), closed(one)]),
        ...('state' in end ? [listenerEvent('listener_closed', { ...made, ...end })] : []),
      ]),
    );
    const asked = { ...everyConnection, lport: made.laddr?.port ?? 0 };
    const pages: (readonly string[])[] = [];
    for (let after: string | null = null; pages.length < connections.length; ) {
      const found = await store.connections.list(asked, { pageSize: 1, after });
      pages.push(found.map(({ id }) => id));
      after = found[0]?.id ?? after;
    }
    expect(pages).toEqual(connections.map(({ id }) => [id]).toReversed());
  });

  test('one that opens and closes in one append, or in several, ends the same', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const brief = sampleConnection();
    const long = sampleConnection({ acceptedAt: sampleTime + 5000 });
    await store.node.append(append(1, [opened(long), opened(brief), closed(brief)]));
    expect(await store.connections.find(brief.id)).toEqual(snapshot(closed(brief)));
    const ids = [long.id, sampleConnection().id, brief.id];
    const both = [brief.id, long.id].sort().map((id) => ({ id }));
    expect(await store.connections.findAll(ids)).toMatchObject(both);
    expect(await store.connections.find(long.id)).toEqual(long);
    const counters = [
      {
        id: long.id,
        bytesIn: 5,
        bytesOut: 3,
        firstByteAt: sampleTime + 5100,
        lastByteAt: sampleTime + 5200,
      },
    ];
    await store.node.append(append(2, [], { counters }));
    expect(await store.connections.find(long.id)).toEqual({ ...long, ...counters[0] });
    await store.node.append(append(3, [halfClosed(long)]));
    expect(await store.connections.find(long.id)).toEqual(snapshot(halfClosed(long)));
    await store.node.append(append(4, [closed(long)]));
    expect(await store.connections.find(long.id)).toEqual(snapshot(closed(long)));
    expect(await store.connections.find(sampleConnection().id)).toBeNull();
    expect(await store.connections.find('no id at all')).toBeNull();
  });

  test("a node's open ones are read in the order of their ids, in pages", async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground, 'node-a');
    await using other = await openNode(ground, 'node-b');
    const open = [0, 1, 2, 3, 4].map((index) =>
      sampleConnection({ acceptedAt: sampleTime + index * 2000 }),
    );
    const [first = sampleConnection(), second = first] = open;
    const events = [...open.toReversed().map(opened), closed(first), halfClosed(second)];
    await store.node.append(append(1, events));
    await other.node.append(append(1, [opened(sampleConnection({ nodeId: 'node-b' }))]));
    const ids = open.slice(1).map(({ id }) => id);
    const page = await store.node.readOpenConnections(defaultProject, null, 3);
    expect(page.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    expect(page[0]).toEqual(snapshot(halfClosed(second)));
    const rest = await store.node.readOpenConnections(defaultProject, ids[2] ?? null, 3);
    expect(rest.map(({ id }) => id)).toEqual(ids.slice(3));
    await using unknown = await openNode(ground, 'node-c');
    expect(await unknown.node.readOpenConnections(defaultProject, null, 3)).toEqual([]);
    expect(await unknown.node.readListeners(firstOwn)).toEqual([]);
  });
}

function placeContract(makeGround: MakeGround): void {
  const name = 'taken';
  const closing = (listener: Listener) =>
    listenerEvent('listener_closed', { ...listener, state: 'closed', revision: 2 });

  test('the place of a node that is there is not given away', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground, 'node-a');
    await using other = await openNode(ground, 'node-b');
    const listener = sampleListener();
    await store.node.append(append(1, [listenerEvent('listener_created', listener)]));
    expect(await other.nodes.whereIs('node-a')).toBe('there');
    expect(await other.nodes.takeOver('node-a')).toBe(null);
    expect(await other.nodes.others()).toEqual(['node-a']);
    expect(await store.nodes.others()).toEqual([]);
    await store.node.append(append(2, [closing(listener)]));
    expect(await other.nodes.others()).toEqual([]);
  });

  test('that of a node that is gone is taken, and is its own again when it comes back', async () => {
    await using ground = await makeGround();
    await using other = await openNode(ground, 'node-b');
    const [kept, gone] = [sampleListener(), sampleListener({ id: sampleId(9), name })];
    const [first, second, third] = [0, 1, 2].map((index) =>
      sampleConnection({ acceptedAt: sampleTime + index * 2000 + 2000, listenerId: gone.id }),
    ) as [Connection, Connection, Connection];
    const elsewhere = sampleConnection({ listenerId: kept.id });
    {
      await using store = await openNode(ground, 'node-a');
      const made = [kept, gone].map((one) => listenerEvent('listener_created', one));
      const all = [elsewhere, first, second, third].map((one) => opened(one));
      await store.node.append(append(1, [...made, ...all]));
    }
    await waitFor(
      'its end to be seen',
      async () => (await other.nodes.whereIs('node-a')) === 'gone',
    );
    const place = await other.nodes.takeOver('node-a');
    const ofGone = await place?.readOpenConnections(defaultProject, null, 2, gone.id);
    expect(ofGone?.map(({ id }) => id)).toEqual([first.id, second.id]);
    const rest = await place?.readOpenConnections(defaultProject, second.id, 2, gone.id);
    expect(rest?.map(({ id }) => id)).toEqual([third.id]);
    expect((await place?.readListeners(firstOwn))?.map(({ id }) => id).sort()).toEqual(
      [kept.id, gone.id].sort(),
    );
    const end = append(1, [...[first, second, third].map((one) => closed(one)), closing(gone)]);
    const done = await place?.append(end);
    // Repeated under its number it is done once.
    expect(await place?.append(end)).toEqual(done);
    expect(await other.listeners.find(gone.id)).toMatchObject({
      state: 'closed',
      nodeId: 'node-a',
      openConnections: 0,
      totalConnections: 3,
    });
    expect(await other.connections.find(first.id)).toMatchObject({ nodeId: 'node-a' });
    expect(await other.listeners.find(name)).toBe(null);
    await using back = await openNode(ground, 'node-a');
    await expect(place?.append(append(2, [closing(kept)]))).rejects.toMatchObject({
      code: 'failed_precondition',
    });
    expect((await back.node.readListeners(firstOwn)).map(({ id }) => id)).toEqual([kept.id]);
    expect(
      (await back.node.readOpenConnections(defaultProject, null, 9)).map(({ id }) => id),
    ).toEqual([elsewhere.id]);
    expect(await back.node.append(append(1, [closing(kept)]))).toEqual(firstSeq(11));
  });

  test('of two that take one place the later one has it', async () => {
    await using ground = await makeGround();
    await using other = await openNode(ground, 'node-b');
    await using third = await openNode(ground, 'node-c');
    const listener = sampleListener();
    {
      await using store = await openNode(ground, 'node-a');
      await store.node.append(append(1, [listenerEvent('listener_created', listener)]));
    }
    await waitFor(
      'its end to be seen',
      async () => (await other.nodes.whereIs('node-a')) === 'gone',
    );
    const early = await other.nodes.takeOver('node-a');
    const late = await third.nodes.takeOver('node-a');
    const lost = { code: 'failed_precondition' };
    await expect(early?.append(append(1, [closing(listener)]))).rejects.toMatchObject(lost);
    await late?.append(append(1, [closing(listener)]));
  });
}

function snapshot(event: EventDraft) {
  return 'connection' in event ? event.connection : null;
}

/** Neither leaps nor goes on, and makes no mark. */
const standing: LogAgeing = {
  timeMin: null,
  timeMax: null,
  confirmedTime: null,
  leapMaxMs: 0,
  markMs: farOff / 1e6,
  markBytes: farOff,
};

/** What was appended up to now is known to be this old. */
async function mark(store: Pick<ProjectStore, 'keeping'>): Promise<LogAge> {
  return await store.keeping.age({ ...standing, confirmedTime: farOff, markMs: 0 });
}

function purgeContract(makeGround: MakeGround): void {
  const everything = Number.MAX_SAFE_INTEGER;

  test('takes the oldest, by age, by number and by size, a piece at a time', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const listener = sampleListener();
    const connections = [1, 2, 3, 4].map((index) =>
      sampleConnection({ listenerId: listener.id, acceptedAt: sampleTime + index * 10_000 }),
    );
    const end = listenerEvent('listener_closed', {
      ...{ ...listener, revision: 2, state: 'closed' },
      updatedAt: sampleTime + 90_000,
    });
    const events = [
      listenerEvent('listener_listening', listener),
      ...connections.flatMap((one) => [opened(one), closed(one)]),
      end,
    ];
    await store.node.append(append(1, events.slice(0, 3)));
    const { time } = await mark(store);
    // Their own times are of no account.
    await waitFor('another time', async () => (await store.keeping.age(standing)).clock > time);
    await store.node.append(append(2, events.slice(3)));
    await mark(store);
    const [first, second, third] = connections;
    const all = { before: 0, eventsMax: everything, bytesMax: everything, limit: 100 };
    expect(await store.keeping.purge(all)).toEqual({ headSeq: 10, oldestSeq: 1, hasMore: false });

    const byAge = { ...all, before: time, limit: 2 };
    expect(await store.keeping.purge(byAge)).toEqual({ headSeq: 10, oldestSeq: 3, hasMore: true });
    // Its closed event is still there, and so is it.
    expect(await store.connections.find(first?.id ?? '')).not.toBeNull();
    expect(await store.keeping.purge(byAge)).toEqual({ headSeq: 10, oldestSeq: 4, hasMore: false });
    expect(await store.connections.find(first?.id ?? '')).toBeNull();
    expect(await readAll(store)).toEqual(numbered(events).slice(3));

    const byNumber = { ...all, eventsMax: 5 };
    expect(await store.keeping.purge(byNumber)).toEqual({
      headSeq: 10,
      oldestSeq: 6,
      hasMore: false,
    });
    expect(await store.connections.find(second?.id ?? '')).toBeNull();
    expect(await store.connections.find(third?.id ?? '')).not.toBeNull();
    expect(await store.listeners.find(listener.id)).not.toBeNull();

    expect((await store.keeping.age(standing)).bytes).toBe(5000);
    const bySize = { ...all, bytesMax: 4000 };
    expect(await store.keeping.purge(bySize)).toEqual({
      headSeq: 10,
      oldestSeq: 7,
      hasMore: false,
    });
    expect((await store.keeping.age(standing)).bytes).toBe(4000);

    const nothing = { ...all, eventsMax: 0 };
    expect(await store.keeping.purge(nothing)).toEqual({
      headSeq: 10,
      oldestSeq: 11,
      hasMore: false,
    });
    expect(await store.listeners.find(listener.id)).toBeNull();
    expect(await readAll(store)).toEqual([]);
    expect(await store.log.seqBefore(0)).toBe(10);
    expect((await store.keeping.age(standing)).bytes).toBe(0);
    expect(await store.node.append(append(3, [opened(sampleConnection())]))).toEqual(firstSeq(11));
    expect(await readAll(store)).toHaveLength(1);
    expect((await store.keeping.age(standing)).bytes).toBe(1000);
  });

  test('few events that are large are taken by their size', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    for (let number = 1; number <= 20; number += 1) {
      const listener = sampleListener();
      const events = [listenerEvent('listener_created', listener)];
      await store.node.append(append(number, events, { bytes: number <= 10 ? 1_000_000 : 1000 }));
      if (number % 5 === 0) await mark(store);
    }
    expect((await store.keeping.age(standing)).bytes).toBe(10_010_000);
    const request = { before: 0, eventsMax: everything, bytesMax: 5_000_000, limit: 100 };
    const { oldestSeq } = await store.keeping.purge(request);
    expect(oldestSeq).toBe(7);
    const { bytes } = await store.keeping.age(standing);
    expect(bytes).toBeLessThanOrEqual(5_000_000);
    expect(bytes).toBeGreaterThan(3_000_000);
    // Nothing more is due.
    expect(await store.keeping.purge(request)).toEqual({ headSeq: 20, oldestSeq, hasMore: false });
  });

  test('the log’s own time never falls, never leaps unasked, and never stands still where it is told so', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const start = await store.keeping.age(standing);
    expect(start.time).toBeLessThanOrEqual(start.clock);
    await waitFor(
      'some time',
      async () => (await store.keeping.age(standing)).clock > start.time + 1000,
    );
    expect((await store.keeping.age(standing)).time).toBe(start.time);
    const step = await store.keeping.age({ ...standing, timeMax: start.time + 1000 });
    expect(step.time).toBe(start.time + 1000);
    // A word of a person is believed up to what the clock shows.
    const said = await store.keeping.age({ ...standing, confirmedTime: everything });
    expect(said.time).toBe(said.clock);
    const leapt = await store.keeping.age({ ...standing, leapMaxMs: 3_600_000 });
    expect(leapt.time).toBe(leapt.clock);
    // Where the clock is behind, time goes on all the same.
    const ahead = leapt.time + 3_600_000_000;
    expect((await store.keeping.age({ ...standing, timeMin: ahead })).time).toBe(ahead);
    const low = { ...standing, timeMin: ahead - 5, timeMax: ahead - 1, leapMaxMs: 10 };
    expect((await store.keeping.age(low)).time).toBe(ahead);
    expect((await store.keeping.age({ ...standing, timeMax: ahead + 9 })).time).toBe(ahead);
    await using other = await openNode(ground, 'node-b');
    expect((await other.keeping.age(standing)).time).toBe(ahead);
  });

  test('a time far ahead matters to the place of a time only as long as its event is kept', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const at = (offset: number) => opened(sampleConnection({ acceptedAt: sampleTime + offset }));
    const many = Array.from({ length: 5000 }, (_, index) => at(index));
    await store.node.append(append(1, [...many.slice(0, 4500), at(1e15), ...many.slice(4500)]));
    await store.node.append(append(2, [at(10_000), at(20_000)]));
    expect(await store.log.seqBefore(sampleTime + 20_000)).toBe(4500);
    const request = { before: 0, eventsMax: 100, bytesMax: everything, limit: 100_000 };
    expect((await store.keeping.purge(request)).oldestSeq).toBe(4904);
    expect(await store.log.seqBefore(sampleTime + 20_000)).toBe(5002);
    expect(await store.log.seqBefore(sampleTime + 4_950)).toBe(4951);
    expect(await store.log.seqBefore(sampleTime + 30_000)).toBe(5003);
  });

  test('keeps what lives: listeners that are not closed, connections that are open', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const listener = sampleListener();
    const connection = sampleConnection({ listenerId: listener.id });
    const drafts = [listenerEvent('listener_listening', listener), opened(connection)];
    await store.node.append(append(1, drafts));
    await store.keeping.purge({ before: 0, eventsMax: 0, bytesMax: everything, limit: 100 });
    expect(await readAll(store)).toEqual([]);
    expect(await store.connections.find(connection.id)).toEqual(connection);
    expect((await store.listeners.find(listener.id))?.openConnections).toBe(1);
    await store.node.append(append(2, [closed(connection)]));
    expect(await readAll(store)).toEqual(numbered([closed(connection)], 3));
    expect(
      await store.log.seqBeforeNewest(9, { ...everyEvent, types: ['connection_opened'] }, staying),
    ).toBe(2);
  });
}

function idempotencyContract(makeGround: MakeGround): void {
  const seed = sampleId(1);
  const limits = { keysMax: 1000, answerBytesMax: 1_000_000 };
  const take = { key: 'key', bodyHash: 'hash', seed, expiresBefore: 0, lostBefore: 0, ...limits };
  const running = { bodyHash: 'hash', body: null };
  const runOf = (own: string) => ({ seed: own, takenAt: expect.any(Number) });
  type Asked = Parameters<IdempotencyKeys['take']>[0];
  /** @throws TypeError where the key is another's */
  async function taken(keys: IdempotencyKeys, asked: Asked): Promise<IdempotencyRun> {
    const run = await keys.take(asked);
    if (!('seed' in run)) throw new TypeError(`${asked.key} is taken`);
    return run;
  }

  test('a key is taken once, keeps its answer, and is free when released', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const takes = await Promise.all([1, 2, 3].map(() => store.idempotencyKeys.take(take)));
    const runs = takes.filter((one) => 'seed' in one);
    expect(runs).toEqual([runOf(seed)]);
    expect(takes.filter((one) => !('seed' in one))).toEqual([running, running]);
    for (const run of runs) await store.idempotencyKeys.release('key', run);
    const other = { ...take, bodyHash: 'other' };
    const run = await taken(store.idempotencyKeys, other);
    expect(run).toEqual(runOf(seed));
    await store.idempotencyKeys.keep('key', run, '{"id":1}');
    const answer = { bodyHash: 'other', body: '{"id":1}' };
    expect(await store.idempotencyKeys.take(take)).toEqual(answer);
  });

  test('beyond the limits a new key is refused, and those that are kept stay', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const takeOf = (key: string, more: object = {}) =>
      store.idempotencyKeys.take({ ...take, key, keysMax: 2, ...more });
    const runA = await taken(store.idempotencyKeys, { ...take, key: 'a' });
    const runB = await taken(store.idempotencyKeys, { ...take, key: 'b' });
    const full = { code: 'resource_exhausted', details: { limit: 'idempotencyKeysMax' } };
    await expect(takeOf('c')).rejects.toMatchObject(full);
    await store.idempotencyKeys.keep('a', runA, '{"id":1}');
    expect(await takeOf('a')).toMatchObject({ body: '{"id":1}' });
    expect(await takeOf('b')).toEqual(running);
    await store.idempotencyKeys.release('b', runB);
    const bytes = { code: 'resource_exhausted', details: { limit: 'idempotencyAnswerBytesMax' } };
    await expect(takeOf('c', { answerBytesMax: 8 })).rejects.toMatchObject(bytes);
    expect(await takeOf('c')).toEqual(runOf(seed));
    await expect(takeOf('d')).rejects.toMatchObject(full);
    expect(await store.idempotencyKeeping.purge(farOff, 1)).toBe(true);
    expect(await store.idempotencyKeeping.purge(farOff, 5)).toBe(false);
    expect(await takeOf('d')).toEqual(runOf(seed));
  });

  test('an expired key is free, and begins anew', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const run = await taken(store.idempotencyKeys, take);
    await store.idempotencyKeys.keep('key', run, '{}');
    const later = { ...take, bodyHash: 'new', seed: sampleId(2), expiresBefore: farOff };
    expect(await store.idempotencyKeys.take(later)).toEqual(runOf(sampleId(2)));
    expect(await store.idempotencyKeys.take(take)).toEqual({ ...running, bodyHash: 'new' });
  });

  test('a key of a clock that was ahead expires as if it were as much too old', async () => {
    await using ground = await makeGround();
    const dayUs = 86_400_000_000;
    const start = Date.now() * 1000;
    let now = start + 400 * dayUs;
    await using store = await openNode(ground, 'node-a', { now: () => now });
    const keep = async (key: string, asked: object) =>
      await store.idempotencyKeys.keep(
        key,
        await taken(store.idempotencyKeys, { ...take, key, ...asked }),
        '{}',
      );
    await keep('key', {});
    await keep('far', {});
    now = start + dayUs / 2;
    await keep('near', {});
    now = start;
    const expiresBefore = start - dayUs;
    const later = { ...take, bodyHash: 'new', seed: sampleId(2), expiresBefore };
    expect(await store.idempotencyKeys.take(later)).toEqual(runOf(sampleId(2)));
    expect(await store.idempotencyKeys.take(later)).toEqual({ ...running, bodyHash: 'new' });
    expect(await store.idempotencyKeeping.purge(expiresBefore, 1)).toBe(true);
    expect(await store.idempotencyKeeping.purge(expiresBefore, 1)).toBe(false);
    const keysMax = 3;
    expect(await store.idempotencyKeys.take({ ...later, key: 'near', keysMax })).toMatchObject({
      body: '{}',
    });
    expect(await store.idempotencyKeys.take({ ...later, key: 'far', keysMax })).toEqual(
      runOf(sampleId(2)),
    );
  });

  test('a run whose process is gone, or that is too old, goes on under its seed', async () => {
    await using ground = await makeGround();
    await using first = await openNode(ground);
    await using other = await openNode(ground, 'node-b');
    const retry = { ...take, seed: sampleId(2) };
    await first.idempotencyKeys.take(take);
    expect(await other.idempotencyKeys.take(retry)).toEqual(running);
    await using again = await openNode(ground);
    const mismatch = { ...retry, bodyHash: 'other' };
    expect(await other.idempotencyKeys.take(mismatch)).toEqual(running);
    expect(await other.idempotencyKeys.take(retry)).toEqual(runOf(seed));
    expect(await again.idempotencyKeys.take(retry)).toEqual(running);
    const run = await taken(again.idempotencyKeys, { ...retry, lostBefore: farOff });
    expect(run).toEqual(runOf(seed));
    await again.idempotencyKeys.keep('key', run, '{}');
    const answer = { bodyHash: 'hash', body: '{}' };
    expect(await other.idempotencyKeys.take({ ...retry, lostBefore: farOff })).toEqual(answer);
  });

  test('a run that is left goes on at once, through any process, under its seed', async () => {
    await using ground = await makeGround();
    await using first = await openNode(ground);
    await using other = await openNode(ground, 'node-b');
    const run = await taken(first.idempotencyKeys, take);
    await first.idempotencyKeys.leave('key', run);
    const retry = { ...take, seed: sampleId(2) };
    const mismatch = { ...retry, bodyHash: 'other' };
    expect(await other.idempotencyKeys.take(mismatch)).toEqual(running);
    const next = await taken(other.idempotencyKeys, retry);
    expect(next).toEqual(runOf(seed));
    expect(await first.idempotencyKeys.take(retry)).toEqual(running);
    await other.idempotencyKeys.keep('key', next, '{}');
    await other.idempotencyKeys.leave('key', next);
    expect(await first.idempotencyKeys.take(retry)).toEqual({ bodyHash: 'hash', body: '{}' });
  });

  test('a run that was taken for lost neither frees the key of its successor nor answers for it', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const keys = store.idempotencyKeys;
    const slow = await taken(keys, take);
    const takenIn = Date.now();
    await waitFor('another millisecond', () => Date.now() > takenIn);
    const next = await taken(keys, { ...take, lostBefore: farOff });
    await keys.release('key', slow);
    await keys.keep('key', slow, '{"error":{}}');
    expect(await keys.take(take)).toEqual(running);
    await keys.keep('key', next, '{"id":1}');
    await keys.keep('key', slow, '{"error":{}}');
    await keys.release('key', slow);
    expect(await keys.take(take)).toEqual({ bodyHash: 'hash', body: '{"id":1}' });
  });
}
