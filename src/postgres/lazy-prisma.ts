/** Prisma Client, for what is asked for rarely. It is loaded with the first who asks: that takes a second of CPU. */
import type { Prisma, PrismaClient } from '../../generated/prisma/client.ts';
import { unsettled } from '../core/errors.ts';
import type { Lines } from '../core/lines.ts';
import type { ProjectRef } from '../core/project.ts';
import type { Database } from './database.ts';
import { toAppError } from './database-errors.ts';

export type Transaction = Prisma.TransactionClient;

/** Of rows that a few people change now and then. */
const transactionTimeoutMs = 10_000;

export class LazyPrisma {
  readonly #database: Database;
  readonly #schema: string;
  readonly #lines: Lines<ProjectRef | null>;
  #client: Promise<PrismaClient> | null = null;

  /** It names the schema in every statement; all others leave it to the search path. */
  constructor(database: Database, schema: string, lines: Lines<ProjectRef | null>) {
    this.#database = database;
    this.#schema = schema;
    this.#lines = lines;
  }

  /** In the line of the project that asks; null: of none. @throws unavailable */
  async run<Result>(
    project: ProjectRef | null,
    work: (prisma: PrismaClient) => Promise<Result>,
  ): Promise<Result> {
    using _place = await this.#lines.take(project);
    this.#client ??= this.#load();
    const client = await this.#client;
    try {
      return await work(client);
    } catch (error) {
      throw toAppError(error);
    }
  }

  /** All of it, or nothing. @throws Unsettled where it is away: a commit may have no answer; what the work throws */
  async transaction<Result>(
    project: ProjectRef | null,
    work: (transaction: Transaction) => Promise<Result>,
  ): Promise<Result> {
    const limits = { timeout: transactionTimeoutMs, maxWait: transactionTimeoutMs };
    try {
      return await this.run(project, (prisma) => prisma.$transaction(work, limits));
    } catch (error) {
      throw unsettled(error);
    }
  }

  async #load(): Promise<PrismaClient> {
    const [{ PrismaClient }, { PrismaPg }] = await Promise.all([
      import('../../generated/prisma/client.ts'),
      import('@prisma/adapter-pg'),
    ]);
    const adapter = new PrismaPg(this.#database.prismaPool, { schema: this.#schema });
    return new PrismaClient({ adapter });
  }
}

/** Whether a row was refused since another has its name. */
export function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'P2002';
}
