/**
 * Many messages in one write. grpc-js frames and writes each message for itself, which costs more than all else
 * that a stream does. A page of events is framed here instead and handed over as if it were one message.
 *
 *   grpc-js:  output = allocate(message.byteLength + 5); its own 5-byte header; message.copy(output, 5)
 *   here:     copy() fills the whole output with frames, the first header too
 *
 * A frame is a length-prefixed message: one byte 0 (not compressed), four bytes of length, the message.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
import type { ByteSink } from './byte-sink.ts';

const headerBytes = 5;

/** Leaves room for the header; the message comes next, and then `endFrame`. */
export function beginFrame(sink: ByteSink): number {
  sink.reserve(headerBytes);
  sink.at += headerBytes;
  return sink.at;
}

export function endFrame(sink: ByteSink, start: number): void {
  sink.uint32BE(sink.at - start, start - 4);
  sink.set(0, start - headerBytes);
}

/** What grpc-js takes for one serialized message, and writes as the frames. */
export function asOneMessage(frames: Buffer): Buffer {
  const rest = frames.subarray(headerBytes);
  rest.copy = (target) => frames.copy(target);
  return rest;
}
