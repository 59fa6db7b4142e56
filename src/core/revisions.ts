/**
 * The revisions of the listeners that this process changes. What is in memory of a listener may be ahead of its row, or
 * behind it where a change was given up: so the revision that a row gets is set when it is written.
 */
import type { EventDraft } from './event.ts';
import type { AppendEntry } from './writer.ts';

export class Revisions {
  /** As this process committed them last. */
  readonly #committed = new Map<string, number>();

  /** The entries as the store takes them: one on from what is on record, as far as it is known here. */
  raised(entries: readonly AppendEntry[]): readonly AppendEntry[] {
    return entries.map(({ project, events, secrets, counters, audit, bytes }) => ({
      ...{ project, secrets, counters, audit, bytes },
      events: events.some(isOfListener) ? events.map((event) => this.#raise(event)) : events,
    }));
  }

  #raise(event: EventDraft): EventDraft {
    if (!isOfListener(event)) return event;
    const { id, revision } = event.listener;
    const listener = { ...event.listener, revision: 1 + (this.#committed.get(id) ?? revision) };
    return { ...event, listener };
  }

  /** These are on record now. */
  keep(entries: readonly AppendEntry[]): void {
    for (const event of entries.flatMap((entry) => entry.events.filter(isOfListener))) {
      const { id, revision, state } = event.listener;
      if (state === 'closed') this.#committed.delete(id);
      else this.#committed.set(id, revision);
    }
  }
}

function isOfListener(event: EventDraft): event is Extract<EventDraft, { listener: unknown }> {
  return 'listener' in event;
}
