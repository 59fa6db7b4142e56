/** What a client of TLS 1.3 sends by hand: Node's own has no KeyUpdate (RFC 8446, 4.6.3, 5.2, 7.2, 7.3). */
import { createCipheriv, createHmac } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { openClient } from './tcp-client.ts';

/** Its handshake is Node's, and it has said nothing yet. What comes back is Node's to read. */
export interface HandTls extends AsyncDisposable {
  readonly secure: TLSSocket;
  readonly socket: Socket;
  /** From now on its kernel alone takes what comes. */
  stopReading(): void;
  /** So many records, each of which wants an answer. */
  keyUpdates(count: number): Buffer;
  data(text: string): Buffer;
}

interface ReadingHandle {
  readonly _handle: { readStop(): void };
}

const [handshake, applicationData] = [22, 23];

export async function openHandTls(
  port: number,
  ca: string,
  more: Pick<ConnectionOptions, 'ALPNProtocols'> = {},
): Promise<HandTls> {
  const { socket, [Symbol.asyncDispose]: dispose } = await openClient(port);
  const ciphers = 'TLS_AES_128_GCM_SHA256';
  const options = { host: '127.0.0.1', ca, ciphers, minVersion: 'TLSv1.3' } as const;
  const secure = connect({ socket, ...options, ...more });
  secure.on('error', () => undefined);
  let secret = Buffer.alloc(0);
  secure.on('keylog', (line: Buffer) => {
    const [, hex] = /^CLIENT_TRAFFIC_SECRET_0 \S+ (\S+)/.exec(String(line)) ?? [];
    if (hex !== undefined) secret = Buffer.from(hex, 'hex');
  });
  // The server's ticket says that the client's Finished was read: nothing gets in before that.
  await Promise.all([once(secure, 'secureConnect'), once(secure, 'session')]);
  let sequence = 0;
  const record = (type: number, content: Buffer) => {
    const sealed = seal({ secret, sequence }, Buffer.from([...content, type]));
    sequence += 1;
    return sealed;
  };
  const keyUpdate = () => {
    const sealed = record(handshake, Buffer.from([24, 0, 0, 1, 1]));
    secret = expand(secret, 'traffic upd', 32);
    sequence = 0;
    return sealed;
  };
  return {
    secure,
    socket,
    // A pause of Node's waits for bytes of the stream, and KeyUpdates have none.
    stopReading: () => (secure as unknown as ReadingHandle)._handle.readStop(),
    keyUpdates: (count) => Buffer.concat(Array.from({ length: count }, keyUpdate)),
    data: (text) => record(applicationData, Buffer.from(text)),
    [Symbol.asyncDispose]: dispose,
  };
}

function expand(secret: Buffer, label: string, length: number): Buffer<ArrayBuffer> {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.from([0, length, name.length, ...name, 0, 1]);
  return Buffer.from(createHmac('sha256', secret).update(info).digest().subarray(0, length));
}

function seal(
  { secret, sequence }: { readonly secret: Buffer; readonly sequence: number },
  plain: Buffer,
): Buffer {
  const nonce = expand(secret, 'iv', 12);
  nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ sequence) >>> 0, 8);
  const header = Buffer.from([applicationData, 3, 3, 0, plain.length + 16]);
  const cipher = createCipheriv('aes-128-gcm', expand(secret, 'key', 16), nonce).setAAD(header);
  return Buffer.concat([header, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}
