/**
 * What the rooms of projects, keys and their audit need of the database. Each change writes its audit entry in its own
 * transaction. All methods throw `unavailable` when the database is away; each names what else it throws.
 */
import type { AuditEntry } from '../core/audit.ts';
import type { PageItems, PageRequest } from '../core/page.ts';
import type { ProjectRef } from '../core/project.ts';
import type { QuotaUse } from '../core/quotas.ts';
import type { Micros } from '../core/time.ts';
import type { ApiKey, FoundKey } from './api-key.ts';
import type { NewProject, Project } from './project.ts';

export type KnownProject = Project & { readonly ref: ProjectRef };

/** An entry that is made of what the change turned out to be. */
export type AuditOf<Thing> = (before: Thing | null, after: Thing | null) => AuditEntry;

export interface ProjectRows {
  /** @throws already_exists */
  create(
    project: NewProject & { readonly id: string },
    now: Micros,
    audit: AuditOf<KnownProject>,
  ): Promise<KnownProject>;
  /** By name, one that is being deleted too; null where there is none. */
  find(name: string): Promise<KnownProject | null>;
  /** In the order of their creation; the page key is a number. */
  list(page: PageRequest): Promise<PageItems<KnownProject>>;
  /** @throws not_found, and what `change` throws */
  update(
    name: string,
    change: (project: KnownProject) => KnownProject,
    audit: AuditOf<KnownProject>,
  ): Promise<KnownProject>;
  uses(project: KnownProject): Promise<readonly QuotaUse[]>;
}

export type DeletedProject = Pick<KnownProject, 'ref' | 'name'>;

/** What is left of projects that are being deleted. */
export interface ProjectRemoval {
  deleting(): Promise<readonly DeletedProject[]>;
  /** Whether none of its listeners and connections is open. */
  isQuiet(project: ProjectRef): Promise<boolean>;
  /** Deletes a piece of what is on record of it; resolves with whether there is more. */
  purge(project: ProjectRef, limit: number): Promise<boolean>;
  /** Nothing can be written of it any more, unless a listener came in between. */
  endLog(project: ProjectRef): Promise<void>;
  /** Its name is free; false while its log is there. */
  remove(project: ProjectRef): Promise<boolean>;
}

export interface KeyToStore extends Omit<ApiKey, 'project'> {
  readonly project: KnownProject | null;
  readonly digest: Buffer;
}

/** How a key is changed; its secrets only by a rotation. One that is done again leaves the secret of before it. */
export interface KeyChange extends ApiKey {
  readonly rotation?: { readonly id: string; readonly digest: Buffer };
}

export interface KeyRows {
  /** @throws already_exists, resource_exhausted (the project's quota of keys, or `max`) */
  create(key: KeyToStore, max: number, audit: AuditOf<ApiKey>): Promise<ApiKey>;
  /** Of the project, or of none; null where there is none. */
  find(project: ProjectRef | null, id: string): Promise<ApiKey | null>;
  /** Newest first; the page key is an id. */
  list(project: ProjectRef | null, page: PageRequest): Promise<PageItems<ApiKey>>;
  /** The change is told the id of the last rotation. @throws not_found, already_exists, and what `change` throws */
  update(
    project: ProjectRef | null,
    id: string,
    change: (key: ApiKey, rotation: string | null) => KeyChange,
    audit: AuditOf<ApiKey>,
  ): Promise<ApiKey>;
  /** By a secret's digest. */
  findByDigest(digest: Buffer): Promise<FoundKey | null>;
  /** Each as late as it is known, whoever tells it. */
  used(uses: readonly KeyUse[]): Promise<void>;
  /** Deletes at most `limit` that ended before; resolves with whether there may be more. */
  purge(before: Micros, limit: number): Promise<boolean>;
}

export interface KeyUse {
  readonly id: string;
  readonly at: Micros;
  readonly ip: string | null;
}

/** What becomes known of keys, projects and nodes that others change. */
export interface TenancyWakes {
  /** Keys, projects or nodes have changed: nothing that is remembered of them holds. Returns a function that ends it. */
  onChange(callback: () => void): () => void;
  tellChange(): void;
}

export interface TenancyStore {
  readonly projects: ProjectRows;
  readonly keys: KeyRows;
  readonly removal: ProjectRemoval;
  readonly wakes: TenancyWakes;
}
