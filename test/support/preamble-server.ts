/** Accepts on loopback, runs the preamble of each connection, and echoes what comes behind it. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { ListenerSpec, NewTls } from '../../src/core/listener.ts';
import { projectRef } from '../../src/core/project.ts';
import { Turns } from '../../src/core/turns.ts';
import { type Preamble, runPreamble, trustOf } from '../../src/echo/preamble/preamble.ts';
import { PreambleError } from '../../src/echo/preamble/preamble-error.ts';
import { PreambleTurns } from '../../src/echo/preamble/preamble-turns.ts';
import { TlsAcceptor, type TlsLimits } from '../../src/echo/preamble/tls-acceptor.ts';
import { addressOf } from '../../src/echo/tcp/peer-names.ts';
import type { StreamTransport } from '../../src/echo/tcp/stream-transport.ts';
import { type TcpHandle, takeHandles } from '../../src/echo/tcp/tcp-handle.ts';
import { certificatesIn } from '../../src/tls/certificates.ts';
import { waitFor } from './wait-for.ts';

export interface PreambleServerOptions {
  readonly proxyProtocol?: ListenerSpec['proxyProtocol']['mode'];
  readonly trustedCidrs?: readonly string[];
  /** TLS with these settings on top of the defaults; absent: TCP. */
  readonly tls?: Partial<NewTls>;
  readonly limits?: Partial<TlsLimits>;
  readonly timeoutMs?: number;
  readonly optionalHeaderWaitMs?: number;
  readonly project?: number;
  readonly turns?: PreambleTurns;
}

export type Outcome =
  | { readonly preamble: Preamble; readonly error: null }
  | { readonly preamble: null; readonly error: unknown };

const defaults = {
  cert: null,
  key: null,
  ca: null,
  clientAuth: 'none',
  minVersion: 'TLSv1.2',
} as const;

const defaultLimits: TlsLimits = {
  tlsHandshakeBytesMax: 16_384,
  tlsAnswerBytesMax: 262_144,
  tlsAnswerLookMs: 1000,
};

const certificates = certificatesIn(new Turns({ pieceItemsMax: 1, turnMs: 1 }));

export async function preambleServer(options: PreambleServerOptions = {}) {
  const outcomes: Outcome[] = [];
  const sockets: WatchedSocket[] = [];
  const errors: string[] = [];
  const stop = new AbortController();
  const prepared =
    options.tls === undefined
      ? null
      : await certificates.prepare({ ...defaults, ...options.tls }, '127.0.0.1', projectRef(1));
  const limits = { ...defaultLimits, ...options.limits };
  const tls = prepared === null ? null : new TlsAcceptor(prepared.settings, prepared.key, limits);
  const isTrusted = trustOf(options.trustedCidrs ?? []);
  const turns =
    options.turns ?? new PreambleTurns({ preamblesMax: 1000, preamblePatienceMs: 20_000 });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  takeHandles(server, (_, handle) => {
    sockets.push(new WatchedSocket(handle));
    const run = runPreamble({
      handle,
      raddrIp: addressOf(handle, 'getpeername')?.ip ?? '',
      proxyProtocol: options.proxyProtocol ?? 'off',
      isTrusted,
      tls,
      project: projectRef(options.project ?? 1),
      turns,
      timeoutMs: options.timeoutMs ?? 20_000,
      optionalHeaderWaitMs: options.optionalHeaderWaitMs ?? 3000,
      lingerMs: 1000,
      signal: stop.signal,
    });
    run.then(
      (preamble) => {
        outcomes.push({ preamble, error: null });
        echo(preamble, errors);
      },
      (error: unknown) => void outcomes.push({ preamble: null, error }),
    );
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('not an IP socket');
  return {
    port: address.port,
    cert: prepared?.settings.cert ?? '',
    outcomes,
    sockets,
    /** Of the echoes, in the order in which they came. */
    errors,
    stop,
    /** How the n-th preamble to end ended well. */
    async preamble(index = 0): Promise<Preamble> {
      const outcome = await waitFor('a preamble', () => outcomes[index]);
      if (outcome.preamble === null) throw outcome.error;
      return outcome.preamble;
    },
    /** How the n-th preamble to end failed. */
    async failure(index = 0): Promise<PreambleError> {
      const outcome = await waitFor('a failed preamble', () => outcomes[index]);
      if (!(outcome.error instanceof PreambleError)) {
        throw new Error('the preamble did not fail as one', { cause: outcome.error });
      }
      await waitFor('the socket to be closed', () => sockets[index]?.isClosed);
      return outcome.error;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      stop.abort(new PreambleError({ initiator: 'system', reason: 'shutdown', code: null }));
      await waitFor('the preambles', () => outcomes.length === sockets.length);
      for (const socket of sockets) socket.close();
      await closed;
    },
  };
}

/** What was accepted, and whether it is closed by now. */
class WatchedSocket {
  readonly #handle: TcpHandle & { readonly bytesRead: number };
  #bytesRead = 0;
  isClosed = false;

  constructor(handle: TcpHandle) {
    this.#handle = handle as TcpHandle & { readonly bytesRead: number };
    for (const how of ['close', 'reset'] as const) {
      const end = handle[how];
      const watched = (...args: unknown[]): unknown => {
        this.#bytesRead = this.bytesRead;
        this.isClosed = true;
        return Reflect.apply(end, handle, args);
      };
      Object.assign(handle, { [how]: watched });
    }
  }

  get bytesRead(): number {
    return this.isClosed ? this.#bytesRead : this.#handle.bytesRead;
  }

  get fd(): number {
    return this.#handle.fd;
  }

  close(): void {
    if (!this.isClosed) this.#handle.close();
  }
}

function echo({ makeTransport }: Preamble, errors: string[]): void {
  const transport: StreamTransport = makeTransport({
    onBytes: (bytes) => {
      if (!transport.write(bytes)) transport.pause();
    },
    onDrain: () => transport.resume(),
    onEnd: () => transport.finish(),
    onFinished: () => undefined,
    onError: (code) => void errors.push(code),
    onClosed: () => undefined,
  });
  transport.resume();
}
