/** Accepts on loopback, runs the preamble of each connection, and echoes what comes behind it. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { ListenerSpec } from '../../src/core/listener.ts';
import { type Preamble, runPreamble, trustOf } from '../../src/echo/preamble/preamble.ts';
import { PreambleError } from '../../src/echo/preamble/preamble-error.ts';
import { PreambleTurns } from '../../src/echo/preamble/preamble-turns.ts';
import { TlsAcceptor } from '../../src/echo/preamble/tls-acceptor.ts';
import { DuplexTransport } from '../../src/echo/tcp/duplex-transport.ts';
import { certificates } from '../../src/tls/certificates.ts';
import { waitFor } from './wait-for.ts';

export interface PreambleServerOptions {
  readonly proxyProtocol?: ListenerSpec['proxyProtocol']['mode'];
  readonly trustedCidrs?: readonly string[];
  /** TLS with these settings on top of the defaults; absent: TCP. */
  readonly tls?: Partial<Parameters<typeof certificates.prepare>[0]>;
  readonly timeoutMs?: number;
  readonly optionalHeaderWaitMs?: number;
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

export async function preambleServer(options: PreambleServerOptions = {}) {
  const outcomes: Outcome[] = [];
  const sockets: Socket[] = [];
  const stop = new AbortController();
  const prepared =
    options.tls === undefined
      ? null
      : await certificates.prepare({ ...defaults, ...options.tls }, '127.0.0.1');
  const tls = prepared === null ? null : new TlsAcceptor(prepared.settings, prepared.key);
  const isTrusted = trustOf(options.trustedCidrs ?? []);
  const turns = options.turns ?? new PreambleTurns(1000);
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.push(socket);
    const run = runPreamble({
      socket,
      raddrIp: socket.remoteAddress ?? '',
      proxyProtocol: options.proxyProtocol ?? 'off',
      isTrusted,
      tls,
      turns,
      timeoutMs: options.timeoutMs ?? 20_000,
      optionalHeaderWaitMs: options.optionalHeaderWaitMs ?? 3000,
      signal: stop.signal,
    });
    run.then(
      (preamble) => {
        outcomes.push({ preamble, error: null });
        echo(preamble, socket);
      },
      (error: unknown) => void outcomes.push({ preamble: null, error }),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('not an IP socket');
  return {
    port: address.port,
    cert: prepared?.settings.cert ?? '',
    outcomes,
    sockets,
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
      await waitFor('the socket to be closed', () => sockets[index]?.destroyed);
      return outcome.error;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function echo({ stream }: Preamble, socket: Socket): void {
  const transport: DuplexTransport = new DuplexTransport(stream, socket, {
    onBytes: (bytes) => {
      if (!transport.write(bytes)) transport.pause();
    },
    onDrain: () => transport.resume(),
    onEnd: () => transport.finish(),
    onFinished: () => undefined,
    onError: () => undefined,
    onClosed: () => undefined,
  });
  transport.resume();
}
