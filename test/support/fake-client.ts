/** A client of the data plane without sockets: what it does, and what happens to it, is told as a worker tells it. */
import { randomUUID } from 'node:crypto';
import type { CloseInitiator, CloseReason } from '../../src/core/connection.ts';
import type { Refusal } from '../../src/core/event.ts';
import type { WorkerRecord } from '../../src/core/record.ts';

interface FakeClientOptions {
  readonly listenerId: string;
  readonly laddr: { readonly ip: string; readonly port: number };
  readonly pid: number;
  readonly fd: number;
  readonly report: (record: WorkerRecord) => void;
  readonly onEnd: () => void;
}

export class FakeClient implements AsyncDisposable {
  readonly id = randomUUID();
  readonly listenerId: string;
  readonly ended: Promise<void>;
  readonly #options: FakeClientOptions;
  readonly #accepted = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #state: 'waiting' | 'open' | 'ended' = 'waiting';
  #bytes = 0;

  constructor(options: FakeClientOptions) {
    this.#options = options;
    this.listenerId = options.listenerId;
    this.ended = this.#ended.promise;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  accept(): void {
    const { listenerId, laddr, pid, fd, report } = this.#options;
    const raddr = { ip: '127.0.0.1', port: 50_000 };
    const rest = { declaredRaddr: null, tls: null, acceptedAt: Date.now() * 1000 };
    const own = { id: this.id, listenerId, protocol: 'tcp', laddr, raddr, pid, fd } as const;
    report({ kind: 'opened', connection: { ...own, ...rest } });
    this.#state = 'open';
    this.#accepted.resolve();
  }

  refuse(rule: Refusal['rule']): void {
    const { listenerId, laddr, report } = this.#options;
    const refusal = { protocol: 'tcp', laddr, raddr: null, rule, count: 1 } as const;
    report({ kind: 'refused', at: Date.now() * 1000, listenerId, refusal });
    this.cut();
  }

  async echo(text: string): Promise<string> {
    await Promise.race([this.#accepted.promise, this.ended]);
    if (!this.isOpen) throw new Error('read ECONNRESET');
    this.#bytes += Buffer.byteLength(text);
    return text;
  }

  /** Its FIN. */
  end(): void {
    this.close('peer', 'peer_fin');
  }

  close(initiator: CloseInitiator, reason: CloseReason): void {
    const bytes = this.#bytes;
    const counters = {
      id: this.id,
      bytesIn: bytes,
      bytesOut: bytes,
      firstByteAt: null,
      lastByteAt: null,
    };
    const end = { closeInitiator: initiator, closeReason: reason, error: null };
    const times = { halfClosedAt: null, closedAt: Date.now() * 1000 };
    const wasOpen = this.isOpen;
    this.cut();
    if (wasOpen)
      this.#options.report({ kind: 'closed', connection: { ...counters, ...times, ...end } });
  }

  /** Over, with nothing on record. */
  cut(): void {
    this.#state = 'ended';
    this.#options.onEnd();
    this.#ended.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== 'ended') this.end();
  }
}
