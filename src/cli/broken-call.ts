/** What a call that broke tells of who is there: the words of Node's parsers, and of OpenSSL, tell nobody that. */
import { once } from 'node:events';
import { connect } from 'node:tls';

const grpcText = 'it looks like the port of gRPC, and the command speaks REST';
export const tlsText = 'it speaks TLS, and no HTTP without it: try https://';

/** Of a record of TLS (RFC 8446, 5.1), by which a server says that it could not read what came. */
const alertRecord = 0x15;
/** The type of the frame with which HTTP/2 begins (RFC 9113, 3.4 and 6.5). */
const settingsFrame = 4;
const probeTimeoutMs = 2000;

type Broken = NodeJS.ErrnoException & {
  /** What a parser of HTTP/1.1 could not read. */
  readonly rawPacket?: Uint8Array;
};

/** OpenSSL says what is wrong between places in its sources, and ends the line. */
const openSslReason = /:error:\w+:SSL routines:[^:]*:(?:ssl\/tls )?([^:]+):/;

/** In one line. A host of several addresses fails with one error for each. */
export function causeText(error: Error): string {
  if (error instanceof AggregateError) {
    return error.errors.map((each: unknown) => String((each as Error).message)).join(', ');
  }
  const { message, code, rawPacket } = error as Broken;
  if (code?.startsWith('HPE_')) {
    if (rawPacket?.[0] === alertRecord) return tlsText;
    return rawPacket?.[3] === settingsFrame ? grpcText : 'what it answers is not HTTP';
  }
  const [, reason = null] = openSslReason.exec(message) ?? [];
  if (reason === null) return message;
  // An echo says what it was told, and other servers something that is no record of TLS.
  const isNoTls = /^(wrong version number|unexpected message)$/.test(reason);
  return isNoTls ? 'it speaks no TLS: try http://' : `TLS fails: ${reason}`;
}

/** What servers that speak something else answer in HTTP/1.1; null where it is none of that. */
export function otherSpeech(text: string): string | null {
  // Node's own, of HTTP/2 alone over TLS.
  if (text.includes('expected `h2`')) return grpcText;
  // Of nginx, Go and Apache, on their ports of TLS.
  const isTls = /HTTP request (was sent )?to (an )?HTTPS|plain HTTP to an SSL/.test(text);
  return isTls ? tlsText : null;
}

export function isHungUp(error: unknown): boolean {
  return (error as Partial<NodeJS.ErrnoException>).code === 'ECONNRESET';
}

/** Whether TLS is spoken there, whoever it is: most servers of it hang up on all else without a word. */
export async function speaksTls({ hostname, port }: URL): Promise<boolean> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const options = { host, port: Number(port || 80), rejectUnauthorized: false };
  const socket = connect(options).on('error', () => undefined);
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(probeTimeoutMs) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
