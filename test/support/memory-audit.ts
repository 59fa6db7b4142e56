/** The audit, as a MemoryDatabase has it. */
import type { AuditEntry, AuditExcess, AuditQuery } from '../../src/core/audit.ts';
import type { PageItems, PageRequest } from '../../src/core/page.ts';
import type { Micros } from '../../src/core/time.ts';

export class MemoryAudit {
  #entries: readonly AuditEntry[] = [];

  /** Oldest first. */
  get entries(): readonly AuditEntry[] {
    return this.#entries;
  }

  push(entries: readonly AuditEntry[]): void {
    this.#entries = [...this.#entries, ...entries].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  list(query: AuditQuery, { after, pageSize }: PageRequest): PageItems<AuditEntry> {
    const wanted = this.#entries
      .filter((entry) => matches(entry, query) && (after === null || entry.id < after))
      .toReversed();
    return { items: wanted.slice(0, pageSize), hasMore: wanted.length > pageSize };
  }

  purge(before: Micros, limit: number): boolean {
    return this.#delete(this.#entries.filter(({ time }) => time < before).slice(0, limit), limit);
  }

  purgeExcess({ project, entriesMax }: AuditExcess, limit: number): boolean {
    const own = this.#entries.filter((entry) => (entry.project?.ref ?? null) === project);
    const excess = own.slice(0, Math.max(0, own.length - entriesMax));
    return this.#delete(excess.slice(0, limit), limit);
  }

  #delete(gone: readonly AuditEntry[], limit: number): boolean {
    this.#entries = this.#entries.filter((entry) => !gone.includes(entry));
    return gone.length === limit;
  }
}

function matches(entry: AuditEntry, query: AuditQuery): boolean {
  const { project, actor, operation, resource, outcome, after, before } = query;
  const { kind, id } = entry.caller.actor;
  const is = (wanted: unknown, ...those: readonly unknown[]) =>
    wanted === undefined || wanted === null || those.includes(wanted);
  return (
    is(project, entry.project?.ref) &&
    is(actor, actor === 'operator' || actor === 'system' ? kind : id) &&
    is(operation, entry.operation) &&
    is(resource, entry.resource?.id, entry.resource?.name) &&
    is(outcome, entry.outcome) &&
    (after === undefined || entry.time >= after) &&
    (before === undefined || entry.time < before)
  );
}
