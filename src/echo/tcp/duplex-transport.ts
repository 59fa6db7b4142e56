/** A byte stream over one of Node's own, as TLS is. */
import type { Duplex } from 'node:stream';
import { systemError } from '../udp/libc.ts';
import type { StreamTransport, TransportOwner } from './stream-transport.ts';
import { errorOf, type TcpHandle } from './tcp-handle.ts';

interface Resettable extends Duplex {
  readonly _handle?: TcpHandle | null;
  /** Where the other is none of the system's. */
  readonly rawHandle?: TcpHandle;
  resetAndDestroy?(): void;
}

export class DuplexTransport implements StreamTransport {
  readonly #stream: Resettable;
  readonly #socket: Resettable;
  readonly #owner: TransportOwner;
  /** How much of what was written waits is counted here: a stream that is destroyed says that nothing does. */
  #writtenBytes = 0;
  #takenBytes = 0;
  #isReading = false;
  #isEndUntold: boolean;
  #isResetNext = false;

  /** `socket` is what the stream runs over; itself where it runs over nothing. */
  constructor(stream: Duplex, socket: Duplex, owner: TransportOwner) {
    this.#stream = stream;
    this.#socket = socket;
    this.#owner = owner;
    // A FIN right behind the first bytes is over before we are there.
    this.#isEndUntold = stream.readableEnded;
    stream.on('data', (bytes: Buffer) => owner.onBytes(bytes));
    stream.pause();
    stream.on('end', () => {
      this.#isEndUntold = true;
      this.#tellEnd();
    });
    stream.on('finish', () => owner.onFinished());
    stream.on('error', (error: NodeJS.ErrnoException) => owner.onError(error.code ?? 'UNKNOWN'));
    stream.on('close', () => owner.onClosed());
  }

  get bytesWritten(): number {
    return this.#takenBytes;
  }

  get pendingBytes(): number {
    return this.#writtenBytes - this.#takenBytes;
  }

  write(bytes: Buffer): boolean {
    if (this.#stream.destroyed || this.#stream.writableEnded) return false;
    const { length } = bytes;
    this.#writtenBytes += length;
    return this.#stream.write(bytes, (error) => this.#onWritten(length, error));
  }

  /** Node tells the end of an empty stream even while it is paused. */
  #tellEnd(): void {
    if (!this.#isEndUntold || !this.#isReading || this.#stream.destroyed) return;
    this.#isEndUntold = false;
    this.#owner.onEnd();
  }

  resume(): void {
    this.#isReading = true;
    this.#stream.resume();
    if (this.#isEndUntold) queueMicrotask(() => this.#tellEnd());
  }

  pause(): void {
    this.#isReading = false;
    this.#stream.pause();
  }

  /** Its reads are what Node's streams make them: of TLS one record. */
  readSmall(): void {}

  look(): void {
    const { destroyed, readableEnded, writableEnded } = this.#stream;
    const isHeard = this.#isReading && !readableEnded;
    const { _handle, rawHandle: handle = _handle } = this.#socket;
    if (isHeard || destroyed || writableEnded || this.pendingBytes > 0 || handle == null) return;
    const error = errorOf(handle);
    if (error !== 0) this.#stream.destroy(systemError(-error));
  }

  end(): void {
    this.#stream.end();
  }

  finish(): void {
    this.#stream.end();
  }

  /** Behind a destroy Node tells of all that waited, and not always as of an error. */
  #onWritten(length: number, error: Error | null | undefined): void {
    if (error != null || this.#stream.destroyed) return;
    this.#takenBytes += length;
    if (this.pendingBytes > 0) return;
    if (this.#isResetNext) this.reset();
    else this.#owner.onDrain();
  }

  reset(isAfterWrites = false): void {
    if (this.#stream.destroyed) return;
    this.#isResetNext = isAfterWrites && this.pendingBytes > 0;
    if (this.#isResetNext) return;
    this.#socket.resetAndDestroy?.();
    this.#stream.destroy();
  }

  destroy(): void {
    this.#stream.destroy();
  }
}
