/**
 * What the clients of all connections together may have on its way: bodies that arrive, answers that wait to be
 * taken, and requests on one connection. Each connection has its bounds; that there are thousands of them has these.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';
import type { HttpApp, HttpLimits } from './edge.ts';
import type { OpenConnections } from './open-connections.ts';
import { PartedText } from './parted-text.ts';
import { HttpError } from './problem.ts';

/** Of an answer that is let through whatever waits: a refusal is one. */
const smallBytes = 16_384;

export class Traffic {
  readonly #limits: HttpLimits;
  readonly #connections: OpenConnections;
  readonly #made = new WeakSet<ServerResponse>();
  #bytesArriving = 0;
  #bytesWaiting = 0;

  constructor(limits: HttpLimits, connections: OpenConnections) {
    this.#limits = limits;
    this.#connections = connections;
  }

  addHooks(app: HttpApp): void {
    app.addHook('onRequest', ({ socket }, _, done) => {
      const { requestsPerConnectionMax: limitValue } = this.#limits;
      if (this.#connections.answersOf(socket) > limitValue) {
        throw exhausted('requestsPerConnectionMax', limitValue);
      }
      done();
    });
    app.addHook('onSend', ({ socket }, { raw: response }, payload, done) => {
      if (typeof payload === 'string' || Buffer.isBuffer(payload)) {
        this.#keepWaiting(response, Buffer.byteLength(payload));
      } else if (payload instanceof PartedText) {
        this.#keepWaiting(response, payload.bytes);
        this.#isMade(socket, response);
      }
      done();
    });
  }

  /**
   * Once all of an answer is written, or there are only parts of it to write, its reader must go on taking it; but not while
   * another one that is still being made stands before it.
   */
  watch(socket: Socket, response: ServerResponse): void {
    response.once('prefinish', () => this.#isMade(socket, response));
    // Node sets the time of a connection that is kept; the next answer of this one may take its time.
    response.once('finish', () => {
      const next = this.#connections.firstAnswer(socket);
      if (next !== undefined) socket.setTimeout(this.#made.has(next) ? this.#takenWithinMs : 0);
    });
  }

  #isMade(socket: Socket, response: ServerResponse): void {
    this.#made.add(response);
    if (this.#connections.firstAnswer(socket) === response) socket.setTimeout(this.#takenWithinMs);
  }

  get #takenWithinMs(): number {
    return this.#limits.responseWriteTimeoutMs;
  }

  /** @throws resource_exhausted for one that is too large, and when too much arrives at once */
  async readBody(
    { headers }: Pick<FastifyRequest, 'headers'>,
    payload: IncomingMessage,
  ): Promise<Buffer> {
    const { bodyBytesMax, bodyBytesArrivingMax } = this.#limits;
    if (Number(headers['content-length']) > bodyBytesMax) throw tooLarge(bodyBytesMax);
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of chunksOf(payload)) {
        bytes += chunk.length;
        this.#bytesArriving += chunk.length;
        if (bytes > bodyBytesMax) throw tooLarge(bodyBytesMax);
        if (this.#bytesArriving > bodyBytesArrivingMax) {
          throw exhausted('bodyBytesArrivingMax', bodyBytesArrivingMax);
        }
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } finally {
      this.#bytesArriving -= bytes;
    }
  }

  #keepWaiting(response: ServerResponse, bytes: number): void {
    const { answerBytesWaitingMax } = this.#limits;
    if (bytes > smallBytes && this.#bytesWaiting + bytes > answerBytesWaitingMax) {
      throw exhausted('answerBytesWaitingMax', answerBytesWaitingMax);
    }
    this.#bytesWaiting += bytes;
    response.once('close', () => {
      this.#bytesWaiting -= bytes;
    });
  }
}

/** What is left of a body that is refused is Node's to read: the answer goes out on the same connection. */
function chunksOf(payload: Readable): AsyncIterable<Buffer> {
  return payload.iterator({ destroyOnReturn: false });
}

function tooLarge(limitValue: number): AppError {
  const message = 'the body is larger than this server takes';
  const limit = 'bodyBytesMax';
  return new HttpError(413, { code: 'resource_exhausted', message, limit, limitValue });
}

function exhausted(
  limit: 'requestsPerConnectionMax' | 'bodyBytesArrivingMax' | 'answerBytesWaitingMax',
  limitValue: number,
): AppError {
  const message = `more is under way than this server takes at once: ${limit} is ${limitValue}`;
  return new AppError('resource_exhausted', message, { limit, limitValue, retryAfterMs: 1000 });
}
