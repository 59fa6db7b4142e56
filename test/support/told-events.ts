/** What a data plane told, in order. */
import type { DataPlaneEvents, Observed } from '../../src/core/ports.ts';
import type { StepRecord, WorkerRecord } from '../../src/core/record.ts';

type Told =
  | { readonly kind: 'record'; readonly workerId: string; readonly record: WorkerRecord }
  | { readonly kind: 'lost'; readonly workerId: string }
  | { readonly kind: 'observed'; readonly observed: Observed };

export class ToldEvents implements DataPlaneEvents {
  readonly #told: Told[] = [];
  /** Connections, by id: the listener of each. */
  readonly #listenerOf = new Map<string, string>();
  #atLoss: () => void = () => undefined;

  async onRecords(workerId: string, records: readonly WorkerRecord[]): Promise<void> {
    for (const record of records) {
      this.#told.push({ kind: 'record', workerId, record });
      if (record.kind !== 'opened') continue;
      this.#listenerOf.set(record.connection.id, record.connection.listenerId);
    }
  }

  onWorkerLost(workerId: string): void {
    this.#told.push({ kind: 'lost', workerId });
    this.#atLoss();
  }

  onObserved(observed: Observed): void {
    this.#told.push({ kind: 'observed', observed });
  }

  /** What was observed of the listener, in order. */
  observedOf(listenerId: string): readonly Observed[] {
    return this.#told.flatMap((one) =>
      one.kind === 'observed' && one.observed.listenerId === listenerId ? [one.observed] : [],
    );
  }

  get lost(): readonly string[] {
    return this.#told.flatMap((one) => (one.kind === 'lost' ? [one.workerId] : []));
  }

  /** Does it within the call that tells of the next loss. */
  atLoss<Result>(act: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve) => {
      this.#atLoss = () => resolve(act());
    });
  }

  /** The steps in the lives of a listener's connections, but for half-closes, and who was refused there. */
  of(listenerId: string, { untilGone = false } = {}): readonly StepRecord[] {
    const told = untilGone ? this.#told.slice(0, this.#goneAt(listenerId)) : this.#told;
    return told.flatMap((one) => {
      if (one.kind !== 'record') return [];
      const { record } = one;
      if (record.kind === 'counters' || record.kind === 'half_closed') return [];
      return this.#listenerIdOf(record) === listenerId ? [record] : [];
    });
  }

  #goneAt(listenerId: string): number {
    return this.#told.findIndex(
      (one) =>
        one.kind === 'observed' &&
        one.observed.listenerId === listenerId &&
        one.observed.state === 'gone',
    );
  }

  #listenerIdOf(record: Exclude<StepRecord, { kind: 'half_closed' }>): string | undefined {
    if (record.kind === 'refused') return record.listenerId;
    return this.#listenerOf.get(record.connection.id);
  }

  /** How many connections were opened on this port. */
  openedOn(port: number): number {
    return this.#told.filter(
      (one) =>
        one.kind === 'record' &&
        one.record.kind === 'opened' &&
        one.record.connection.laddr.port === port,
    ).length;
  }

  /** Where the last of the listener's connections was opened. */
  placeOf(listenerId: string): { workerId: string; connectionId: string } {
    for (const one of this.#told.toReversed()) {
      if (one.kind !== 'record' || one.record.kind !== 'opened') continue;
      const { connection } = one.record;
      if (connection.listenerId !== listenerId) continue;
      return { workerId: one.workerId, connectionId: connection.id };
    }
    throw new Error('no connection of this listener was told of');
  }

  /** Nothing was told of this worker after its loss. */
  isAllBeforeLoss(workerId: string): boolean {
    const ofWorker = (one: Told) => one.kind !== 'observed' && one.workerId === workerId;
    return this.#told.findLast(ofWorker)?.kind === 'lost';
  }
}
