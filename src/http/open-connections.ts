/**
 * The client connections that are open, and the answers under way on each. Node counts a connection that
 * has not sent anything yet as busy, and browsers open such ones ahead; we must tell these apart to stop.
 */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ConnectionRoom } from '../edge-sockets/connection-room.ts';

export class OpenConnections {
  readonly #answers = new Map<Socket, Set<ServerResponse>>();
  readonly #closing = new WeakSet<Socket>();

  readonly #room: ConnectionRoom;

  /** The event is what tells of one on which a request may come; so many are open at once. */
  constructor(server: Server, event: 'connection' | 'secureConnection', max: number) {
    this.#room = new ConnectionRoom(max);
    server.on(event, (socket: Socket) => {
      if (!this.#room.enter(socket)) return;
      this.#answers.set(socket, new Set());
      socket.once('close', () => this.#answers.delete(socket));
    });
  }

  /** Told of each answer when its request has come. */
  add(socket: Socket, response: ServerResponse): void {
    const answers = this.#answers.get(socket);
    answers?.add(response);
    response.once('close', () => answers?.delete(response));
  }

  /** Its caller is known, and all of its request is there: until the answer is over, its connection is in use. */
  use(socket: Socket, response: ServerResponse): void {
    response.once('close', this.#room.begin(socket));
  }

  /** How many requests are under way on it. */
  answersOf(socket: Socket): number {
    return this.#answers.get(socket)?.size ?? 0;
  }

  /** Of those under way the one that is sent first. */
  firstAnswer(socket: Socket): ServerResponse | undefined {
    return this.#answers
      .get(socket)
      ?.values()
      .find(({ writableFinished }) => !writableFinished);
  }

  /** Whether an answer is being written or made: then nothing else may be written to the socket. */
  isAnswering(socket: Socket): boolean {
    const answers = this.#answers.get(socket) ?? new Set();
    return answers.values().some(({ headersSent, req }) => headersSent || req.complete);
  }

  /** Closes each connection on which nothing is under way. */
  closeIdle(): void {
    for (const [socket, answers] of this.#answers) {
      if (answers.size > 0 || this.#closing.has(socket)) continue;
      // Each time it is asked for, Node would wait once more.
      this.#closing.add(socket);
      socket.destroySoon();
    }
  }
}
