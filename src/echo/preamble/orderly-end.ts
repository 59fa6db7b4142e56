/** Ends a connection that was not opened, as those that are open end: see the close of StreamConnection. */
import { HandleTransport } from '../tcp/handle-transport.ts';
import { Linger } from '../tcp/linger.ts';
import type { TcpHandle } from '../tcp/tcp-handle.ts';

export interface OrderlyEnd {
  /** How long the client has to end its side; null: it is waited for no longer than until the FIN is sent. */
  readonly lingerMs: number | null;
  /** From then on it is waited for no longer than that, either. */
  readonly signal: AbortSignal;
}

/**
 * FIN, and then the client has a while. What it sends, or has sent, is read and dropped, so many bytes at most: a close
 * with bytes unread would be RST. Resolves when the handle is closed.
 */
export function endOrderly(
  handle: TcpHandle,
  { lingerMs, signal }: OrderlyEnd,
  droppedBytesMax = Number.POSITIVE_INFINITY,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let dropped = 0;
  let hasEnded = false;
  let hasFinished = false;
  const closeWhenDone = () => {
    const isHasty = lingerMs === null || signal.aborted;
    // The FIN stands behind what was written before, of which its client takes nothing.
    const isStuck = isHasty && handle.writeQueueSize > 0;
    if (isStuck || (hasFinished && (hasEnded || isHasty))) transport.destroy();
  };
  const transport = new HandleTransport(handle, {
    onBytes: ({ length }) => {
      dropped += length;
      if (dropped > droppedBytesMax) transport.destroy();
    },
    onEnd: () => {
      hasEnded = true;
      closeWhenDone();
    },
    onDrain: () => undefined,
    onFinished: () => {
      hasFinished = true;
      closeWhenDone();
    },
    onError: () => undefined,
    onClosed: () => {
      linger?.stop();
      signal.removeEventListener('abort', closeWhenDone);
      resolve();
    },
  });
  const linger = lingerMs === null ? null : new Linger(transport, lingerMs);
  linger?.begin('fin');
  signal.addEventListener('abort', closeWhenDone);
  transport.resume();
  transport.end();
  closeWhenDone();
  return promise;
}
