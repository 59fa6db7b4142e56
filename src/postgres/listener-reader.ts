/**
 * Look-ups of listeners by statements of our own, since they are many; lists, which are rare, by Prisma Client, which is
 * loaded with the first of them. Rows are written by the append. A row is small, its spec may not be: a page is cut by
 * what the specs take, and then its listeners are read.
 */

import type { LabelledRequest, ListenerDirectory, ListenerQuery } from '../core/directories.ts';
import type { Listener, ListenerSecrets } from '../core/listener.ts';
import type { PageItems, SizedPageRequest } from '../core/page.ts';
import type { ProjectRef } from '../core/project.ts';
import { itemBytes, takeBytes } from '../core/sizes.ts';
import type { Micros } from '../core/time.ts';
import type { ClosedNames } from './closed-names.ts';
import type { Database, Reads, Statement } from './database.ts';
import { labelledStatement } from './label-digests.ts';
import type { LazyPrisma } from './lazy-prisma.ts';
import { type ListenerSize, listenerSizes } from './listener-list.ts';
import { listenerSource, nodeOfListener, parseListener } from './listener-rows.ts';
import type { NodeDirectory } from './node-directory.ts';
import type { ProjectReader } from './project-reads.ts';
import { isUuid } from './rows.ts';
import type { SecretCipher } from './secret-cipher.ts';
import { openSecrets, readSecrets } from './secret-rows.ts';

const byIdText = `${listenerSource} WHERE l.project = $1::integer AND l.id = $2::uuid`;
const byNameText = `${listenerSource} WHERE l.project = $1::integer AND l.name = $2 AND l.is_live`;
const byIdsText = `${listenerSource} WHERE l.id = ANY ($1::uuid[])`;

const ownText = `SELECT id, spec_bytes FROM listeners
  WHERE node = $1::integer AND is_live AND ($2::uuid IS NULL OR id > $2::uuid) ORDER BY id LIMIT $3::bigint`;

const endedText = `${listenerSource}
  WHERE l.node = $1::integer AND l.closed_at >= $2::bigint ORDER BY l.closed_at DESC LIMIT $3::bigint`;

/** Of ids made one after the other the highest is the newest. */
const idsText = `SELECT coalesce(
    (SELECT l.id FROM listeners l WHERE l.project = $3::integer AND l.id = k.id),
    (SELECT l.id FROM listeners l WHERE l.project = $3::integer AND l.name = k.name AND l.is_live),
    (SELECT l.id FROM listeners l WHERE l.project = $3::integer AND l.name = k.name AND NOT l.is_live
      ORDER BY l.id DESC LIMIT 1)
  ) FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY k(id, name, place) ORDER BY k.place`;

const namesText = `SELECT id, name, NOT is_live FROM listeners
  WHERE project = $2::integer AND id = ANY ($1::uuid[])`;

/** Beside the log, of one row and by nobody but its node: its revision stays. */
const observedText = `UPDATE listeners SET observed_generation = $3::integer
  WHERE project = $1::integer AND id = $2::uuid AND generation = $3::integer`;

type NameRow = readonly [id: string, name: string | null, isClosed: boolean];

interface ListenerRowsOptions {
  readonly database: Database;
  readonly nodes: NodeDirectory;
  readonly cipher: SecretCipher;
  readonly prisma: LazyPrisma;
  readonly closedNames: ClosedNames;
}

/** Rows of listeners, of any project. */
export class ListenerRows {
  readonly #database: Database;
  readonly #nodes: NodeDirectory;
  readonly #cipher: SecretCipher;
  readonly prisma: LazyPrisma;
  readonly closedNames: ClosedNames;

  constructor({ database, nodes, cipher, prisma, closedNames }: ListenerRowsOptions) {
    this.#database = database;
    this.#nodes = nodes;
    this.#cipher = cipher;
    this.prisma = prisma;
    this.closedNames = closedNames;
  }

  /** By who reads; what a node reads of its own is no project's. */
  async read(statement: Statement, reads: Reads = this.#database): Promise<readonly Listener[]> {
    const rows = await reads.query(statement);
    const nodeIds = await this.#nodes.with(rows.map(nodeOfListener));
    return rows.map((row) => parseListener(row, nodeIds));
  }

  /** In the order of the ids. One that is gone since it was counted is left out. */
  async whole(ids: readonly string[], reads?: Reads): Promise<readonly Listener[]> {
    if (ids.length === 0) return [];
    const statement = { name: 'listeners', text: byIdsText, values: [ids] };
    const listeners = await this.read(statement, reads);
    const byId = new Map(listeners.map((listener) => [listener.id, listener]));
    return ids.flatMap((id) => byId.get(id) ?? []);
  }

  /** Of a node, of all projects: the last so many that ended since then, in the order of their ends. */
  async ended(node: number, since: Micros, limit: number): Promise<readonly Listener[]> {
    const values = [node, since, limit];
    return (await this.read({ text: endedText, values })).toReversed();
  }

  /** Of a node, of all projects: not closed, in id order. */
  async own(
    node: number,
    { after, pageSize, bytesMax }: SizedPageRequest,
  ): Promise<readonly (Listener & { readonly secrets: ListenerSecrets })[]> {
    const values = [node, after, pageSize];
    const rows = await this.#database.query({ name: 'own listeners', text: ownText, values });
    const sizes = (rows as readonly (readonly [string, number])[]).map(([id, specBytes]) => ({
      id,
      specBytes,
    }));
    const ids = takeBytes(sizes, bytesOf, bytesMax).map(({ id }) => id);
    const secretsOf = await readSecrets(this.#database, ids);
    return (await this.whole(ids)).map((listener) => ({
      ...listener,
      secrets: openSecrets(secretsOf.get(listener.id), listener, this.#cipher),
    }));
  }
}

/** Of one project. */
export class ListenerReader implements ListenerDirectory {
  readonly #reads: ProjectReader;
  readonly #rows: ListenerRows;
  readonly #project: ProjectRef;

  constructor(reads: ProjectReader, rows: ListenerRows, project: ProjectRef) {
    this.#reads = reads;
    this.#rows = rows;
    this.#project = project;
  }

  async find(idOrName: string): Promise<Listener | null> {
    const values = [this.#project, idOrName];
    const statement = isUuid(idOrName)
      ? { name: 'listener by id', text: byIdText, values }
      : { name: 'listener by name', text: byNameText, values };
    const [listener] = await this.#rows.read(statement, this.#reads);
    return listener ?? null;
  }

  async findIds(idsOrNames: readonly string[]): Promise<readonly (string | null)[]> {
    const values = [
      idsOrNames.map((one) => (isUuid(one) ? one : null)),
      idsOrNames.map((one) => (isUuid(one) ? null : one)),
      this.#project,
    ];
    const rows = await this.#reads.query({ name: 'listener ids', text: idsText, values });
    return rows.map(([id]) => id as string | null);
  }

  async findNames(ids: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
    const { closedNames } = this.#rows;
    const names = new Map<string, string | null>();
    const others: string[] = [];
    for (const id of ids) {
      const name = closedNames.get(this.#project, id);
      if (name === undefined) others.push(id);
      else names.set(id, name);
    }
    if (others.length === 0) return names;
    const values = [others, this.#project];
    const rows = await this.#reads.query({ name: 'listener names', text: namesText, values });
    for (const [id, name, isClosed] of rows as readonly NameRow[]) {
      names.set(id, name);
      if (isClosed) closedNames.add(this.#project, id, name);
    }
    return names;
  }

  async findLabelledIds(request: LabelledRequest): Promise<readonly string[]> {
    const rows = await this.#reads.query(labelledStatement(this.#project, request));
    return rows.map(([id]) => id as string);
  }

  async observed(id: string, generation: number): Promise<void> {
    const values = [this.#project, id, generation];
    await this.#reads.query({ name: 'observed', text: observedText, values });
  }

  async list(query: ListenerQuery, page: SizedPageRequest): Promise<PageItems<Listener>> {
    const sizes = await listenerSizes(this.#rows.prisma, this.#project, query, page);
    const taken = takeBytes(sizes.slice(0, page.pageSize), bytesOf, page.bytesMax);
    const items = await this.#rows.whole(
      taken.map(({ id }) => id),
      this.#reads.upTo(taken.length),
    );
    return { items, hasMore: taken.length < sizes.length };
  }
}

function bytesOf({ specBytes }: ListenerSize): number {
  return itemBytes + specBytes;
}
