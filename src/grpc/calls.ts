/**
 * The one way from async functions and generators to calls of grpc-js. It owns the calls that are under way.
 *
 * - Each call ends exactly once: with its answer, with one status, or because the caller went away.
 * - A caller who goes away aborts the signal, and the generator's `finally` has run before the call is forgotten.
 * - At most two writes of a stream wait for its reader; one that takes nothing for too long is ended.
 */
import { randomUUID } from 'node:crypto';
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import type { EdgeCaller } from '../api/call.ts';
import type { FailedRequest, FailureLog } from '../api/failure-log.ts';
import { loggedCaller } from '../api/keys.ts';
import { AppError } from '../core/errors.ts';
import type { Logger } from '../core/ports.ts';
import { callerGone } from '../core/while-there.ts';
import { knownOf, singleOf, userAgentOf } from './auth.ts';
import { toStatus } from './status.ts';

export interface CallsOptions {
  readonly logger: Logger;
  readonly failures: Pick<FailureLog, 'tell'>;
  readonly streamWriteTimeoutMs: number;
  /** A reader who was ended for taking nothing does not even take that. */
  readonly onStuck: (peer: string) => void;
}

/** What a stream writes: one write, and where the stream stands with it, if that is what it tells. */
export interface StreamWrite<Message> {
  readonly message: Message;
  readonly seq?: number;
}

/** Where a stream stands: the last seq that was written. */
interface Progress {
  seq: number | undefined;
}

export interface CallContext {
  readonly caller: EdgeCaller;
  /** As the caller sent it, where it did. */
  readonly idempotencyKey: string | undefined;
  /** What the answer begins with. */
  readonly sendMetadata: (name: string, value: string) => void;
}

export type UnaryHandler<Request, Response> = (
  request: Request,
  context: CallContext,
) => Promise<Response>;

export type StreamHandler<Request, Message> = (
  request: Request,
  caller: EdgeCaller,
) => AsyncIterable<StreamWrite<Message>>;

const writesMax = 2;

export class Calls {
  readonly #options: CallsOptions;
  readonly #running = new Set<object>();
  readonly #stop = new AbortController();
  #onIdle: (() => void) | null = null;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  unary<Request, Response>(
    handle: UnaryHandler<Request, Response>,
  ): handleUnaryCall<Request, Response> {
    return (call, answer) => {
      const end = this.#begin();
      const requestId = randomUUID();
      const told = this.#telling(call, requestId);
      const gone = new AbortController();
      call.once('cancelled', () => gone.abort(callerGone()));
      this.#whileServing(() => {
        const caller = callerOf(call, requestId, gone.signal);
        return handle(readable(call.request), contextOf(call, caller));
      })
        .then(
          (response) => {
            told(status.OK);
            answer(null, response);
          },
          (error: unknown) => {
            const isLeft = gone.signal.aborted;
            const failure = this.#failure(error, { requestId, route: call.getPath(), isLeft });
            told(failure.code);
            answer(failure);
          },
        )
        .finally(end);
    };
  }

  stream<Request, Message>(
    handle: StreamHandler<Request, Message>,
  ): handleServerStreamingCall<Request, Message> {
    return (call) => {
      const gone = new AbortController();
      const signal = AbortSignal.any([gone.signal, this.#stop.signal]);
      const end = this.#begin();
      const requestId = randomUUID();
      const told = this.#telling(call, requestId);
      const progress: Progress = { seq: undefined };
      call.once('cancelled', () => gone.abort(callerGone()));
      const writes = () => handle(readable(call.request), callerOf(call, requestId, signal));
      this.#pump(call, writes, signal, progress)
        .then(
          () => {
            told(status.OK);
            call.end();
          },
          (error: unknown) => {
            const isLeft = gone.signal.aborted;
            const of = { requestId, route: call.getPath(), isLeft };
            const failure = this.#failure(error, of, progress.seq);
            if (isLeft) return told(status.CANCELLED);
            told(failure.code);
            call.emit('error', failure);
          },
        )
        .finally(end);
    };
  }

  /** Ends every stream with the error and refuses what comes; resolves when no call is under way. */
  async end(error: AppError): Promise<void> {
    this.#stop.abort(error);
    if (this.#running.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Tells how a call has ended: never what was asked or answered, which may hold keys and names. */
  #telling(call: AnyCall, requestId: string): (code: status) => void {
    const begun = performance.now();
    return (code) => {
      const durationMs = Math.round((performance.now() - begun) * 10) / 10;
      const caller = loggedCaller(knownOf(call.metadata));
      const method = call.getPath();
      const told = { requestId, method, status: status[code], durationMs, ...caller };
      this.#options.logger.debug(told, 'call');
    };
  }

  #begin(): () => void {
    const token = {};
    this.#running.add(token);
    return () => {
      this.#running.delete(token);
      if (this.#running.size === 0) this.#onIdle?.();
    };
  }

  async #whileServing<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#stop.signal.throwIfAborted();
    return await work();
  }

  async #pump<Request, Message>(
    call: ServerWritableStream<Request, Message>,
    writes: () => AsyncIterable<StreamWrite<Message>>,
    signal: AbortSignal,
    progress: Progress,
  ): Promise<void> {
    const { streamWriteTimeoutMs, onStuck } = this.#options;
    const window = new WriteWindow(call, streamWriteTimeoutMs, signal);
    for await (const { message, seq } of writes()) {
      progress.seq = seq ?? progress.seq;
      if ((await window.write(message)) === 'stalled') {
        const stuck = setTimeout(() => onStuck(call.getPeer()), streamWriteTimeoutMs).unref();
        call.once('cancelled', () => clearTimeout(stuck));
        throw stalled(streamWriteTimeoutMs, progress.seq);
      }
      if (signal.aborted) break;
    }
    signal.throwIfAborted();
  }

  #failure(error: unknown, of: FailedRequest, resumeAfterSeq?: number) {
    this.#options.failures.tell(error, of);
    return { name: 'Error', message: '', ...toStatus(error, of.requestId, { resumeAfterSeq }) };
  }
}

type AnyCall = ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>;

export function callerOf(
  call: Pick<AnyCall, 'metadata'>,
  requestId: string,
  signal: AbortSignal,
): EdgeCaller {
  return {
    ...knownOf(call.metadata),
    requestId,
    userAgent: userAgentOf(call.metadata),
    signal,
  };
}

function contextOf(call: ServerUnaryCall<unknown, unknown>, caller: EdgeCaller): CallContext {
  return {
    caller,
    idempotencyKey: singleOf(call.metadata, 'idempotency-key'),
    sendMetadata(name, value) {
      const metadata = new Metadata();
      metadata.set(name, value);
      call.sendMetadata(metadata);
    },
  };
}

/** See protos.ts: an error stands for a request that could not be read. */
function readable<Request>(request: Request): Request {
  if (request instanceof AppError) throw request;
  return request;
}

function stalled(timeoutMs: number, seq: number | undefined): AppError {
  const resume = seq === undefined ? '' : `: resume after seq ${seq}`;
  return new AppError(
    'resource_exhausted',
    `the reader took nothing for ${timeoutMs} ms${resume}`,
    {
      limit: 'streamWriteTimeoutMs',
      limitValue: timeoutMs,
      ...(seq !== undefined && { resumeAfterSeq: seq }),
    },
  );
}

/** The writes of one stream that its reader has not taken yet. */
class WriteWindow<Message> {
  readonly #call: ServerWritableStream<unknown, Message>;
  readonly #timeoutMs: number;
  #open = 0;
  #wake: ((outcome: 'taken' | 'stalled' | 'over') => void) | null = null;

  constructor(
    call: ServerWritableStream<unknown, Message>,
    timeoutMs: number,
    signal: AbortSignal,
  ) {
    this.#call = call;
    this.#timeoutMs = timeoutMs;
    signal.addEventListener('abort', () => this.#wake?.('over'), { once: true });
  }

  /** Resolves when there is room for the next write, and when there never will be. */
  async write(message: Message): Promise<'taken' | 'stalled' | 'over'> {
    this.#open += 1;
    this.#call.write(message, () => {
      this.#open -= 1;
      this.#wake?.('taken');
    });
    if (this.#open < writesMax) return 'taken';
    return await new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.('stalled'), this.#timeoutMs);
      this.#wake = (outcome) => {
        this.#wake = null;
        clearTimeout(timer);
        resolve(outcome);
      };
    });
  }
}
