/** UDP clients that keep all that comes back, in order. */
import { createSocket, type SocketOptions } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { waitFor } from './wait-for.ts';

export interface UdpTarget {
  readonly ip: string;
  readonly port: number;
}

export interface Answer {
  readonly bytes: Buffer;
  readonly from: UdpTarget;
}

export interface UdpClient extends AsyncDisposable {
  readonly ip: string;
  readonly port: number;
  readonly answers: readonly Answer[];
  /** From now on it may send to broadcast addresses. */
  setBroadcast(): void;
  send(to: UdpTarget, payload: string | Buffer): Promise<void>;
  /** Sends, and resolves with the next datagram that comes back. */
  echo(to: UdpTarget, payload: string | Buffer): Promise<Buffer>;
}

export interface UdpClientOptions extends Partial<SocketOptions> {
  readonly ip?: string;
  readonly port?: number;
}

export async function openUdp(options: UdpClientOptions = {}): Promise<UdpClient> {
  const { ip = '127.0.0.1', port = 0, ...rest } = options;
  const socket = createSocket({ type: isIPv6(ip) ? 'udp6' : 'udp4', ...rest });
  const answers: Answer[] = [];
  socket.on('message', (bytes, { address, port: remotePort }) => {
    answers.push({ bytes, from: { ip: address, port: remotePort } });
  });
  const listening = once(socket, 'listening');
  socket.bind(port, ip);
  await listening;
  socket.setRecvBufferSize(4_194_304);
  const send = (to: UdpTarget, payload: string | Buffer) =>
    new Promise<void>((resolve, reject) => {
      socket.send(payload, to.port, to.ip, (error) => (error === null ? resolve() : reject(error)));
    });
  return {
    ip,
    port: socket.address().port,
    answers,
    setBroadcast: () => void socket.setBroadcast(true),
    send,
    async echo(to, payload) {
      const before = answers.length;
      await send(to, payload);
      const answer = await waitFor('an echo', () => answers[before], 5000);
      return answer.bytes;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}
