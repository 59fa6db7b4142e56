/** REST over one kept connection, as cheap as node:http makes it. */
import { Agent, request } from 'node:http';

export interface Rest {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  delete(path: string): Promise<void>;
  close(): void;
}

const timeoutMs = 60_000;

/** An answer other than 2xx throws. Each request has the headers of `always`, such as its key. */
export function restClient(port: number, always: Readonly<Record<string, string>> = {}): Rest {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const call = <T>(method: string, path: string, body?: unknown): Promise<T> =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers =
        text === undefined
          ? always
          : {
              ...always,
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(text),
            };
      const options = { host: '127.0.0.1', port, method, path, headers, agent, timeout: timeoutMs };
      const sent = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const answer = Buffer.concat(chunks).toString();
          const { statusCode = 0 } = response;
          if (statusCode >= 300) reject(new Error(`${method} ${path}: ${statusCode} ${answer}`));
          else resolve((answer === '' ? null : JSON.parse(answer)) as T);
        });
      });
      sent.on('error', reject).on('timeout', () => sent.destroy(new Error('no answer in time')));
      sent.end(text);
    });
  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    delete: (path) => call('DELETE', path),
    close: () => agent.destroy(),
  };
}
