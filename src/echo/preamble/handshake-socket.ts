/**
 * What a TLS handshake runs over. Node closes it at once when the handshake fails: with bytes unread, such as those that a
 * client has sent behind its own part of the handshake, the kernel would make that RST, and the client would lose the
 * alert that tells it why. So it ends as other connections do.
 */
import { once } from 'node:events';
import { Socket, type SocketConstructorOpts } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { TcpHandle } from '../tcp/tcp-handle.ts';
import { endOrderly, type OrderlyEnd } from './orderly-end.ts';

/** Of who goes on sending to a handshake that has failed. */
const droppedBytesMax = 65_536;

/** With FIN. Resolves when the handle is closed. */
export async function endFailed(handle: TcpHandle, end: OrderlyEnd): Promise<void> {
  // OpenSSL writes an alert behind what it wrote in this turn, which Node ends in the next.
  await turn();
  await endOrderly(handle, end, droppedBytesMax);
}

/** Resolves when it is closed. */
export async function destroyed(socket: Socket): Promise<void> {
  if (socket.closed) return;
  const closed = once(socket, 'close');
  socket.destroy();
  await closed;
}

export class HandshakeSocket extends Socket {
  declare _handle: TcpHandle | null;
  /** Its handshake is over: from then on it is closed as anybody says. */
  isOpened = false;
  #end: OrderlyEnd;

  /** As a server of Node's makes it of what it accepts, paused; with what was read before it in it. */
  constructor(handle: TcpHandle, own: Buffer, end: OrderlyEnd) {
    const options = { allowHalfOpen: true, pauseOnCreate: true, readable: true, writable: true };
    super({ ...options, handle } as unknown as SocketConstructorOpts);
    this.#end = end;
    // It stays: no error of a socket may bring the worker down.
    this.on('error', () => undefined);
    if (own.length > 0) this.unshift(own);
  }

  /** Null: it waits for nobody. Resolves when it is closed. */
  async endOrderly(lingerMs: number | null): Promise<void> {
    this.#end = { ...this.#end, lingerMs };
    await destroyed(this);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { _handle: handle } = this;
    if (this.isOpened || handle === null) {
      super._destroy(error, done);
      return;
    }
    // It is not Node's to close any more, nor to count.
    Object.defineProperty(this, 'bytesRead', { value: this.bytesRead });
    this._handle = null;
    handle.readStop();
    void endFailed(handle, this.#end).then(() => super._destroy(error, done));
  }
}
