/** HTTP by hand, for what no client would send. */
import { connect } from 'node:net';

export interface RawReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** All that came, until the server ended the connection. */
  readonly text: string;
}

/** Sends the text, and resolves when the server has ended the connection. */
export async function rawHttp(port: number, text: string): Promise<RawReply> {
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('utf8');
  socket.write(text);
  let received = '';
  // A reset after the answer is no matter.
  socket.on('error', () => undefined);
  for await (const part of socket.iterator({ destroyOnReturn: true })) received += part;
  return parseReply(received);
}

function parseReply(text: string): RawReply {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(headers),
    body: text.slice(end + 4),
    text,
  };
}
