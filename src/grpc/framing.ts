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
const headerBytes = 5;

export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(headerBytes + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, headerBytes);
  return framed;
}

/** What grpc-js takes for one serialized message, and writes as the frames. */
export function asOneMessage(frames: Buffer): Buffer {
  const rest = frames.subarray(headerBytes);
  rest.copy = (target) => frames.copy(target);
  return rest;
}
