/** Ends a connection that was not opened, as those that are open end: see the close of StreamConnection. */
import { HandleTransport } from '../tcp/handle-transport.ts';
import { Linger } from '../tcp/linger.ts';
import type { TcpHandle } from '../tcp/tcp-handle.ts';

/**
 * FIN, and then the client has a while to end its side; null: it is waited for no longer than until the FIN is sent. What
 * it sends, or has sent, is read and dropped, so many bytes at most: a close with bytes unread would be RST. Resolves when
 * the handle is closed.
 */
export function endOrderly(
  handle: TcpHandle,
  lingerMs: number | null,
  droppedBytesMax = Number.POSITIVE_INFINITY,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let dropped = 0;
  let hasEnded = false;
  let hasFinished = false;
  const closeWhenDone = () => {
    if (hasFinished && (hasEnded || lingerMs === null)) transport.destroy();
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
      resolve();
    },
  });
  const linger = lingerMs === null ? null : new Linger(transport, lingerMs);
  linger?.begin('fin');
  transport.resume();
  transport.end();
  return promise;
}
