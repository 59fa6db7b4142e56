/** What can be read of the audit: a key sees its project's, an operator also that of all. */
import type { AuditEntry, AuditLog, AuditQuery } from '../core/audit.ts';
import type { Caller } from '../core/caller.ts';
import {
  listPage,
  type Page,
  type PageAsk,
  type PageItems,
  type PageRequest,
} from '../core/page.ts';
import { itemBytes, jsonBytes, takeBytes } from '../core/sizes.ts';
import { whileThere } from '../core/while-there.ts';
import type { ProjectCases } from './projects.ts';

export interface AuditCasesOptions {
  readonly log: Pick<AuditLog, 'list'>;
  readonly projects: Pick<ProjectCases, 'seenBy'>;
  /** A page ends with the entry with which it holds so many bytes. */
  readonly pageBytesMax: number;
}

/** An entry as it is told. */
export type ToldEntry = Omit<AuditEntry, 'project' | 'caller'> &
  AuditEntry['caller'] & { readonly project: string | null };

export class AuditCases {
  readonly #options: AuditCasesOptions;

  constructor(options: AuditCasesOptions) {
    this.#options = options;
  }

  /** Newest first. @throws not_found, invalid_argument for another query's token, unavailable */
  async list(
    caller: Caller,
    query: Omit<AuditQuery, 'project'>,
    ask: PageAsk,
  ): Promise<Page<ToldEntry>> {
    const project = await this.#options.projects.seenBy(caller);
    const asked = { kind: 'audit', project, ...query };
    const page = listPage(asked, ask, (one) => this.#read({ project, ...query }, one));
    const { items, nextPageToken } = await whileThere(caller, page);
    return { items: items.map(told), nextPageToken };
  }

  async #read(query: AuditQuery, page: PageRequest): Promise<PageItems<AuditEntry>> {
    const { log, pageBytesMax } = this.#options;
    const { items: found, hasMore } = await log.list(query, page);
    const items = takeBytes(found, ({ change }) => itemBytes + jsonBytes(change), pageBytesMax);
    return { items, hasMore: hasMore || items.length < found.length };
  }
}

function told({ project, caller, ...entry }: AuditEntry): ToldEntry {
  return { ...entry, ...caller, project: project?.name ?? null };
}
