/**
 * The buffers that all sockets of a worker share: one to read into, and those that writes keep. They are parts of one
 * memory, since nothing else tells how they lie. What was never written to takes no room.
 */

export const bufferBytes = 256 * 1024;
/** Buffers for writes that wait. */
export const keptMax = 64;
/**
 * Some processors (Zen 3, Zen 4) copy several times slower to the place within a page that is read from, or right behind
 * it. So writes lie half a page away from reads.
 */
const shiftBytes = 2048;

const memory = Buffer.allocUnsafeSlow((1 + keptMax) * bufferBytes + shiftBytes);
export const readBuffer = memory.subarray(0, bufferBytes);
const spares = Array.from({ length: keptMax }, (_, n) => writeBufferAt((1 + n) * bufferBytes));

function writeBufferAt(offset: number): typeof memory {
  return memory.subarray(shiftBytes + offset, shiftBytes + offset + bufferBytes);
}

/** One that lies elsewhere where all are kept. */
export function nextWriteBuffer(): typeof memory {
  return spares.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
}

export function isOfMemory(buffer: typeof memory): boolean {
  return buffer.buffer === memory.buffer;
}

export function putBack(buffer: typeof memory): void {
  spares.push(buffer);
}
