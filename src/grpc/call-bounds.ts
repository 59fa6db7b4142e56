/**
 * What holds for every call, whoever makes it and whatever it asks: so many of a method at once, so many whose
 * request is still coming, and a time for that and for taking the answer. A stream of requests is none that comes.
 */
import { randomUUID } from 'node:crypto';
import {
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { AppError } from '../core/errors.ts';
import type { GrpcLimits } from './grpc-limits.ts';
import { toStatus } from './status.ts';

export type CallLimits = Pick<
  GrpcLimits,
  'callsPerMethodMax' | 'requestsArrivingMax' | 'requestTimeoutMs' | 'streamWriteTimeoutMs'
>;

/** `onStuck` is told of a caller who neither ends its request nor takes its answer. */
export function callBounds(limits: CallLimits, onStuck: (peer: string) => void): ServerInterceptor {
  const callsByPath = new Map<string, number>();
  const arriving = new Set<BoundedCall>();
  return ({ path, requestStream, responseStream }, next) => {
    const bounded = new BoundedCall({ next, limits, path, callsByPath, arriving, onStuck });
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, pass) => {
        if (bounded.begin(!requestStream)) pass(metadata);
      })
      .withOnReceiveHalfClose((pass) => {
        bounded.arrived();
        pass();
      })
      // A cancel comes at the end of each call, however that ends.
      .withOnCancel(() => bounded.end())
      .build();
    const responder = new ResponderBuilder()
      .withStart((pass) => pass(listener))
      .withSendMessage((message, pass) => {
        if (!responseStream) bounded.answering();
        pass(message);
      })
      .withSendStatus((status, pass) => {
        bounded.answering();
        pass(status);
      })
      .build();
    return new ServerInterceptingCall(next, responder);
  };
}

interface BoundedCallOptions {
  readonly next: ServerInterceptingCallInterface;
  readonly limits: CallLimits;
  readonly path: string;
  readonly callsByPath: Map<string, number>;
  readonly arriving: Set<BoundedCall>;
  readonly onStuck: (peer: string) => void;
}

class BoundedCall {
  readonly #options: BoundedCallOptions;
  #isCounted = false;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BoundedCallOptions) {
    this.#options = options;
  }

  /** False where it was refused. */
  begin(isTimed: boolean): boolean {
    const { limits, path, callsByPath, arriving } = this.#options;
    const calls = callsByPath.get(path) ?? 0;
    if (calls >= limits.callsPerMethodMax) {
      this.#refuse(tooMany('callsPerMethodMax', 'calls of this method', limits));
      return false;
    }
    this.#isCounted = true;
    callsByPath.set(path, calls + 1);
    if (!isTimed) return true;
    // A request comes at once: whoever has been at it for longest makes room.
    const [oldest] = arriving;
    if (arriving.size >= limits.requestsArrivingMax) oldest?.giveWay();
    arriving.add(this);
    this.#wait(limits.requestTimeoutMs, () => this.#late());
    return true;
  }

  giveWay(): void {
    this.arrived();
    this.#cutOff(tooMany('requestsArrivingMax', 'requests that are coming', this.#options.limits));
  }

  arrived(): void {
    clearTimeout(this.#timer);
    this.#options.arriving.delete(this);
  }

  answering(): void {
    this.arrived();
    if (!this.#isOver) this.#wait(this.#options.limits.streamWriteTimeoutMs, () => this.#drop());
  }

  end(): void {
    const { path, callsByPath } = this.#options;
    this.#isOver = true;
    this.arrived();
    if (this.#isCounted) callsByPath.set(path, (callsByPath.get(path) ?? 1) - 1);
    this.#isCounted = false;
  }

  #wait(timeoutMs: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, timeoutMs).unref();
  }

  /** What has come of the request stays in memory for as long as the caller keeps its side of the call open. */
  #late(): void {
    const { requestTimeoutMs } = this.#options.limits;
    const message = `the request did not arrive within ${requestTimeoutMs} ms`;
    this.#cutOff(new AppError('unavailable', message));
  }

  #cutOff(error: AppError): void {
    this.#refuse(error);
    setTimeout(() => this.#drop(), flushMs).unref();
  }

  #refuse(error: AppError): void {
    this.#options.next.sendStatus(toStatus(error, randomUUID()));
  }

  #drop(): void {
    this.#options.onStuck(this.#options.next.getPeer());
  }
}

/** For a status to leave before its connection is dropped. */
const flushMs = 1000;

function tooMany(
  limit: 'callsPerMethodMax' | 'requestsArrivingMax',
  what: string,
  { [limit]: limitValue }: CallLimits,
): AppError {
  return new AppError('resource_exhausted', `there are ${limitValue} ${what} already`, {
    limit,
    limitValue,
    retryAfterMs: 1000,
  });
}
