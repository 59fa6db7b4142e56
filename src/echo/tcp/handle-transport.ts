/**
 * A TCP socket by its bare handle: one read, one write, and no allocation for bytes that go back at once.
 *
 *   kernel ─► read buffer, one for all ─► owner ─► write buffer ─► kernel
 *
 * - All handles read into the same buffer: what lies in it is gone with the next read of any of them.
 * - A read may have to be kept whole. So most are small; who sends much reads in large ones, as long as few do.
 * - A write that the kernel does not take at once keeps the write buffer until it does, and the next write takes
 *   another. When many are kept like that, a small write keeps only a copy of its own.
 */
import { getSystemErrorName } from 'node:util';
import { monotonicMs } from '../../faults/alarm.ts';
import {
  bufferBytes,
  isOfMemory,
  keptMax,
  nextWriteBuffer,
  putBack,
  readBuffer,
} from './buffer-memory.ts';
import { type LargeReader, LargeReaders } from './large-readers.ts';
import type { StreamTransport, TransportOwner } from './stream-transport.ts';
import {
  endOfFile,
  errorOf,
  lastWriteWasAsync,
  readBytesOrError,
  ShutdownWrap,
  streamBaseState,
  type TcpHandle,
  type WriteRequest,
  WriteWrap,
} from './tcp-handle.ts';

const smallReadBytes = 16 * 1024;
/** Sockets that read in large pieces. */
const largeReadersMax = 256;
/** Beyond `keptMax` buffers that are kept, a write of at most so much is copied out first: it might keep a large one. */
const smallBytes = bufferBytes / 4;

const smallReadBuffer = readBuffer.subarray(0, smallReadBytes);
let readView = readBuffer;
const largeReaders = new LargeReaders(largeReadersMax);
let writeBuffer = nextWriteBuffer();
let writeView = writeBuffer;
let request = newRequest();
let kept = 0;

/** One that lies elsewhere was for want of another, and is let go. */
function giveBack(buffer: Buffer<ArrayBuffer>): void {
  kept -= 1;
  if (!isOfMemory(buffer)) return;
  putBack(buffer);
  if (isOfMemory(writeBuffer)) return;
  writeBuffer = nextWriteBuffer();
  writeView = writeBuffer;
}

function newRequest(): WriteRequest {
  const fresh = new WriteWrap();
  fresh.oncomplete = onWritten;
  fresh.transport = null;
  fresh.buffer = null;
  return fresh;
}

function onWritten(this: WriteRequest, status: number): void {
  const { buffer, transport } = this;
  if (buffer?.length === bufferBytes) giveBack(buffer);
  if (transport instanceof HandleTransport) transport.written(status);
}

/** Answers the buffer of the next read, where that is to be another. */
function onRead(this: TcpHandle): Uint8Array | undefined {
  const length = streamBaseState[readBytesOrError] ?? 0;
  const { transport } = this;
  if (length === 0 || !(transport instanceof HandleTransport)) return undefined;
  if (length < 0) {
    transport.readFailed(length);
    return undefined;
  }
  if (readView.length !== length) readView = readBuffer.subarray(0, length);
  transport.owner.onBytes(readView);
  return transport.nextBuffer(length);
}

export class HandleTransport implements StreamTransport, LargeReader {
  readonly owner: TransportOwner;
  readonly #handle: TcpHandle;
  #writtenBytes = 0;
  #pendingWrites = 0;
  #isReading = false;
  #isLargeReader = false;
  lastLargeReadMs = 0;
  #hasLostPlace = false;
  #readsSmall = false;
  /** What others have read of it, until it is told. */
  #unread: Buffer | null;
  /** The client's FIN was read: reading on would tell of it again. */
  #hasEnded = false;
  #ending: 'not_yet' | 'after_writes' | 'under_way' | 'done' = 'not_yet';
  #isResetting = false;
  #isResetNext = false;
  #isClosed = false;
  #hasWriteFailed = false;
  /** Of what was written, when last looked at: libuv no longer counts a write that failed when it tells so. */
  #untakenBytes = 0;

  /** `unread` was read of the handle already: it comes first. */
  constructor(handle: TcpHandle, owner: TransportOwner, unread: Buffer | null = null) {
    this.owner = owner;
    this.#unread = unread;
    this.#handle = handle;
    handle.transport = this;
    handle.onread = onRead;
    handle.useUserBuffer(smallReadBuffer);
  }

  /** What was read last tells how much may be read next; undefined leaves it as it is. */
  nextBuffer(length: number): Uint8Array | undefined {
    if (length < smallReadBytes && !this.#isLargeReader) return undefined;
    const isSmallNext = length < smallReadBytes || this.#readsSmall || this.#isClosed;
    if (this.#isLargeReader) {
      if (!isSmallNext) this.lastLargeReadMs = monotonicMs();
      else this.#leaveLargeReaders();
      return isSmallNext ? smallReadBuffer : undefined;
    }
    if (isSmallNext || this.#hasLostPlace || !largeReaders.enter(this)) return undefined;
    this.#isLargeReader = true;
    this.lastLargeReadMs = monotonicMs();
    return readBuffer;
  }

  #leaveLargeReaders(): void {
    if (this.#isLargeReader) largeReaders.leave(this);
    this.#isLargeReader = false;
  }

  /** The handle keeps each buffer that it is given like this until it closes: so a place is lost once, and not got back. */
  onPlaceLost(): void {
    this.#isLargeReader = false;
    this.#hasLostPlace = true;
    this.#handle.useUserBuffer(smallReadBuffer);
  }

  readSmall(isSmall: boolean): void {
    this.#readsSmall = isSmall;
  }

  get bytesWritten(): number {
    return this.#writtenBytes - this.pendingBytes;
  }

  get pendingBytes(): number {
    const isOver = this.#isClosed || this.#hasWriteFailed;
    if (!isOver) this.#untakenBytes = this.#pendingWrites > 0 ? this.#handle.writeQueueSize : 0;
    return this.#untakenBytes;
  }

  write(bytes: Buffer): boolean {
    if (this.#isClosed || this.#ending !== 'not_yet') return false;
    const { length } = bytes;
    const isShared = length <= bufferBytes && (kept < keptMax || length > smallBytes);
    let view: Buffer<ArrayBuffer> | null = null;
    if (isShared) {
      writeBuffer.set(bytes);
      if (writeView.length !== length) writeView = writeBuffer.subarray(0, length);
      view = writeView;
    }
    // What is written from another buffer must stay as it is until it is taken.
    view ??= Buffer.from(bytes);
    const error = this.#handle.writeBuffer(request, view);
    if (error !== 0) {
      this.#fail(error);
      return false;
    }
    this.#writtenBytes += length;
    if (streamBaseState[lastWriteWasAsync] === 0) return true;
    this.#keep(isShared, view);
    return false;
  }

  #keep(isShared: boolean, view: Buffer<ArrayBuffer>): void {
    request.transport = this;
    request.buffer = isShared ? writeBuffer : view;
    request = newRequest();
    this.#pendingWrites += 1;
    this.#untakenBytes = this.#handle.writeQueueSize;
    if (!isShared) return;
    kept += 1;
    writeBuffer = nextWriteBuffer();
    writeView = writeBuffer;
  }

  written(status: number): void {
    this.#pendingWrites -= 1;
    if (this.#isClosed) return;
    this.#hasWriteFailed = status < 0;
    if (this.#hasWriteFailed) this.#fail(status);
    else if (this.#pendingWrites > 0) this.#untakenBytes = this.#handle.writeQueueSize;
    else if (this.#isResetNext) this.reset();
    else {
      this.owner.onDrain();
      if (this.#ending === 'after_writes') this.#shutDown();
    }
  }

  readFailed(status: number): void {
    if (this.#isClosed) return;
    this.pause();
    if (status !== endOfFile) this.#fail(status);
    else {
      this.#hasEnded = true;
      this.owner.onEnd();
    }
  }

  #fail(status: number): void {
    this.owner.onError(getSystemErrorName(status));
    this.destroy();
  }

  resume(): void {
    if (this.#isReading || this.#hasEnded || this.#isClosed) return;
    this.#isReading = true;
    // As any read, it is told when whoever resumes is through.
    if (this.#unread !== null) queueMicrotask(() => this.#tellUnread());
    else this.#startReading();
  }

  #tellUnread(): void {
    const unread = this.#unread;
    if (unread === null || !this.#isReading) return;
    this.#unread = null;
    this.#startReading();
    if (!this.#isClosed) this.owner.onBytes(unread);
  }

  #startReading(): void {
    const error = this.#handle.readStart();
    if (error !== 0) this.#fail(error);
  }

  pause(): void {
    if (!this.#isReading || this.#isClosed) return;
    this.#isReading = false;
    this.#handle.readStop();
  }

  look(): void {
    if (this.#isReading || this.#ending !== 'not_yet' || this.#isClosed) return;
    const error = errorOf(this.#handle);
    if (error !== 0) this.#fail(error);
  }

  end(): void {
    if (this.#ending !== 'not_yet' || this.#isClosed) return;
    this.#ending = 'after_writes';
    if (this.#pendingWrites === 0) this.#shutDown();
  }

  finish(): void {
    // Closing sends the FIN, and saves the call that would do only that.
    if (this.#pendingWrites === 0 && this.#ending === 'not_yet') this.destroy();
    else this.end();
  }

  #shutDown(): void {
    this.#ending = 'under_way';
    const shutdown = new ShutdownWrap();
    shutdown.oncomplete = (status) => {
      this.#ending = 'done';
      if (this.#isResetting) this.reset();
      // A client that is gone already needs no FIN.
      else if (status < 0) this.destroy();
      else if (!this.#isClosed) this.owner.onFinished();
    };
    if (this.#handle.shutdown(shutdown) !== 0) this.destroy();
  }

  reset(isAfterWrites = false): void {
    if (this.#isClosed) return;
    this.#isResetNext = isAfterWrites && this.#pendingWrites > 0;
    this.#isResetting = !this.#isResetNext && this.#ending === 'under_way';
    if (!this.#isResetNext && !this.#isResetting) this.#leave('reset');
  }

  destroy(): void {
    if (!this.#isClosed) this.#leave('close');
  }

  #leave(how: 'reset' | 'close'): void {
    this.#untakenBytes = this.pendingBytes;
    this.#leaveLargeReaders();
    this.#isReading = false;
    this.#isClosed = true;
    this.#handle[how]();
    this.owner.onClosed();
  }
}
