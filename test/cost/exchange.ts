/** One HTTP request as cheap as node:http makes it: what it brings, and what comes back. */
import { Agent, request } from 'node:http';
import type { Sent } from './family.ts';

export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface Answer extends Sent {
  readonly status: number;
  readonly text: string;
}

const agent = new Agent({ keepAlive: true });
/** One that takes longer is let go: what it has cost by then is beyond any bound. */
const answerWithinMs = 30_000;
/** Of a request's line and headers, roughly. */
const headBytes = 150;

export async function exchange(url: string, ask: Ask): Promise<Answer> {
  const { method, path, headers = {}, body = '' } = ask;
  const bytes = Buffer.from(body);
  const bytesIn = headBytes + path.length + bytes.length;
  const type = bytes.length > 0 ? { 'content-type': 'application/json' } : {};
  return await new Promise<Answer>((resolve) => {
    const end = (status: number, chunks: readonly Buffer[]) => {
      const all = Buffer.concat(chunks);
      resolve({ calls: 1, bytesIn, bytesOut: all.length, status, text: all.toString() });
    };
    const sending = request(
      url + path,
      {
        method,
        agent,
        headers: { ...type, 'content-length': bytes.length, ...headers },
        signal: AbortSignal.timeout(answerWithinMs),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', () => end(0, chunks));
        response.on('end', () => end(response.statusCode ?? 0, chunks));
      },
    );
    // One that is not taken whole is hung up on, and has cost what it has cost.
    sending.on('error', () => end(0, []));
    sending.end(bytes);
  });
}

/** As one sent of them all. */
export function together(all: readonly Sent[]): Sent {
  const sum = (of: (sent: Sent) => number) => all.reduce((total, sent) => total + of(sent), 0);
  return {
    calls: sum(({ calls }) => calls),
    bytesIn: sum(({ bytesIn }) => bytesIn),
    bytesOut: sum(({ bytesOut }) => bytesOut),
    aboutBytes: sum(({ aboutBytes = 0 }) => aboutBytes),
    datagramsIn: sum(({ datagramsIn = 0 }) => datagramsIn),
    datagramsOut: sum(({ datagramsOut = 0 }) => datagramsOut),
    pieces: sum(({ pieces = 0 }) => pieces),
    passes: sum(({ passes = 0 }) => passes),
  };
}
