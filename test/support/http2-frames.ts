/** HTTP/2 frames by hand (RFC 9113, 4.1), for what no client library would send. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export const frameType = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  continuation: 9,
} as const;
const flags = { endStream: 1, ack: 1, endHeaders: 4 } as const;
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const headerBytes = 9;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(
  type: number,
  flag: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(headerBytes);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flag, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A literal header field that is not indexed (RFC 7541, 6.2.2), its name in the static table or not. */
function field(name: number | string, value: string): Buffer {
  const text = Buffer.from(value);
  const start =
    typeof name === 'number'
      ? Buffer.from([name])
      : Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name)]);
  return Buffer.concat([start, Buffer.from([text.length]), text]);
}

const [path, authority] = [0x04, 0x01];
const methodPost = 0x83;
const schemeHttp = 0x86;

/** The header block of a gRPC call. */
function grpcHeaders(method: string): Buffer {
  return Buffer.concat([
    Buffer.from([methodPost, schemeHttp]),
    field(path, method),
    field(authority, 'localhost'),
    field('content-type', 'application/grpc'),
    field('te', 'trailers'),
  ]);
}

/** Begins a call, and leaves it open. */
export function callFrame(stream: number, method: string): Buffer {
  return frame(frameType.headers, flags.endHeaders, stream, grpcHeaders(method));
}

/** Headers that go on in continuations for ever. */
export function endlessHeaders(stream: number): Buffer {
  return frame(frameType.headers, 0, stream, grpcHeaders('/kodama.v1.ListenerService/GetListener'));
}

export function continuation(stream: number): Buffer {
  return frame(frameType.continuation, 0, stream, field('x-more', 'x'.repeat(100)));
}

export function resetFrame(stream: number): Buffer {
  const cancel = Buffer.from([0, 0, 0, 8]);
  return frame(frameType.reset, 0, stream, cancel);
}

export const pingFrame = frame(frameType.ping, 0, 0, Buffer.alloc(8));
export const settingsFrame = frame(frameType.settings, 0, 0);

export interface RawHttp2 extends Disposable {
  readonly socket: Socket;
  readonly frames: readonly Frame[];
  readonly isClosed: boolean;
  /** Sends it as often as said, as fast as the server takes it; stops when the server hangs up. */
  flood(count: number, make: (index: number) => Buffer): Promise<void>;
}

export async function rawHttp2(port: number): Promise<RawHttp2> {
  const socket = connect({ port, host: '127.0.0.1' });
  const frames: Frame[] = [];
  let rest = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (data: Buffer) => {
    rest = Buffer.concat([rest, data]);
    for (let read = readFrame(rest); read !== null; read = readFrame(rest)) {
      frames.push(read);
      rest = rest.subarray(headerBytes + read.payload.length);
    }
  });
  await once(socket, 'connect');
  socket.write(preface);
  socket.write(settingsFrame);
  socket.write(frame(frameType.settings, flags.ack, 0));
  return {
    socket,
    frames,
    get isClosed() {
      return socket.destroyed || socket.readableEnded;
    },
    async flood(count, make) {
      for (let index = 0; index < count && !socket.destroyed; index++) {
        if (socket.write(make(index))) continue;
        const waited = new AbortController();
        const until = { signal: waited.signal };
        await Promise.race([once(socket, 'drain', until), once(socket, 'close', until)]).catch(
          () => undefined,
        );
        waited.abort();
      }
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

function readFrame(bytes: Buffer): Frame | null {
  if (bytes.length < headerBytes) return null;
  const length = bytes.readUIntBE(0, 3);
  if (bytes.length < headerBytes + length) return null;
  const payload = bytes.subarray(headerBytes, headerBytes + length);
  return { type: bytes[3] ?? 0, flags: bytes[4] ?? 0, stream: bytes.readUInt32BE(5), payload };
}
