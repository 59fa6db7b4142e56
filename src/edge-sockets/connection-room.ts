/**
 * So many connections of an edge at once. For one that comes beyond them whichever has had nothing under way for longest is
 * closed: who is in earnest asks for something within a round trip, and asks again where its connection is gone.
 */
import type { Socket } from 'node:net';

export class ConnectionRoom {
  readonly #max: number;
  /** How much each has. */
  readonly #underWay = new Map<Socket, number>();
  /** In the order in which they fell idle. */
  readonly #idle = new Set<Socket>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#underWay.size;
  }

  /** False where all have something under way: then this one is closed. */
  enter(socket: Socket): boolean {
    if (this.#underWay.size >= this.#max) {
      const [oldest = socket] = this.#idle;
      oldest.destroy();
      this.#leave(oldest);
      if (oldest === socket) return false;
    }
    this.#underWay.set(socket, 0);
    this.#idle.add(socket);
    socket.once('close', () => this.#leave(socket));
    return true;
  }

  isIdle(socket: Socket): boolean {
    return this.#idle.has(socket);
  }

  /** Something is under way on it, until what this returns is called, once. */
  begin(socket: Socket): () => void {
    this.#count(socket, 1);
    return () => this.#count(socket, -1);
  }

  #count(socket: Socket, change: 1 | -1): void {
    const before = this.#underWay.get(socket);
    if (before === undefined) return;
    this.#underWay.set(socket, before + change);
    if (before + change > 0) this.#idle.delete(socket);
    else this.#idle.add(socket);
  }

  #leave(socket: Socket): void {
    this.#underWay.delete(socket);
    this.#idle.delete(socket);
  }
}
