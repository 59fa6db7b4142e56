/** Plain TCP clients, as strict as a test wants them. */
import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { waitFor } from './wait-for.ts';

export interface TcpClient extends AsyncDisposable {
  readonly socket: Socket;
  /** Resolves when the connection is over, however it ended. */
  readonly ended: Promise<void>;
  /** All that has come back so far. */
  readonly received: Buffer;
  /** The server's FIN was seen. */
  readonly sawEnd: boolean;
  /** The system's code, such as ECONNRESET; null while all is well. */
  readonly error: string | null;
  /** Sends the text and resolves when as many bytes are back. */
  echo(text: string): Promise<string>;
}

export async function openClient(
  port: number,
  options: Partial<NetConnectOpts> = {},
): Promise<TcpClient> {
  const socket = connect({ host: '127.0.0.1', noDelay: true, ...options, port });
  const chunks: Buffer[] = [];
  let sawEnd = false;
  let failure: string | null = null;
  socket.on('data', (data: Buffer) => chunks.push(data));
  socket.on('end', () => {
    sawEnd = true;
  });
  const ended = new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code ?? error.message;
    });
  });
  await once(socket, 'connect');
  const received = () => Buffer.concat(chunks);
  return {
    socket,
    ended,
    get received() {
      return received();
    },
    get sawEnd() {
      return sawEnd;
    },
    get error() {
      return failure;
    },
    async echo(text) {
      const before = received().length;
      socket.write(text);
      const bytes = Buffer.byteLength(text);
      await waitFor(`${bytes} bytes`, () => received().length >= before + bytes);
      return received()
        .subarray(before, before + bytes)
        .toString();
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
