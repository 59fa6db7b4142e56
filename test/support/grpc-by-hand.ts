/** Calls of gRPC by hand over HTTP/2: a gRPC library would read and close by itself. */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';

export function session(address: string, windowBytes = 65_535) {
  const client = connect(`http://${address}`, { settings: { initialWindowSize: windowBytes } });
  client.on('error', () => undefined);
  return Object.assign(client, { [Symbol.dispose]: () => client.destroy() });
}

export function begin(
  client: ClientHttp2Session,
  path: string,
  more: Readonly<Record<string, string>> = {},
): ClientHttp2Stream {
  const headers = { 'content-type': 'application/grpc', te: 'trailers', ...more };
  const stream = client.request({ ':method': 'POST', ':path': path, ...headers });
  return stream.on('error', () => undefined);
}

export function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

export const empty = framed(Buffer.alloc(0));

/** How a call ended: its gRPC status and what kodama says of it. */
export async function ending(stream: ClientHttp2Stream): Promise<Record<string, unknown>> {
  let last: Record<string, unknown> = {};
  stream.on('response', (headers) => {
    last = headers;
  });
  stream.on('trailers', (headers) => {
    last = headers;
  });
  stream.resume();
  await once(stream, 'end');
  return { status: Number(last['grpc-status']), limit: last['kodama-limit'] };
}
