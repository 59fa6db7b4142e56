/** What every Store keeps of the audit. */
import { expect, test } from 'vitest';
import type { AuditEntry, AuditLog, AuditQuery } from '../../src/core/audit.ts';
import { defaultProject } from '../../src/core/project.ts';
import type { AppendEntry } from '../../src/core/writer.ts';
import { type MakeGround, numbered, openNode, readAll } from './store-ground.ts';
import {
  append,
  listenerEvent,
  sampleAuditEntry,
  sampleListener,
  sampleTime,
} from './store-samples.ts';

const all: AuditQuery = { project: null };

async function read({ list }: Pick<AuditLog, 'list'>, query = all): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for (let after: string | null = null; ; ) {
    const page = await list(query, { after, pageSize: 2 });
    entries.push(...page.items);
    after = page.items.at(-1)?.id ?? null;
    if (!page.hasMore) return entries;
  }
}

export function auditContract(makeGround: MakeGround): void {
  test('an entry is there with what it tells of, or not at all', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const readAudit = () => read({ list: (...ask) => store.audit.list(...ask) });
    const listener = sampleListener({ name: 'taken' });
    const made = [listenerEvent('listener_created', listener)];
    const [first, second] = [sampleAuditEntry(), sampleAuditEntry({ change: null })];
    const done = append(1, made, { audit: [first, second] });
    await store.node.append(done);
    expect(await readAudit()).toEqual([second, first]);
    // Repeated, it is done once.
    await store.node.append(done);
    const again = [listenerEvent('listener_created', sampleListener({ name: 'taken' }))];
    const audit = [sampleAuditEntry()];
    const refused = store.node.append(append(2, again, { audit }));
    await expect(refused).rejects.toMatchObject({ code: 'already_exists' });
    const stale = [listenerEvent('listener_updated', { ...listener, revision: 3 })];
    const lost = store.node.append(append(2, stale, { audit }));
    await expect(lost).rejects.toMatchObject({ code: 'failed_precondition' });
    expect(await store.node.settle(2)).toBeNull();
    await expect(store.node.append(append(2, [], { audit }))).rejects.toThrow();
    expect(await readAudit()).toEqual([second, first]);
  });

  test('a listener event shows who asked for it', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const actor = { kind: 'key', id: 'an-id', hint: 'kodama_"\\…' } as const;
    const listener = sampleListener();
    const events = [
      { ...listenerEvent('listener_created', listener), actor },
      listenerEvent('listener_listening', listener),
    ];
    await store.node.append(append(1, events));
    const read = await readAll(store);
    expect(read).toEqual(numbered(events));
    expect(read[1]).not.toHaveProperty('actor');
  });

  test('entries of several projects are found by each filter, newest first', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const { audit } = store;
    const team = { ref: await ground.addProject('team'), name: 'team' };
    const of = (project: AuditEntry['project'], given: Partial<AuditEntry>): AppendEntry => {
      const [entry] = append(1, [], { audit: [sampleAuditEntry({ project, ...given })] }).entries;
      if (entry === undefined || project === null) throw new TypeError('an append has an entry');
      return { ...entry, project: project.ref };
    };
    const resource = { kind: 'connection', id: 'other-id', name: null } as const;
    const own = { ref: defaultProject, name: 'default' };
    const entries = [
      of(own, { resource }),
      of(team, { resource: { ...resource, id: 'x', name: 'other-id' } }),
      of(own, { operation: 'createKey' }),
    ];
    await store.node.append({ number: 1, entries });
    const actor = { kind: 'operator', id: 'its-key', hint: null } as const;
    const { caller } = sampleAuditEntry();
    const ofNone = sampleAuditEntry({
      ...{ project: null, resource: null, change: null, count: 7 },
      ...{ outcome: 'unauthenticated', caller: { ...caller, actor, sourceIp: null } },
    });
    await audit.add(ofNone);
    const [a, b, c] = entries.flatMap((entry) => entry.audit);
    const found = (query: Partial<AuditQuery>) =>
      read({ list: (...ask) => audit.list(...ask) }, { ...all, ...query });
    expect(await found({})).toEqual([ofNone, c, b, a]);
    expect(await found({ project: team.ref })).toEqual([b]);
    expect(await found({ project: defaultProject })).toEqual([c, a]);
    expect(await found({ resource: 'other-id' })).toEqual([b, a]);
    expect(await found({ operation: 'createKey' })).toEqual([c]);
    expect(await found({ outcome: 'unauthenticated' })).toEqual([ofNone]);
    expect(await found({ actor: 'operator' })).toEqual([ofNone]);
    expect(await found({ actor: 'its-key' })).toEqual([ofNone]);
    expect(await found({ actor: 'a-key' })).toEqual([c, b, a]);
    expect(await found({ actor: 'system' })).toEqual([]);
    expect(await found({ after: b?.time, before: ofNone.time })).toEqual([c, b]);
  });

  test('what is old goes, and the oldest of too many, in pieces', async () => {
    await using ground = await makeGround();
    await using store = await openNode(ground);
    const { audit, node } = store;
    const entries = Array.from({ length: 7 }, (_, at) =>
      sampleAuditEntry({ time: sampleTime + at }),
    );
    await node.append(append(1, [], { audit: entries }));
    const ofNone = sampleAuditEntry({ project: null, time: sampleTime + 9 });
    await audit.add(ofNone);
    expect(await audit.purge(sampleTime + 3, 2)).toBe(true);
    expect(await audit.purge(sampleTime + 3, 2)).toBe(false);
    const left = () => read({ list: (...ask) => audit.list(...ask) });
    expect(await left()).toEqual([ofNone, ...entries.slice(3).toReversed()]);
    const excess = { project: defaultProject, entriesMax: 1 };
    expect(await audit.purgeExcess({ ...excess, entriesMax: 4 }, 2)).toBe(false);
    expect(await audit.purgeExcess(excess, 2)).toBe(true);
    expect(await audit.purgeExcess(excess, 2)).toBe(false);
    expect(await left()).toEqual([ofNone, entries[6]]);
    expect(await audit.purgeExcess({ project: null, entriesMax: 0 }, 2)).toBe(false);
    expect(await left()).toEqual([entries[6]]);
  });
}
