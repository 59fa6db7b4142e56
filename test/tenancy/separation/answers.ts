/** One call through either edge, and all that its caller was told: status, headers, trailers, body, items of a stream. */
import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { type GrpcClient, grpcClient, type Message } from '../../support/grpc-client.ts';
import type { RunningApp } from '../../support/test-app.ts';
import type { Ask } from './asks.ts';

export type EdgeName = 'rest' | 'grpc';

export interface Answer {
  readonly isRefused: boolean;
  /** All of it, but for what no two answers have alike. */
  readonly text: string;
  /** All that was asked, as text. */
  readonly asked: string;
}

type Headers = Readonly<Record<string, string>>;

const timeoutMs = 60_000;
/** No two answers have these alike. */
const passing = new Set(['date', 'content-length', 'x-request-id', 'kodama-request-id']);

export async function askRest(app: RunningApp, { rest }: Ask, own: Headers): Promise<Answer> {
  const [method, path, given] = rest;
  const isStream = path.includes('endAtHead');
  const reply = await fetch(app.url + path, {
    method,
    headers: {
      ...own,
      accept: isStream ? 'application/x-ndjson' : '*/*',
      ...(given !== undefined && { 'content-type': 'application/json' }),
    },
    body: given === undefined ? null : JSON.stringify(given),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const lines = [...reply.headers].filter(([name]) => !passing.has(name));
  const body = (await reply.text()).replace(/"uptimeMs":\d+/, '"uptimeMs":0');
  const told = `${reply.status}\n${JSON.stringify(lines)}\n${body}`;
  return {
    isRefused: reply.status >= 400,
    text: told.replaceAll(reply.headers.get('x-request-id') ?? '', '<request>'),
    asked: JSON.stringify([path, given, own]),
  };
}

/** One client is enough for all callers: a call has its own metadata. */
export class GrpcCaller implements Disposable {
  readonly #client: GrpcClient;

  constructor(app: RunningApp) {
    this.#client = grpcClient(app.grpcAddress);
  }

  async ask(parts: NonNullable<Ask['grpc']>, given: Headers): Promise<Answer> {
    const [service, method, request] = parts;
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(given)) metadata.set(name, value);
    const told: string[] = [];
    const end = await this.#call([service, method, request], metadata, (what) =>
      told.push(JSON.stringify(what)),
    );
    const { code, details, metadata: trailers } = end;
    told.push(String(code), details, textOf(trailers));
    const [requestId = ''] = trailers.get('kodama-request-id').map(String);
    const text = told.join('\n');
    return {
      isRefused: code !== status.OK,
      text: requestId === '' ? text : text.replaceAll(requestId, '<request>'),
      asked: JSON.stringify([request, given]),
    };
  }

  #call(
    [service, method, request]: NonNullable<Ask['grpc']>,
    metadata: Metadata,
    tell: (what: unknown) => void,
  ): Promise<StatusObject> {
    const { [service]: stub } = this.#client;
    const methods = stub as unknown as Readonly<Record<string, (...given: unknown[]) => Message>>;
    return new Promise((resolve, reject) => {
      const isStream = method === 'StreamEvents';
      const done = (_: unknown, answer: unknown) => tell(answer ?? null);
      const options = { deadline: Date.now() + timeoutMs };
      const call = isStream
        ? methods[method]?.call(stub, request, metadata, options)
        : methods[method]?.call(stub, request, metadata, options, done);
      if (call === undefined) return reject(new TypeError(`no call ${method}`));
      call.on('metadata', (headers: Metadata) => tell(textOf(headers)));
      if (isStream) call.on('data', tell).on('error', () => undefined);
      call.on('status', resolve);
    });
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}

/** Binary values, too: a protobuf holds text as it is. */
function textOf(metadata: Metadata): string {
  const lines = Object.entries(metadata.toHttp2Headers()).filter(([name]) => !passing.has(name));
  return JSON.stringify(
    lines.map(([name, values]) => {
      const plain = [values].flat().map((value) => {
        const isBinary = name.endsWith('-bin') && typeof value === 'string';
        return isBinary ? Buffer.from(value, 'base64').toString('latin1') : value;
      });
      return [name, plain];
    }),
  );
}
