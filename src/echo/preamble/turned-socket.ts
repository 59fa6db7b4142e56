/**
 * What is under TLS where clients are asked for certificates. OpenSSL checks each link of whatever chain they send, with
 * whatever key, at one go; Node bounds neither its length nor its depth. So a handshake's bytes come to it through us, and
 * they are few:
 *
 *   kernel ─► held ─► its turn ─► OpenSSL      until the handshake is over, `bytesMax` in all
 *   kernel ─► OpenSSL ─► kernel                from then on
 *
 * Node's own streams could stand between as well, and would cost more for each byte of the echo.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { readBuffer } from '../tcp/buffer-memory.ts';
import {
  endOfFile,
  type HandleRequest,
  lastWriteWasAsync,
  readBytesOrError,
  ShutdownWrap,
  streamBaseState,
  type TcpHandle,
  WriteWrap,
} from '../tcp/tcp-handle.ts';
import { destroyed, endFailed } from './handshake-socket.ts';
import type { OrderlyEnd } from './orderly-end.ts';

export const handshakeTooLong = 'ERR_TLS_HANDSHAKE_TOO_LONG';

/** The other end of Node's stream in JavaScript (its lib/internal/js_stream_socket.js). The callbacks are ours. */
interface JsStream {
  readBuffer(bytes: Uint8Array): void;
  emitEOF(): void;
  finishWrite(request: object, status: number): void;
  finishShutdown(request: object, status: number): void;
  isClosing: () => boolean;
  onreadstart: () => number;
  onreadstop: () => number;
  onwrite: (request: object, buffers: Buffer[]) => number;
  onshutdown: (request: object) => number;
  close: (done: () => void) => void;
}

function readBinding(): new () => JsStream {
  const { binding } = process as unknown as {
    binding?: (name: string) => { readonly JSStream?: new () => JsStream };
  };
  const { JSStream } = binding?.('js_stream') ?? {};
  if (JSStream === undefined) {
    throw new TypeError(
      `Node ${process.version} has no streams in JavaScript as kodama knows them`,
    );
  }
  return JSStream;
}

const JSStream = readBinding();

export interface TurnedSocketOptions {
  /** What was read of the handle already: it comes first. */
  readonly own: Buffer;
  /** Resolves when what the client has said may be answered. */
  readonly turn: () => Promise<void>;
  /** Of all that the client says in the handshake. */
  readonly bytesMax: number;
  /** Of a client that is told why its handshake failed. */
  readonly end: OrderlyEnd;
}

/** Records of TLS have 16 KiB and a little. */
const readInto = readBuffer.subarray(0, 64 * 1024);
const none = Buffer.alloc(0);
/** UV_ECANCELED of libuv. */
const canceled = -125;

export class TurnedSocket extends Socket {
  readonly #handle: TcpHandle;
  readonly #stream: JsStream;
  readonly #turn: () => Promise<void>;
  /** As of a HandshakeSocket. */
  isOpened = false;
  #end: OrderlyEnd;
  /** That OpenSSL may still have of a handshake. */
  #bytesLeft: number;
  #held: Buffer;
  #isHandshakeOver = false;
  #isWanted = false;
  #isWaiting = false;
  #hasEnded = false;
  #writes = 0;
  /** Of OpenSSL, until it is told. */
  #shutdown: object | null = null;
  #isShuttingDown = false;
  #isResetting = false;
  /** To be done as soon as the handle is not shutting down. */
  #close: (() => void) | null = null;

  /** The handle is the socket's from now on. */
  constructor(handle: TcpHandle, { own, turn, bytesMax, end }: TurnedSocketOptions) {
    const stream = new JSStream();
    super({ handle: stream, manualStart: true } as unknown as SocketConstructorOpts);
    this.#handle = handle;
    this.#stream = stream;
    this.#turn = turn;
    this.#bytesLeft = bytesMax;
    this.#end = end;
    this.#held = own;
    stream.isClosing = () => this.destroyed;
    stream.onreadstart = () => this.#readOn();
    stream.onreadstop = () => {
      this.#isWanted = false;
      return handle.readStop();
    };
    stream.onwrite = (request, buffers) => this.#write(request, buffers);
    stream.onshutdown = (request) => {
      if (this.destroyed) return canceled;
      this.#shutdown = request;
      this.#shutDownWhenWritten();
      return 0;
    };
    stream.close = (done) => this.#closeHandle(done);
    handle.onread = () => {
      this.#onRead();
      return undefined;
    };
    handle.useUserBuffer(readInto);
    // No error of a socket may bring the worker down.
    this.on('error', () => undefined);
  }

  get rawHandle(): TcpHandle {
    return this.#handle;
  }

  /** As a HandshakeSocket does. */
  async endOrderly(lingerMs: number | null): Promise<void> {
    this.#end = { ...this.#end, lingerMs };
    await destroyed(this);
  }

  /** The client has said who it is: what comes from now on is for the echo. */
  endHandshake(): void {
    this.#isHandshakeOver = true;
  }

  #readOn(): number {
    this.#isWanted = true;
    if (this.#isWaiting || this.#hasEnded) return 0;
    if (this.#held.length === 0) return this.#handle.readStart();
    void this.#giveHeld();
    return 0;
  }

  #onRead(): void {
    const length = streamBaseState[readBytesOrError] ?? 0;
    if (this.destroyed || length === 0) return;
    if (length > 0) {
      const bytes = readInto.subarray(0, length);
      if (this.#isHandshakeOver) this.#stream.readBuffer(bytes);
      else this.#hold(bytes);
    } else if (length === endOfFile) {
      this.#hasEnded = true;
      this.#stream.emitEOF();
    } else {
      const code = getSystemErrorName(length);
      // Node tells the TLS above of the close before it tells of the error.
      this.emit('error', Object.assign(new Error(`read ${code}`), { code, syscall: 'read' }));
      this.destroy();
    }
  }

  #hold(bytes: Buffer): void {
    this.#handle.readStop();
    this.#held = Buffer.from(bytes);
    void this.#giveHeld();
  }

  async #giveHeld(): Promise<void> {
    this.#isWaiting = true;
    await this.#turn();
    this.#isWaiting = false;
    if (this.destroyed) return;
    // What lies behind the handshake came with it, and is not counted.
    const rest = this.#held.subarray(this.#bytesLeft);
    const bytes = this.#held.subarray(0, this.#bytesLeft);
    this.#held = none;
    this.#bytesLeft -= bytes.length;
    this.#stream.readBuffer(bytes);
    if (this.destroyed) return;
    if (!this.#isHandshakeOver && this.#bytesLeft === 0) this.#refuse();
    else if (rest.length > 0) this.#stream.readBuffer(rest);
    if (this.#isWanted && !this.destroyed) this.#handle.readStart();
  }

  #refuse(): void {
    this.#isResetting = true;
    const error = new Error('the client says more in its handshake than it may');
    this.destroy(Object.assign(error, { code: handshakeTooLong }));
  }

  #write(request: object, buffers: Buffer[]): number {
    if (this.destroyed) return canceled;
    const done = (status: number) => {
      this.#writes -= 1;
      this.#stream.finishWrite(request, status);
      if (this.#shutdown !== null) this.#shutDownWhenWritten();
    };
    const write = Object.assign(new WriteWrap(), { oncomplete: done, buffers });
    const status = this.#handle.writev(write, buffers, true);
    if (status !== 0) return status;
    this.#writes += 1;
    // OpenSSL is to hear of it behind its call, which is one of ours, and yet before the loop goes on: see TlsAnswers.
    if (streamBaseState[lastWriteWasAsync] === 0) process.nextTick(done, 0);
    return 0;
  }

  /** A handle that shuts down can not be reset until it is through: so that begins when it can end soon. */
  #shutDownWhenWritten(): void {
    if (this.#writes > 0 || this.#isShuttingDown || this.destroyed) return;
    this.#isShuttingDown = true;
    const oncomplete = (status: number) => {
      this.#isShuttingDown = false;
      this.#endShutdown(status);
      this.#close?.();
    };
    const request: HandleRequest = Object.assign(new ShutdownWrap(), { oncomplete });
    const status = this.#handle.shutdown(request);
    if (status !== 0) setImmediate(oncomplete, status);
  }

  #endShutdown(status: number): void {
    const request = this.#shutdown;
    this.#shutdown = null;
    if (request !== null) this.#stream.finishShutdown(request, status);
  }

  override resetAndDestroy(): this {
    this.#isResetting = true;
    return this.destroy();
  }

  #closeHandle(done: () => void): void {
    const close = () => {
      this.#endShutdown(canceled);
      if (this.#isResetting) this.#handle.reset(done);
      else if (this.isOpened) this.#handle.close(done);
      else void endFailed(this.#handle, this.#end).then(done);
    };
    if (this.#isShuttingDown) this.#close = close;
    else close();
  }
}
