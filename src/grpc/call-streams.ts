/**
 * What grpc-js keeps to itself of the HTTP/2 stream of a call: the stream, for one that has to be cut off, and two
 * fields. `grpc-encoding` is how the caller's messages are compressed. Of `authorization` that is sent twice Node keeps
 * the first line and drops the other, so that nobody further in can tell: its lines are joined, as RFC 9110, 5.3 has it,
 * for the check to refuse.
 * https://nodejs.org/docs/latest-v24.x/api/diagnostics_channel.html#http2
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';

const channel = 'http2.server.stream.created';
const field = 'authorization';

export interface CallStream {
  readonly stream: ServerHttp2Stream;
  readonly encoding: string;
}

export class CallStreams implements Disposable {
  readonly #known = new WeakSet<Http2Session>();
  #newest: CallStream | null = null;

  /** For every session of this process, until it is disposed. */
  constructor() {
    subscribe(channel, this.#onCreated);
  }

  /** The stream of the call for which grpc-js makes an interceptor, which it does within the event of that stream. */
  get newest(): CallStream {
    if (this.#newest === null) throw new TypeError('an interceptor is made outside of a call');
    return this.#newest;
  }

  [Symbol.dispose](): void {
    unsubscribe(channel, this.#onCreated);
  }

  readonly #onCreated = (message: unknown): void => {
    const { session } = (message as { readonly stream: ServerHttp2Stream }).stream;
    if (session === undefined || this.#known.has(session)) return;
    this.#known.add(session);
    // Before grpc-js, which takes stream and headers from the same event.
    session.prependListener('stream', this.#onStream);
  };

  readonly #onStream = (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    _flags: number,
    rawHeaders: readonly string[],
  ): void => {
    joinRepeated(headers, rawHeaders);
    const { 'grpc-encoding': encoding = 'identity' } = headers;
    this.#newest = { stream, encoding: String(encoding) };
  };
}

/** `rawHeaders` are names and values in turns. */
function joinRepeated(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
  const lines = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1] === field);
  if (lines.length > 1) headers[field] = lines.join(', ');
}
