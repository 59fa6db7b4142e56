/** Plain TCP clients, as strict as a test wants them. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface TcpClient extends AsyncDisposable {
  readonly socket: Socket;
  /** Resolves when the connection is over, however it ended. */
  readonly ended: Promise<void>;
  /** Sends the text and resolves when as many bytes are back. */
  echo(text: string): Promise<string>;
}

export async function openClient(port: number, from = {}): Promise<TcpClient> {
  const socket = connect({ port, host: '127.0.0.1', ...from });
  const ended = new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
    socket.on('error', () => undefined);
  });
  await once(socket, 'connect');
  return {
    socket,
    ended,
    async echo(text) {
      let back = '';
      socket.write(text);
      while (back.length < text.length) {
        const [data] = await once(socket, 'data');
        back += String(data);
      }
      return back;
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await ended;
    },
  };
}

/** Sends the text and FIN; resolves with all that comes back before the other side's FIN. */
export async function talk(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.end(text);
  let back = '';
  for await (const data of socket) back += String(data);
  return back;
}
