/** The connections that are open on this host, as last reported: of a worker that is lost nobody else tells their end. */
import { type Connection, closedFields, openConnection } from '../core/connection.ts';
import type { WorkerRecord } from '../core/record.ts';
import type { Micros } from '../core/time.ts';

/** What its end will tell of it, as far as it is known. */
type Known = Pick<Connection, (typeof closedFields)[number]>;

export class KnownConnections {
  /** By the id of their worker, and their own. */
  readonly #known = new Map<string, Map<string, Known>>();

  get size(): number {
    let sum = 0;
    for (const { size } of this.#known.values()) sum += size;
    return sum;
  }

  /** Null where no worker has it. */
  workerOf(connectionId: string): string | null {
    for (const [workerId, known] of this.#known) if (known.has(connectionId)) return workerId;
    return null;
  }

  learn(workerId: string, records: readonly WorkerRecord[]): void {
    const known = this.#known.get(workerId) ?? new Map<string, Known>();
    this.#known.set(workerId, known);
    for (const record of records) {
      if (record.kind === 'refused') continue;
      const { id } = record.connection;
      if (record.kind === 'closed') known.delete(id);
      else if (record.kind === 'opened') known.set(id, toldAtEnd(record.connection));
      else {
        const before = known.get(id);
        if (before !== undefined) known.set(id, { ...before, ...record.connection });
      }
    }
  }

  /** Forgets what the worker had; their ends. */
  lose(workerId: string, closedAt: Micros): readonly WorkerRecord[] {
    const lost = this.#known.get(workerId)?.values() ?? [];
    this.#known.delete(workerId);
    const end = { closedAt, closeInitiator: 'system', closeReason: 'worker_crashed' } as const;
    return [...lost].map((known) => ({ kind: 'closed', connection: { ...known, ...end } }));
  }
}

function toldAtEnd(accepted: Parameters<typeof openConnection>[0]): Known {
  const open = openConnection(accepted, '');
  return Object.fromEntries(closedFields.map((field) => [field, open[field]])) as Known;
}
