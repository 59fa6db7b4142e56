/**
 * Look-ups and lists of listeners, through Prisma Client where it can say them; their rows are written by the append. The rows are small.
 * Their specs may not be: a page is cut by what they take, and then they are read.
 */
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../../generated/prisma/client.ts';
import type { Listener, ListenerSecrets } from '../core/listener.ts';
import type { PageItems, SizedPageRequest } from '../core/page.ts';
import type { ProjectRef } from '../core/project.ts';
import { itemBytes, type SpecBody, takeBytes } from '../core/sizes.ts';
import type { LabelledRequest, ListenerDirectory, ListenerQuery } from '../core/store.ts';
import type { Database } from './database.ts';
import { toAppError } from './database-errors.ts';
import { type ListenerRow, parseListener, parseSpec, specColumns } from './listener-rows.ts';
import type { NodeDirectory } from './node-directory.ts';
import { isUuid } from './rows.ts';

const counts = { counts: true } as const;

const specsText = `SELECT s.listener_id, ${specColumns('s')}
  FROM unnest($1::uuid[], $2::integer[]) k(id, generation)
  JOIN listener_specs s ON s.listener_id = k.id AND s.generation = k.generation`;

/** Of ids made one after the other the highest is the newest. */
const idsText = `SELECT coalesce(
    (SELECT l.id FROM listeners l WHERE l.project = $3::integer AND l.id = k.id),
    (SELECT l.id FROM listeners l WHERE l.project = $3::integer AND l.name = k.name AND l.is_live),
    (SELECT l.id FROM listeners l WHERE l.project = $3::integer AND l.name = k.name AND NOT l.is_live
      ORDER BY l.id DESC LIMIT 1)
  ) FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY k(id, name, place) ORDER BY k.place`;

const namesText = `SELECT id, name FROM listeners
  WHERE project = $2::integer AND id = ANY ($1::uuid[])`;

/**
 * A listener has a spec for each generation, and carries the labels of its last. OFFSET 0 keeps the planner from a walk
 * over all specs, which it would take for the quickest way to the first few; the index is read only as far as the limit.
 */
const labelledText = `SELECT l.id FROM (
    SELECT s.listener_id, s.generation FROM listener_specs s WHERE s.labels @> $1::jsonb OFFSET 0
  ) s JOIN listeners l ON l.id = s.listener_id AND l.generation = s.generation
  WHERE l.project = $3::integer LIMIT $2::bigint`;
const labelledAmongText = `SELECT l.id FROM listeners l
  JOIN listener_specs s ON s.listener_id = l.id AND s.generation = l.generation
  WHERE l.project = $3::integer AND l.id = ANY ($4::uuid[]) AND s.labels @> $1::jsonb LIMIT $2::bigint`;

/** Rows of listeners, of any project. */
export class ListenerRows {
  readonly #database: Database;
  readonly #prisma: PrismaClient;
  readonly #nodes: NodeDirectory;

  /** Prisma names the schema in every statement; all others leave it to the search path. */
  constructor(database: Database, nodes: NodeDirectory, schema: string) {
    this.#database = database;
    this.#prisma = new PrismaClient({ adapter: new PrismaPg(database.prismaPool, { schema }) });
    this.#nodes = nodes;
  }

  async ask<Result>(query: (prisma: PrismaClient) => Promise<Result>): Promise<Result> {
    try {
      return await query(this.#prisma);
    } catch (error) {
      throw toAppError(error);
    }
  }

  /** With their specs. One whose spec is gone is gone itself since its row was read. */
  async whole(rows: readonly ListenerRow[]): Promise<readonly Listener[]> {
    if (rows.length === 0) return [];
    const values = [rows.map(({ id }) => id), rows.map(({ generation }) => generation)];
    const found = await this.#database.query({ name: 'specs', text: specsText, values });
    const specs = new Map<unknown, SpecBody | null>(
      found.map((row) => [row[0], parseSpec(row, 1)]),
    );
    const nodeIds = await this.#nodes.with(rows.map((row) => row.node));
    return rows.flatMap((row) => {
      const spec = specs.get(row.id) ?? null;
      return spec === null ? [] : [parseListener(row, spec, nodeIds)];
    });
  }

  /** Of a node, of all projects: not closed, in id order. */
  async own(
    node: number,
    page: SizedPageRequest,
  ): Promise<readonly (Listener & { readonly secrets: ListenerSecrets })[]> {
    const rows = await this.ask((prisma) =>
      prisma.listener.findMany({
        where: { node, isLive: true, ...(page.after === null ? {} : { id: { gt: page.after } }) },
        include: counts,
        orderBy: { id: 'asc' },
        take: page.pageSize,
      }),
    );
    const taken = takeBytes(rows, bytesOf, page.bytesMax);
    const ids = taken.map(({ id }) => id);
    const keys = await this.ask((prisma) =>
      prisma.listenerSecrets.findMany({ where: { listenerId: { in: ids } } }),
    );
    const keyOf = new Map(keys.map(({ listenerId, tlsKey }) => [listenerId, tlsKey]));
    return (await this.whole(taken)).map((listener) => ({
      ...listener,
      secrets: { tlsKey: keyOf.get(listener.id) ?? null },
    }));
  }
}

/** Of one project. */
export class ListenerReader implements ListenerDirectory {
  readonly #database: Database;
  readonly #rows: ListenerRows;
  readonly #project: ProjectRef;

  constructor(database: Database, rows: ListenerRows, project: ProjectRef) {
    this.#database = database;
    this.#rows = rows;
    this.#project = project;
  }

  async find(idOrName: string): Promise<Listener | null> {
    const named = isUuid(idOrName) ? { id: idOrName } : { name: idOrName, isLive: true };
    const where = { project: this.#project, ...named };
    const row = await this.#rows.ask((prisma) =>
      prisma.listener.findFirst({ where, include: counts }),
    );
    const [listener] = await this.#rows.whole(row === null ? [] : [row]);
    return listener ?? null;
  }

  async findIds(idsOrNames: readonly string[]): Promise<readonly (string | null)[]> {
    const values = [
      idsOrNames.map((one) => (isUuid(one) ? one : null)),
      idsOrNames.map((one) => (isUuid(one) ? null : one)),
      this.#project,
    ];
    const rows = await this.#database.query({ name: 'listener ids', text: idsText, values });
    return rows.map(([id]) => id as string | null);
  }

  async findNames(ids: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
    const statement = { name: 'listener names', text: namesText, values: [ids, this.#project] };
    const rows = await this.#database.query(statement);
    return new Map(rows as readonly (readonly [id: string, name: string | null])[]);
  }

  async findLabelledIds({ labels, among, limit }: LabelledRequest): Promise<readonly string[]> {
    const values = [JSON.stringify(labels), limit, this.#project];
    const statement =
      among === null
        ? { name: 'labelled', text: labelledText, values }
        : { name: 'labelled among', text: labelledAmongText, values: [...values, among] };
    const rows = await this.#database.query(statement);
    return rows.map(([id]) => id as string);
  }

  async list(query: ListenerQuery, page: SizedPageRequest): Promise<PageItems<Listener>> {
    const { state, protocol, port, name, labels } = query;
    const wanted = Object.entries(labels).map(([key, value]) => ({
      spec: { is: { labels: { path: [key], equals: value } } },
    }));
    const rows = await this.#rows.ask((prisma) =>
      prisma.listener.findMany({
        where: {
          project: this.#project,
          ...(page.after === null ? {} : { id: { lt: page.after } }),
          isLive: state !== 'closed',
          ...(state === null ? {} : { state }),
          ...(protocol === null ? {} : { protocol }),
          ...(name === null ? {} : { name }),
          ...(port === null ? {} : { OR: [{ lport: port }, { lport: null, port }] }),
          AND: wanted,
        },
        include: counts,
        orderBy: { id: 'desc' },
        take: page.pageSize + 1,
      }),
    );
    const taken = takeBytes(rows.slice(0, page.pageSize), bytesOf, page.bytesMax);
    return { items: await this.#rows.whole(taken), hasMore: taken.length < rows.length };
  }
}

function bytesOf({ specBytes }: ListenerRow): number {
  return itemBytes + specBytes;
}
