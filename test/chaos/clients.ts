/**
 * The oracle: clients that note what they saw themselves. Each connects from a source address of its own,
 * so that its one connection is known by it in the record.
 */
import { connect, type Socket } from 'node:net';
import type { Random } from './random.ts';

export const behaviours = ['talk', 'half_close', 'reset', 'linger', 'silent'] as const;
/** One that stays is echoed once, and leaves when all that stay are told to. */
export type Behaviour = (typeof behaviours)[number] | 'stay';

export interface Visit {
  readonly ip: string;
  readonly port: number;
  readonly listenerId: string;
  readonly behaviour: Behaviour;
  /** performance.now(), and as a time of day in ms. */
  readonly begunAt: number;
  readonly begunTime: number;
  /** When the first byte came back; null while none did. */
  firstEchoAt: number | null;
  /** Whole echoes that came back, and their bytes. */
  echoed: number;
  sentBytes: number;
  receivedBytes: number;
  /** The echo was not what was sent: the worst of all. */
  isCorrupt: boolean;
  isConnected: boolean;
  /** It ended as its behaviour wanted, and not before. */
  hasLeft: boolean;
  sawEnd: boolean;
  error: string | null;
  endedAt: number | null;
}

interface Plan {
  readonly messages: number;
  readonly size: number;
  readonly holdMs: number;
}

const visitTimeoutMs = 8000;
const clientsPerPlace = 32 * 65_536;

/** Source addresses 127.1.0.0 and up, one a visit: 2 million for each project before one comes again. */
export class Clients {
  readonly visits: Visit[] = [];
  readonly #random: Random;
  readonly #staying = new Set<() => void>();
  #next: number;

  /** `place` tells the clients of several apart. */
  constructor(random: Random, place: number) {
    this.#random = random;
    this.#next = place * clientsPerPlace;
  }

  #sourceIp(): string {
    const n = this.#next++;
    return `127.${1 + ((n >> 16) % 250)}.${(n >> 8) & 255}.${n & 255}`;
  }

  /** Resolves when the client is through, however it went. */
  visit(
    { id: listenerId, port }: { readonly id: string; readonly port: number },
    behaviour: Behaviour = this.#random.pick(behaviours),
  ): Promise<Visit> {
    const visit: Visit = {
      ip: this.#sourceIp(),
      port,
      listenerId,
      behaviour,
      begunAt: performance.now(),
      begunTime: Date.now(),
      firstEchoAt: null,
      echoed: 0,
      sentBytes: 0,
      receivedBytes: 0,
      isCorrupt: false,
      isConnected: false,
      hasLeft: false,
      sawEnd: false,
      error: null,
      endedAt: null,
    };
    this.visits.push(visit);
    const messages = behaviour === 'stay' ? 1 : this.#random.between(1, 5);
    const size = this.#random.pick([1, 16, 1000, 40_000]);
    const holdMs = this.#random.between(0, 1500);
    return new Promise((resolve) => {
      const socket = run(visit, { messages, size, holdMs }, resolve);
      if (behaviour === 'stay') this.#staying.add(() => leave(socket, visit, 0));
    });
  }

  leaveAll(): void {
    for (const leaveOne of this.#staying) leaveOne();
    this.#staying.clear();
  }
}

function run(visit: Visit, plan: Plan, done: (visit: Visit) => void): Socket {
  const socket = connect({
    port: visit.port,
    host: '127.0.0.1',
    localAddress: visit.ip,
    allowHalfOpen: true,
  });
  const expected = Buffer.alloc(plan.size, visit.ip);
  let pending = 0;
  const send = () => {
    pending = plan.size;
    visit.sentBytes += plan.size;
    socket.write(expected);
    // FIN right behind the last message: its echo must come all the same.
    const isLast = visit.echoed === plan.messages - 1;
    if (isLast && visit.behaviour === 'half_close') leave(socket, visit, plan.holdMs);
  };
  const hasPatience = visit.behaviour === 'stay';
  if (!hasPatience) {
    socket.setTimeout(visitTimeoutMs, () => socket.destroy(new Error('timed out')));
  }
  socket.on('connect', () => {
    visit.isConnected = true;
    if (visit.behaviour === 'silent') setTimeout(leave, plan.holdMs, socket, visit, 0);
    else send();
  });
  socket.on('data', (data: Buffer) => {
    visit.firstEchoAt ??= performance.now();
    const at = plan.size - pending;
    visit.receivedBytes += data.length;
    if (!data.equals(expected.subarray(at, at + data.length))) visit.isCorrupt = true;
    pending -= data.length;
    if (pending > 0) return;
    visit.echoed += 1;
    if (visit.echoed < plan.messages) send();
    else if (!['half_close', 'stay'].includes(visit.behaviour)) leave(socket, visit, plan.holdMs);
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
    done(visit);
  });
  return socket;
}

function leave(socket: Socket, visit: Visit, holdMs: number): void {
  const end = () => {
    if (socket.destroyed || socket.writableEnded) return;
    visit.hasLeft = true;
    if (visit.behaviour === 'reset') socket.resetAndDestroy();
    else socket.end();
  };
  if (visit.behaviour === 'linger') setTimeout(end, holdMs);
  else end();
}
