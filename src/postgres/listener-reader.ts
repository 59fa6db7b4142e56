/** Look-ups and lists of listeners, through Prisma Client. Their rows are written by the append. */
import { PrismaPg } from '@prisma/adapter-pg';
import type { Listener, ListenerSecrets } from '../core/listener.ts';
import type { PageRequest } from '../core/page.ts';
import type { ListenerQuery } from '../core/ports.ts';
import type { Database } from './database.ts';
import { toAppError } from './database-errors.ts';
import { PrismaClient } from './generated/client.ts';
import type { NodeDirectory } from './node-directory.ts';
import { isUuid, parseListener } from './rows.ts';

const counts = { counts: true } as const;

export class ListenerReader {
  readonly #prisma: PrismaClient;
  readonly #nodes: NodeDirectory;

  /** Prisma names the schema in every statement; all others leave it to the search path. */
  constructor(database: Database, nodes: NodeDirectory, schema: string) {
    this.#prisma = new PrismaClient({ adapter: new PrismaPg(database.prismaPool, { schema }) });
    this.#nodes = nodes;
  }

  async find(idOrName: string): Promise<Listener | null> {
    const where = isUuid(idOrName) ? { id: idOrName } : { name: idOrName, isLive: true };
    const row = await this.#ask((prisma) => prisma.listener.findFirst({ where, include: counts }));
    return row === null ? null : parseListener(row, await this.#nodes.with([row.node]));
  }

  async list(query: ListenerQuery, page: PageRequest): Promise<readonly Listener[]> {
    const { state, protocol, port, labels } = query;
    const rows = await this.#ask((prisma) =>
      prisma.listener.findMany({
        where: {
          ...(page.after === null ? {} : { id: { lt: page.after } }),
          isLive: state !== 'closed',
          ...(state === null ? {} : { state }),
          ...(protocol === null ? {} : { protocol }),
          ...(port === null ? {} : { OR: [{ lport: port }, { lport: null, port }] }),
          AND: Object.entries(labels).map(([key, value]) => ({
            labels: { path: [key], equals: value },
          })),
        },
        include: counts,
        orderBy: { id: 'desc' },
        take: page.pageSize,
      }),
    );
    const nodeIds = await this.#nodes.with(rows.map((row) => row.node));
    return rows.map((row) => parseListener(row, nodeIds));
  }

  async own(node: number): Promise<readonly (Listener & { readonly secrets: ListenerSecrets })[]> {
    const rows = await this.#ask((prisma) =>
      prisma.listener.findMany({
        where: { node, isLive: true },
        include: { counts: true, secrets: true },
        orderBy: { id: 'asc' },
      }),
    );
    const nodeIds = await this.#nodes.with([node]);
    return rows.map((row) => ({
      ...parseListener(row, nodeIds),
      secrets: { tlsKey: row.secrets?.tlsKey ?? null },
    }));
  }

  async #ask<Result>(query: (prisma: PrismaClient) => Promise<Result>): Promise<Result> {
    try {
      return await query(this.#prisma);
    } catch (error) {
      throw toAppError(error);
    }
  }
}
