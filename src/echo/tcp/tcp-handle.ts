/**
 * The handle under a net.Socket, which Node itself reads and writes through (its lib/internal/stream_base_commons.js).
 * Node shows neither an fd nor a read into a buffer of ours in any other way that costs as little; see
 * docs/decisions/0006. What is used of it is checked once, when the worker starts.
 */
import type { Server } from 'node:net';

export interface HandleAddress {
  address: string;
  family: string;
  port: number;
}

export interface TcpHandle {
  readonly fd: number;
  /** Bytes that were written and that the kernel has not taken. */
  readonly writeQueueSize: number;
  /**
   * Told of each read in `streamBaseState`. Without a buffer of ours it is given what was read; with one it may answer the
   * buffer that the next read goes to.
   */
  onread: (this: TcpHandle, read?: ArrayBuffer) => Uint8Array | undefined;
  /** Set by us: who reads and writes through the handle. */
  transport: unknown;
  useUserBuffer(buffer: Uint8Array): void;
  /** These answer 0, or minus the system's error number. */
  readStart(): number;
  readStop(): number;
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  /** Of buffers only: all of them are, which is said. */
  writev(request: HandleRequest, buffers: readonly Uint8Array[], areAllBuffers: true): number;
  shutdown(request: HandleRequest): number;
  /** Closes with RST. Must not be called while a shutdown is under way: the handle would never close. */
  reset(done?: () => void): number;
  getpeername(out: HandleAddress): number;
  getsockname(out: HandleAddress): number;
  close(done?: () => void): void;
}

export interface HandleRequest {
  oncomplete: (status: number) => void;
}

export interface WriteRequest extends HandleRequest {
  /** Set by us: what must stay until the write is done, and whose it is. */
  buffer: Buffer<ArrayBuffer> | null;
  transport: unknown;
}

interface ListeningHandle {
  readonly fd: number;
  setNoDelay(isOn: boolean): number;
  onconnection: (status: number, handle: TcpHandle) => void;
}

interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly ShutdownWrap: new () => HandleRequest;
  /** What the last call into the handle told beside its answer. */
  readonly streamBaseState: ArrayLike<number>;
}

function readBinding(): StreamBinding {
  const { binding } = process as unknown as { binding?: (name: string) => Partial<StreamBinding> };
  const { WriteWrap, ShutdownWrap, streamBaseState } = binding?.('stream_wrap') ?? {};
  if (WriteWrap === undefined || ShutdownWrap === undefined || streamBaseState === undefined) {
    throw new TypeError(`Node ${process.version} has no stream handles as kodama knows them`);
  }
  return { WriteWrap, ShutdownWrap, streamBaseState };
}

export const { WriteWrap, ShutdownWrap, streamBaseState } = readBinding();

/** Places in streamBaseState (src/stream_base.h). */
export const readBytesOrError = 0;
export const lastWriteWasAsync = 3;

/** UV_EOF of libuv. */
export const endOfFile = -4095;

const emptyWrite = Object.assign(new WriteWrap(), { oncomplete: () => undefined });
const noBytes = new Uint8Array(0);

/**
 * What has become of a connection that is neither read nor written, of which nothing tells: 0, or minus the system's error
 * number once its client has reset. A write of no bytes asks for it, and sends nothing.
 */
export function errorOf(handle: TcpHandle): number {
  return handle.writeQueueSize > 0 ? 0 : handle.writeBuffer(emptyWrite, noBytes);
}

/** Takes what a server accepts as bare handles, with TCP_NODELAY on: no net.Socket is made. */
export function takeHandles(
  server: Server,
  onconnection: (status: number, handle: TcpHandle) => void,
): { readonly fd: number } {
  const { _handle: handle } = server as unknown as { _handle?: ListeningHandle | null };
  if (handle == null || typeof handle.onconnection !== 'function') {
    throw new TypeError(`Node ${process.version} has no listening handles as kodama knows them`);
  }
  handle.onconnection = onconnection;
  // Once for all: an accepted socket begins with the options of the one that listens.
  handle.setNoDelay(true);
  return { fd: handle.fd };
}
