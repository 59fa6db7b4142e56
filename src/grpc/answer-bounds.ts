/**
 * What is written to callers and not taken yet, over all connections. Each call has its bounds; that there are thousands
 * of them has this one. Beyond it the calls of that connection end that has taken nothing for longest, so that a reader who
 * reads does not pay for others. A status would wait behind what is not taken: the call is reset with ENHANCE_YOUR_CALM,
 * which a gRPC client shows as RESOURCE_EXHAUSTED.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors
 */
import { constants, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { CallStreams } from './call-streams.ts';

export interface AnswerBoundsOptions {
  readonly streams: CallStreams;
  readonly bytesMax: number;
  /** Is told whose connection is to be closed. */
  readonly onStuck: (peer: string) => void;
}

export function answerBounds({ streams, ...options }: AnswerBoundsOptions): ServerInterceptor {
  const waiting = new WaitingAnswers(options);
  return (_, next) => new CountedCall(next, streams.newest.stream, waiting);
}

class CountedCall extends ServerInterceptingCall {
  readonly #stream: ServerHttp2Stream;
  readonly #waiting: WaitingAnswers;

  constructor(
    next: ServerInterceptingCallInterface,
    stream: ServerHttp2Stream,
    waiting: WaitingAnswers,
  ) {
    super(next);
    this.#stream = stream;
    this.#waiting = waiting;
    stream.once('close', () => waiting.forget(stream));
  }

  override sendMessage(message: unknown, callback: () => void): void {
    const before = this.#stream.writableLength;
    let bytes = 0;
    super.sendMessage(message, () => {
      this.#waiting.taken(this.#stream, bytes);
      callback();
    });
    bytes = this.#stream.writableLength - before;
    if (bytes > 0) this.#waiting.add(this.#stream, bytes);
  }
}

class WaitingAnswers {
  readonly #options: Omit<AnswerBoundsOptions, 'streams'>;
  /** Bytes that wait, in the order in which their readers last took some. */
  readonly #bytesByStream = new Map<ServerHttp2Stream, number>();
  #bytes = 0;

  constructor(options: Omit<AnswerBoundsOptions, 'streams'>) {
    this.#options = options;
  }

  add(stream: ServerHttp2Stream, bytes: number): void {
    this.#bytesByStream.set(stream, (this.#bytesByStream.get(stream) ?? 0) + bytes);
    this.#bytes += bytes;
    for (const slowest of this.#bytesByStream.keys()) {
      if (this.#bytes <= this.#options.bytesMax) break;
      this.#end(slowest.session);
    }
  }

  taken(stream: ServerHttp2Stream, bytes: number): void {
    const waiting = this.#bytesByStream.get(stream);
    if (waiting === undefined) return;
    this.forget(stream);
    if (waiting > bytes) this.add(stream, waiting - bytes);
  }

  forget(stream: ServerHttp2Stream): void {
    this.#bytes -= this.#bytesByStream.get(stream) ?? 0;
    this.#bytesByStream.delete(stream);
  }

  /** All of a connection's. What a reader leaves in its socket can not be had back but with the connection. */
  #end(session: Http2Session | undefined): void {
    if (session === undefined) return;
    for (const stream of this.#bytesByStream.keys()) {
      if (stream.session !== session) continue;
      this.forget(stream);
      stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    }
    const { remoteAddress, remotePort } = session.socket;
    // By then Node has written the resets. A client that has taken them keeps the connection, and so is told.
    setImmediate(() => {
      if (unsentBytes(session) > 0) this.#options.onStuck(`${remoteAddress}:${remotePort}`);
    });
  }
}

/** What the kernel has not taken of a session's frames: node's HTTP/2 writes them to the handle, past its socket. */
function unsentBytes({ destroyed, socket }: Http2Session): number {
  if (destroyed) return 0;
  const { _handle: handle } = socket as { readonly _handle?: { readonly writeQueueSize: number } };
  return handle?.writeQueueSize ?? 0;
}
