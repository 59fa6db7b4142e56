/**
 * What stands between a client and a server and forgets them when they have been silent for too long: a NAT, a firewall, a
 * load balancer. It ends them as one of these does:
 *
 *   rst, fin       it resets, or closes, both sides when the time is over
 *   silent         it drops what comes, both ways, and tells nobody
 *   rst_on_next    it tells nobody until a packet comes, whose sender it resets
 *   remapped       UDP: the next datagram of a client goes on from another port
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface TimeoutBox extends AsyncDisposable {
  readonly port: number;
}

export interface TimeoutBoxOptions {
  /** Where it leads, on this host; asked for with the first that comes. */
  readonly toPort: () => Promise<number>;
  readonly timeoutMs: number;
  readonly ending: 'rst' | 'fin' | 'silent' | 'rst_on_next' | 'remapped';
  /** Only what clients send keeps them in mind, as RFC 4787 (REQ-6) allows. */
  readonly isOutboundOnly?: boolean;
}

const ip = '127.0.0.1';

/** Calls when nobody has refreshed it for so long; what lies in a socket by then counts as come. */
class Silence {
  readonly #timer: NodeJS.Timeout;
  #refreshes = 0;

  constructor(timeoutMs: number, onOver: () => void) {
    this.#timer = setTimeout(() => {
      const before = this.#refreshes;
      setImmediate(() => {
        if (this.#refreshes === before) onOver();
      });
    }, timeoutMs);
  }

  refresh(): void {
    this.#refreshes += 1;
    this.#timer.refresh();
  }

  stop(): void {
    this.#refreshes += 1;
    clearTimeout(this.#timer);
  }
}

/** Whoever asks later gets what the first was given. */
function onceOnly(ask: () => Promise<number>): () => Promise<number> {
  let answer: Promise<number> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}

export async function startTcpBox(options: TimeoutBoxOptions): Promise<TimeoutBox> {
  const sockets = new Set<Socket>();
  const toPort = onceOnly(options.toPort);
  const accept = async (client: Socket) => {
    sockets.add(client);
    const inner = connect({ host: ip, port: await toPort(), allowHalfOpen: true });
    sockets.add(inner);
    pair(client, inner, options);
  };
  const server = createServer({ allowHalfOpen: true }, (client) => void accept(client));
  server.listen(0, ip);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('not a TCP address');
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

function pair(client: Socket, inner: Socket, options: TimeoutBoxOptions): void {
  const { timeoutMs, ending, isOutboundOnly = false } = options;
  let isForgotten = false;
  const silence = new Silence(timeoutMs, () => {
    isForgotten = true;
    for (const socket of [client, inner]) {
      if (ending === 'rst') socket.resetAndDestroy();
      else if (ending === 'fin') socket.end();
    }
  });
  const pass = (from: Socket, to: Socket, isRefreshing: boolean) => {
    from.on('data', (bytes) => {
      if (isForgotten) {
        if (ending === 'rst_on_next') from.resetAndDestroy();
        return;
      }
      if (isRefreshing) silence.refresh();
      to.write(bytes);
    });
    from.on('end', () => {
      if (!isForgotten) to.end();
    });
    from.on('error', () => {
      if (!isForgotten) to.resetAndDestroy();
    });
    from.on('close', () => silence.stop());
  };
  pass(client, inner, true);
  pass(inner, client, !isOutboundOnly);
}

/** Of a client by its address; null once it is forgotten for good. */
type Mapping = { readonly socket: UdpSocket; readonly silence: Silence } | null;

export async function startUdpBox(options: TimeoutBoxOptions): Promise<TimeoutBox> {
  const { timeoutMs, ending, isOutboundOnly = false } = options;
  const toPort = onceOnly(options.toPort);
  const mappings = new Map<string, Mapping>();
  const outer = createSocket('udp4');
  const map = (key: string, port: number, innerPort: number) => {
    const socket = createSocket('udp4').on('error', () => undefined);
    const silence = new Silence(timeoutMs, () => {
      socket.close();
      if (ending === 'remapped') mappings.delete(key);
      else mappings.set(key, null);
    });
    socket.on('message', (bytes, from) => {
      // As a NAT filters: another test may still answer who had this port before.
      if (from.port !== innerPort) return;
      if (!isOutboundOnly) silence.refresh();
      outer.send(bytes, port, ip);
    });
    return { socket, silence };
  };
  const forward = async (bytes: Buffer, { address, port }: RemoteInfo) => {
    const innerPort = await toPort();
    const key = `${address} ${port}`;
    const mapping = mappings.has(key) ? mappings.get(key) : map(key, port, innerPort);
    if (mapping === null || mapping === undefined) return;
    mappings.set(key, mapping);
    mapping.silence.refresh();
    mapping.socket.send(bytes, innerPort, ip);
  };
  outer.on('message', (bytes, from) => void forward(bytes, from));
  outer.bind(0, ip);
  await once(outer, 'listening');
  return {
    port: outer.address().port,
    async [Symbol.asyncDispose]() {
      for (const mapping of mappings.values()) {
        mapping?.silence.stop();
        mapping?.socket.close();
      }
      outer.close();
      await once(outer, 'close');
    },
  };
}
