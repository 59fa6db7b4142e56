/** Where the contract of a store takes place, and whole logs read page by page. */
import { expect } from 'vitest';
import type { Event, EventDraft } from '../../src/core/event.ts';
import { type EventFilter, everyEvent } from '../../src/core/event-filter.ts';
import type { Clock } from '../../src/core/ports.ts';
import type { ProjectRef } from '../../src/core/project.ts';
import type { ProjectStore, Store } from '../../src/core/store.ts';
import { ofDefault } from './store-samples.ts';

/** A database of a test's own. */
export interface StoreGround extends AsyncDisposable {
  /** A store on it, as a process of the node has one. */
  open(nodeId: string, clock?: Clock): Promise<Store & AsyncDisposable>;
  /** Beside the default one. */
  addProject(name: string): Promise<ProjectRef>;
  /** From now on it may have no more. */
  limitListeners(project: ProjectRef, listeners: number): Promise<void>;
}

export type MakeGround = () => Promise<StoreGround>;

/** A store, and its node taken. */
export async function openNode(ground: StoreGround, nodeId = 'node-a', clock?: Clock) {
  const store = await ground.open(nodeId, clock);
  return Object.assign(store, ofDefault(store), { node: await store.nodes.takeOwn() });
}

export async function readAll(
  store: Pick<ProjectStore, 'log'>,
  filter: EventFilter = everyEvent,
  limit = 1000,
  bytesMax = 1e9,
) {
  const events: Event[] = [];
  for (let seq = 0; ; ) {
    const page = await store.log.read({ afterSeq: seq, limit, bytesMax, filter });
    expect(page.events.length).toBeLessThanOrEqual(limit);
    expect(page.events.every((event) => event.seq > seq && event.seq <= page.throughSeq)).toBe(
      true,
    );
    events.push(...page.events);
    if (page.throughSeq >= page.headSeq) return events;
    expect(page.throughSeq).toBeGreaterThan(seq);
    seq = page.throughSeq;
  }
}

export async function readAllBack(
  store: Pick<ProjectStore, 'log'>,
  filter: EventFilter,
  limit = 1000,
  bytesMax = 1e9,
) {
  const events: Event[] = [];
  for (let seq = Number.MAX_SAFE_INTEGER; ; ) {
    const page = await store.log.readBack({ beforeSeq: seq, limit, bytesMax, filter });
    expect(page.events.length).toBeLessThanOrEqual(limit);
    expect(page.events.every((event) => event.seq < seq && event.seq >= page.throughSeq)).toBe(
      true,
    );
    events.push(...page.events);
    if (page.throughSeq <= page.oldestSeq) return events;
    expect(page.throughSeq).toBeLessThan(seq);
    seq = page.throughSeq;
  }
}

export function numbered(drafts: readonly EventDraft[], firstSeq = 1): Event[] {
  return drafts.map((draft, index) => ({ ...draft, seq: firstSeq + index }));
}
