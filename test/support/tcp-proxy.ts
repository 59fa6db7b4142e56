/** A network between two ends: a TCP port in front of a server, which can be cut, held, slow, or deaf one way. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** How many connections go through it. */
  readonly connections: number;
  /** How many have come so far. */
  readonly accepted: number;
  /** Everything passes. */
  restore(): void;
  /** Resets what is open, and refuses what comes. */
  cut(): void;
  /** Nothing passes, and nobody is told: as a firewall that drops. */
  hold(): void;
  /** What is asked is done; no answer comes back until a cut. */
  mute(): void;
  /** What is asked does not come through; the server may say what it wants, until a cut. */
  deafen(): void;
  /**
   * The next connection whose client has asked from now on what is meant has it done, and is reset in place of the
   * answer; resolves then.
   */
  loseAnswer(meant: RegExp): Promise<void>;
  /** Everything passes, and takes so long each way. */
  delay(ms: number): void;
}

type Mode = 'open' | 'cut' | 'held' | 'muted' | 'deaf';

/** `tap` is made for each connection, and sees what its client sends. */
export async function startTcpProxy(
  connectServer: () => Socket,
  tap: () => (data: Buffer) => void = () => () => undefined,
): Promise<TcpProxy> {
  const pairs = new Map<Socket, Socket>();
  let accepted = 0;
  let mode: Mode = 'open';
  let delayMs = 0;
  let losing: { meant: RegExp; asked: Map<Socket, string>; done: () => void } | null = null;
  const pass = (to: Socket, data: Buffer) => {
    if (delayMs === 0) to.write(data);
    else setTimeout(() => void (to.destroyed || to.write(data)), delayMs);
  };
  const server = createServer((client) => {
    accepted += 1;
    if (mode === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connectServer();
    pairs.set(client, upstream);
    const end = () => {
      pairs.delete(client);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('close', end).on('error', end);
    const see = tap();
    let onAnswer: (() => void) | null = null;
    client.on('data', (data: Buffer) => {
      see(data);
      if (losing !== null) {
        const asked = `${losing.asked.get(client) ?? ''}${data}`;
        losing.asked.set(client, asked);
        if (losing.meant.test(asked)) {
          onAnswer = losing.done;
          losing = null;
        }
      }
      if (mode !== 'deaf') pass(upstream, data);
    });
    upstream.on('data', (data: Buffer) => {
      if (onAnswer !== null) {
        client.resetAndDestroy();
        onAnswer();
      } else if (mode !== 'muted') pass(client, data);
    });
    apply(client, upstream);
  });
  const apply = (client: Socket, upstream: Socket) => {
    for (const socket of [client, upstream]) {
      if (mode === 'held') socket.pause();
      else socket.resume();
    }
  };
  const change = (next: Mode, nextDelayMs = 0) => {
    const isLossy = mode === 'muted' || mode === 'deaf';
    // What was swallowed is missing for good, and what waits may not be overtaken: such a connection can not go on.
    if (isLossy || next === 'cut' || nextDelayMs < delayMs)
      for (const client of pairs.keys()) client.resetAndDestroy();
    mode = next;
    delayMs = nextDelayMs;
    for (const [client, upstream] of pairs) apply(client, upstream);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('not a TCP address');
  return {
    port: address.port,
    get connections() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    restore: () => change('open'),
    cut: () => change('cut'),
    hold: () => change('held'),
    mute: () => change('muted'),
    deafen: () => change('deaf'),
    loseAnswer: (meant) =>
      new Promise<void>((done) => {
        losing = { meant, asked: new Map(), done };
      }),
    delay: (ms) => change('open', ms),
    async [Symbol.asyncDispose]() {
      server.close();
      for (const [client, upstream] of pairs) {
        client.destroy();
        upstream.destroy();
      }
      await once(server, 'close');
    },
  };
}
