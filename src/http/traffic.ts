/**
 * What the clients of all connections together may have on its way: bodies that arrive, answers that wait to be
 * taken, and requests on one connection. Each connection has its bounds; that there are thousands of them has these.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Identity } from '../core/caller.ts';
import { AppError } from '../core/errors.ts';
import { callerGone } from '../core/while-there.ts';
import type { HttpApp, HttpLimits } from './edge.ts';
import type { OpenConnections } from './open-connections.ts';
import { PartedText } from './parted-text.ts';
import { HttpError } from './problem.ts';
import { SharedBytes } from './shared-bytes.ts';

/** Of an answer that is let through whatever waits: a refusal is one. */
const smallBytes = 16_384;

export class Traffic {
  readonly #limits: HttpLimits;
  readonly #connections: OpenConnections;
  readonly #made = new WeakSet<ServerResponse>();
  readonly #arriving: SharedBytes;
  readonly #waiting: SharedBytes;

  constructor(limits: HttpLimits, connections: OpenConnections) {
    this.#limits = limits;
    this.#connections = connections;
    this.#arriving = new SharedBytes(limits.bodyBytesArrivingMax);
    this.#waiting = new SharedBytes(limits.answerBytesWaitingMax);
  }

  addHooks(app: HttpApp): void {
    app.addHook('onRequest', ({ socket }, _, done) => {
      const { requestsPerConnectionMax: limitValue } = this.#limits;
      if (this.#connections.answersOf(socket) > limitValue) {
        throw exhausted('requestsPerConnectionMax', limitValue);
      }
      done();
    });
    app.addHook('onSend', (request, { raw: response }, payload, done) => {
      if (typeof payload === 'string' || Buffer.isBuffer(payload)) {
        this.#keepWaiting(request, response, Buffer.byteLength(payload));
      } else if (payload instanceof PartedText) {
        this.#keepWaiting(request, response, payload.bytes);
        this.#isMade(request.socket, response);
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

  /** @throws resource_exhausted for one that is too large, and when too much arrives at once; unavailable once nobody sends it */
  async readBody(
    { headers, identity }: Pick<FastifyRequest, 'headers' | 'identity'>,
    payload: IncomingMessage,
  ): Promise<Buffer> {
    // Its client may have left while its key was looked up: nothing more is told of it.
    if (payload.destroyed) throw callerGone();
    const { bodyBytesMax, bodyBytesArrivingMax } = this.#limits;
    if (Number(headers['content-length']) > bodyBytesMax) throw tooLarge(bodyBytesMax);
    const { promise: whole, resolve, reject } = Promise.withResolvers<Buffer>();
    const refuse = () => reject(exhausted('bodyBytesArrivingMax', bodyBytesArrivingMax));
    using arriving = this.#arriving.hold(partyOf(identity), refuse);
    const chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bodyBytesMax) reject(tooLarge(bodyBytesMax));
      else if (arriving.add(chunk.length)) chunks.push(chunk);
      else refuse();
    };
    payload.on('data', take).once('error', reject);
    payload.once('end', () => resolve(Buffer.concat(chunks)));
    payload.once('close', () => reject(callerGone()));
    try {
      return await whole;
    } finally {
      // What is left of one that is refused is read all the same: its answer goes out on that connection.
      payload.off('data', take);
    }
  }

  #keepWaiting(
    { identity, socket }: FastifyRequest,
    response: ServerResponse,
    bytes: number,
  ): void {
    // Nothing waits for who is gone: its close has been told, and would give nothing back.
    if (response.closed) return;
    const { answerBytesWaitingMax } = this.#limits;
    const waiting = this.#waiting.hold(partyOf(identity), () => socket.destroy());
    response.once('close', () => waiting[Symbol.dispose]());
    if (waiting.add(bytes)) return;
    if (bytes > smallBytes) throw exhausted('answerBytesWaitingMax', answerBytesWaitingMax);
    waiting.addAnyway(bytes);
  }
}

/** Those who share are projects, and operators. */
function partyOf(identity: Identity | null): string {
  return identity === null ? 'nobody' : `${identity.actor.kind} ${identity.project}`;
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
