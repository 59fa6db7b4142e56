/**
 * The oracle: clients that note what they saw themselves. Each connects from a source address of its own,
 * so that its one connection is known by it in the record.
 */
import { connect, type Socket } from 'node:net';
import type { Random } from './random.ts';

export const behaviours = ['talk', 'half_close', 'reset', 'linger', 'silent'] as const;
export type Behaviour = (typeof behaviours)[number];

export interface Visit {
  readonly ip: string;
  readonly port: number;
  readonly behaviour: Behaviour;
  readonly begunAt: number;
  /** Whole echoes that came back, and their bytes. */
  echoed: number;
  sentBytes: number;
  receivedBytes: number;
  /** The echo was not what was sent: the worst of all. */
  isCorrupt: boolean;
  isConnected: boolean;
  sawEnd: boolean;
  error: string | null;
  endedAt: number | null;
}

const visitTimeoutMs = 8000;

/** Source addresses 127.1.0.1 and up, one a visit: 16 million before one comes again. */
export class Clients {
  readonly visits: Visit[] = [];
  readonly #random: Random;
  readonly #open = new Set<Socket>();
  #next = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  #sourceIp(): string {
    const n = this.#next++;
    return `127.${1 + ((n >> 16) % 250)}.${(n >> 8) & 255}.${n & 255}`;
  }

  /** Resolves when the client is through, however it went. */
  visit(port: number): Promise<Visit> {
    const visit: Visit = {
      ip: this.#sourceIp(),
      port,
      behaviour: this.#random.pick(behaviours),
      begunAt: performance.now(),
      echoed: 0,
      sentBytes: 0,
      receivedBytes: 0,
      isCorrupt: false,
      isConnected: false,
      sawEnd: false,
      error: null,
      endedAt: null,
    };
    this.visits.push(visit);
    const messages = this.#random.between(1, 5);
    const size = this.#random.pick([1, 16, 1000, 40_000]);
    const holdMs = this.#random.between(0, 1500);
    return new Promise((resolve) => this.#run(visit, { messages, size, holdMs }, resolve));
  }

  #run(
    visit: Visit,
    plan: { messages: number; size: number; holdMs: number },
    done: (visit: Visit) => void,
  ): void {
    const socket = connect({
      port: visit.port,
      host: '127.0.0.1',
      localAddress: visit.ip,
      allowHalfOpen: true,
    });
    this.#open.add(socket);
    const expected = Buffer.alloc(plan.size, visit.ip);
    let pending = 0;
    const send = () => {
      pending = plan.size;
      visit.sentBytes += plan.size;
      socket.write(expected);
    };
    socket.setTimeout(visitTimeoutMs, () => socket.destroy(new Error('timed out')));
    socket.on('connect', () => {
      visit.isConnected = true;
      if (visit.behaviour === 'silent') setTimeout(() => socket.end(), plan.holdMs);
      else send();
    });
    socket.on('data', (data: Buffer) => {
      const at = plan.size - pending;
      visit.receivedBytes += data.length;
      if (!data.equals(expected.subarray(at, at + data.length))) visit.isCorrupt = true;
      pending -= data.length;
      if (pending > 0) return;
      visit.echoed += 1;
      if (visit.echoed < plan.messages) send();
      else this.#leave(socket, visit.behaviour, plan.holdMs);
    });
    socket.on('end', () => {
      visit.sawEnd = true;
      socket.end();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      visit.error = error.code ?? error.message;
    });
    socket.on('close', () => {
      visit.endedAt = performance.now();
      this.#open.delete(socket);
      done(visit);
    });
  }

  #leave(socket: Socket, behaviour: Behaviour, holdMs: number): void {
    if (behaviour === 'reset') socket.resetAndDestroy();
    else if (behaviour === 'linger') setTimeout(() => socket.end(), holdMs);
    else socket.end();
  }
}
