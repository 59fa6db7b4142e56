/** The projects that there are. One that is being deleted is a caller's no more. */
import type { Prisma, Project as Row } from '../../generated/prisma/client.ts';
import { AppError, limitReached } from '../core/errors.ts';
import { type PageItems, type PageRequest, readWithNext } from '../core/page.ts';
import { type ProjectRef, projectRef } from '../core/project.ts';
import {
  type NamedTerms,
  noQuotas,
  type QuotaName,
  type Quotas,
  type QuotaUse,
} from '../core/quotas.ts';
import type { ProjectDirectory } from '../core/store.ts';
import type { NewProject } from '../tenancy/project.ts';
import { noProject } from '../tenancy/projects.ts';
import type { AuditOf, KnownProject, ProjectRows as Port } from '../tenancy/store.ts';
import { auditRow } from './audit-rows.ts';
import type { Database } from './database.ts';
import { isTaken, type LazyPrisma, type Transaction } from './lazy-prisma.ts';

/** What is used of the quotas that are counted in the database. */
const usesSql = `SELECT h.listeners,
  (SELECT count(*) FROM api_keys k WHERE k.project = h.project AND k.revoked_at IS NULL
    AND (k.expires_at IS NULL OR k.expires_at > extract(epoch FROM clock_timestamp()) * 1000000)),
  (SELECT count(*) FROM join_tokens t WHERE t.project = h.project AND t.revoked_at IS NULL AND t.uses < t.uses_max
    AND t.expires_at > extract(epoch FROM clock_timestamp()) * 1000000),
  (SELECT count(*) FROM nodes n WHERE n.project = h.project AND NOT n.is_built_in AND n.state <> 'removed'),
  (SELECT coalesce(sum(c.open_connections), 0) FROM listeners l JOIN listener_counts c ON c.listener_id = l.id
    WHERE l.project = h.project AND l.is_live),
  h.seq - h.oldest_seq + 1
FROM log_heads h WHERE h.project = $1::integer`;
const usesCounted: readonly QuotaName[] = [
  'listeners',
  'keys',
  'joinTokens',
  'nodes',
  'openConnections',
  'eventsKept',
];

type TermsRow = readonly [
  ref: number,
  name: string,
  quotas: Partial<Quotas>,
  bindHosts: readonly string[],
];

export class ProjectRows implements ProjectDirectory, Port {
  readonly #database: Database;
  readonly #prisma: LazyPrisma;
  readonly #projectsMax: number;

  constructor(database: Database, prisma: LazyPrisma, { projectsMax }: { projectsMax: number }) {
    this.#database = database;
    this.#prisma = prisma;
    this.#projectsMax = projectsMax;
  }

  async findRef(name: string): Promise<ProjectRef | null> {
    const text = "SELECT ref FROM projects WHERE name = $1 AND state = 'active'";
    const [row] = await this.#database.query({ name: 'project', text, values: [name] });
    return row === undefined ? null : projectRef(row[0] as number);
  }

  async all(): Promise<readonly ProjectRef[]> {
    const text = 'SELECT project FROM log_heads ORDER BY project';
    const rows = await this.#database.query({ name: 'projects', text });
    return rows.map(([ref]) => projectRef(ref as number));
  }

  async terms(): Promise<readonly NamedTerms[]> {
    const text = 'SELECT ref, name, quotas, bind_hosts FROM projects';
    const rows = await this.#database.query({ name: 'terms', text });
    return (rows as readonly TermsRow[]).map(([ref, name, quotas, bindHosts]) => ({
      ...{ ref: projectRef(ref), name },
      terms: { quotas: { ...noQuotas, ...quotas }, bindHosts: orNull(bindHosts) },
    }));
  }

  async countListeners(project: ProjectRef): Promise<number> {
    const text = 'SELECT listeners FROM log_heads WHERE project = $1::integer';
    const [row] = await this.#database.query({ name: 'listener count', text, values: [project] });
    return Number(row?.[0] ?? 0);
  }

  async create(
    given: NewProject & { readonly id: string },
    now: number,
    audit: AuditOf<KnownProject>,
  ): Promise<KnownProject> {
    const { id, name, displayName, quotas, bindHosts } = given;
    const times = { createdAt: BigInt(now), updatedAt: BigInt(now) };
    const data = { id, name, displayName, quotas, bindHosts: [...(bindHosts ?? [])], ...times };
    try {
      return await this.#prisma.transaction(null, async (transaction) => {
        await this.#assertRoom(transaction);
        const project = projectOf(await transaction.project.create({ data }));
        const { ref } = project;
        await transaction.$executeRaw`
          INSERT INTO log_heads (project, listeners, seq, oldest_seq, max_time, marked_seq, bytes, listeners_max)
          VALUES (${ref}, 0, 0, 1, 0, 0, 0, ${listenersMaxOf(project)}::integer)`;
        await transaction.auditEntry.create({ data: auditRow(audit(null, project)) });
        return project;
      });
    } catch (error) {
      if (!isTaken(error)) throw error;
      const why = `a project ${name} is there`;
      const errors = [{ path: 'name', message: why }];
      throw new AppError('already_exists', `name: ${why}`, { errors });
    }
  }

  /** The row of `default`, which is always there, is held meanwhile: so no two see the last room. */
  async #assertRoom(transaction: Transaction): Promise<void> {
    await transaction.$queryRaw`SELECT ref FROM projects WHERE ref = 1 FOR UPDATE`;
    const limitValue = this.#projectsMax;
    if ((await transaction.project.count()) < limitValue) return;
    throw limitReached('projectsMax', limitValue, `at most ${limitValue} projects`);
  }

  async find(name: string): Promise<KnownProject | null> {
    const row = await this.#prisma.run(null, (prisma) =>
      prisma.project.findUnique({ where: { name } }),
    );
    return row === null ? null : projectOf(row);
  }

  async list(page: PageRequest): Promise<PageItems<KnownProject>> {
    return await readWithNext(page, async ({ after, pageSize: take }) => {
      const where = after === null ? {} : { ref: { gt: Number(after) } };
      const rows = await this.#prisma.run(null, (prisma) =>
        prisma.project.findMany({ where, take, orderBy: { ref: 'asc' } }),
      );
      return rows.map(projectOf);
    });
  }

  async update(
    name: string,
    change: (project: KnownProject) => KnownProject,
    audit: AuditOf<KnownProject>,
  ): Promise<KnownProject> {
    return await this.#prisma.transaction(null, async (transaction) => {
      await transaction.$queryRaw`SELECT ref FROM projects WHERE name = ${name} FOR UPDATE`;
      const row = await transaction.project.findUnique({ where: { name } });
      if (row === null) throw noProject(name);
      const before = projectOf(row);
      const changed = change(before);
      if (changed === before) return before;
      const { ref, displayName, state, quotas, updatedAt } = changed;
      const data = { displayName, state, updatedAt: BigInt(updatedAt), quotas };
      const bindHosts = [...(changed.bindHosts ?? [])];
      const saved = await transaction.project.update({
        where: { ref },
        data: { ...data, bindHosts },
      });
      await transaction.$executeRaw`
        UPDATE log_heads SET listeners_max = ${listenersMaxOf({ quotas })}::integer WHERE project = ${ref}`;
      await transaction.auditEntry.create({ data: auditRow(audit(before, changed)) });
      return projectOf(saved);
    });
  }

  async uses({ ref, quotas }: KnownProject): Promise<readonly QuotaUse[]> {
    const [row = []] = await this.#database.query({ text: usesSql, values: [ref] });
    const used = new Map(usesCounted.map((name, index) => [name, Number(row[index] ?? 0)]));
    return Object.entries(quotas).map(([name, limit]) => {
      const quota = name as QuotaName;
      return { name: quota, limit, used: used.get(quota) ?? null };
    });
  }
}

function projectOf(row: Row): KnownProject {
  const { ref, id, name, displayName, state, quotas, bindHosts } = row;
  return {
    ref: projectRef(ref),
    ...{ id, name, displayName, state },
    quotas: { ...noQuotas, ...(quotas as Prisma.JsonObject as unknown as Partial<Quotas>) },
    bindHosts: orNull(bindHosts),
    createdAt: Number(row.createdAt),
    updatedAt: Number(row.updatedAt),
  };
}

/** Beside the count of listeners: there are never more than that counts, whatever more the quota allows. */
function listenersMaxOf({ quotas: { listeners } }: Pick<KnownProject, 'quotas'>): number | null {
  return listeners === null ? null : Math.min(listeners, 2 ** 31 - 1);
}

/** In the rows no hosts stand for any. */
function orNull(hosts: readonly string[]): readonly string[] | null {
  return hosts.length === 0 ? null : hosts;
}
