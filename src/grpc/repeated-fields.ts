/**
 * Of a field that is sent twice Node's HTTP/2 keeps the first line and drops the other, so that nobody further in can
 * tell. Where that is `authorization` its lines are joined, as RFC 9110, 5.3 has it, for the check to refuse.
 * https://nodejs.org/docs/latest-v24.x/api/diagnostics_channel.html#http2
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';

const channel = 'http2.server.stream.created';
const field = 'authorization';

/** For every session of this process, until it is disposed. */
export function joinRepeatedAuthorization(): Disposable {
  const known = new WeakSet<Http2Session>();
  const onCreated = (message: unknown): void => {
    const { session } = (message as { readonly stream: ServerHttp2Stream }).stream;
    if (session === undefined || known.has(session)) return;
    known.add(session);
    // Before grpc-js, which takes the headers from the same event.
    session.prependListener('stream', join);
  };
  subscribe(channel, onCreated);
  return { [Symbol.dispose]: () => void unsubscribe(channel, onCreated) };
}

/** `rawHeaders` are names and values in turns. */
function join(
  _stream: unknown,
  headers: IncomingHttpHeaders,
  _flags: number,
  rawHeaders: readonly string[],
): void {
  const lines = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1] === field);
  if (lines.length > 1) headers[field] = lines.join(', ');
}
