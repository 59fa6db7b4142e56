/**
 * The bound sockets of one UDP listener.
 *
 * An answer must leave from the address that its datagram was sent to, else the client does not know it for one. Node
 * passes that address neither in nor out. So, as BIND and ntpd do, a wildcard bind is one socket for the wildcard and
 * one for each address of this host: the kernel gives a datagram to the closest match, and what that socket sends has
 * its address. What is left to the wildcard is read past Node, dearer, with the address that each datagram tells.
 *
 *   0.0.0.0:P ─┬─ 127.0.0.1:P    laddr is known, the answer comes from it
 *              ├─ 192.0.2.2:P
 *              └─ 0.0.0.0:P      127.0.0.5, addresses of later, local routes: WildcardReader
 *
 * Only Linux spreads sockets that share a port like that. Elsewhere there is the wildcard alone, whose answers leave
 * from where the route says; as do those of the wildcard where it can not be read past Node.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { Address } from '../../core/address.ts';
import type { Share } from '../messages.ts';
import type { SocketBudget } from '../socket-budget.ts';
import type { BatchReader, DatagramBatches, OnSent } from './datagram-batches.ts';
import { isCovered } from './host-addresses.ts';
import type { WildcardReader } from './wildcard-reader.ts';

/** Room for some of the largest datagrams; the system may give less. */
const socketBufferBytes = 1_048_576;
/** More addresses than this are served by the wildcard socket alone. */
const addressSocketsMax = 16;
/** Another process may take the port between our finding it and binding it. */
const attemptsMax = 5;

/** Where a datagram came from, as its socket names it: where its answers go. */
export interface UdpRemote {
  readonly address: string;
  readonly port: number;
  /** The same text for the same address, where it is known already. */
  readonly key?: string;
}

/** An address of ours at which datagrams arrive, and which their answers leave from. */
export interface UdpEndpoint {
  readonly laddr: Address;
  readonly fd: number;
  /** The address stands for many hosts (broadcast, multicast); false where the system does not tell. */
  readonly isGroup: boolean;
  /** Bytes of answers that the kernel has not taken yet. */
  queuedBytes(): number;
  /** The bytes may be a datagram that is told of in this very call, or are the endpoint's from then on. */
  send(bytes: Buffer, remote: UdpRemote, onSent: OnSent): void;
}

export interface UdpSocket extends UdpEndpoint {
  readonly socket: Socket;
  /** Null where each datagram is read by Node. */
  readonly reader: BatchReader | null;
}

/** The bytes are there during the call only. */
export type OnDatagram = (bytes: Buffer, remote: UdpRemote, endpoint: UdpEndpoint) => void;

export interface UdpBind {
  readonly host: string;
  readonly port: number;
  readonly share: Share;
  readonly hostAddresses: () => readonly string[];
  readonly budget: SocketBudget;
  readonly wildcards: WildcardReader;
  readonly batches: DatagramBatches;
  readonly onDatagram: OnDatagram;
}

/** The one that is bound as asked comes first. @throws the system's error */
export async function bindUdpSockets(bind: UdpBind): Promise<readonly UdpSocket[]> {
  const { host, port, share } = bind;
  const isSpread = isWildcard(host) && process.platform === 'linux';
  if (share === 'alone' && !isSpread) return [await bindOne(bind, { host, port })];
  const main = share === 'next' ? await bindOne(bind, shared(host, port)) : await bindFound(bind);
  if (!isSpread) return [main];
  watch(main, bind);
  return [main, ...(await bindAddresses(bind, main.laddr.port))];
}

/** From the turn of the loop in which it was bound, so that nothing is read without its address. */
function watch({ socket, fd, laddr }: UdpSocket, { wildcards, onDatagram }: UdpBind): void {
  const handle = handleOf(socket);
  if (handle === undefined) return;
  const isWatched = wildcards.watch({
    fd,
    isIpv6: isIPv6(laddr.ip),
    onDatagram: ({ bytes, from, to }, answer) =>
      onDatagram(bytes, from, {
        laddr: { ip: to.ip, port: laddr.port },
        fd,
        isGroup: to.isGroup,
        queuedBytes: () => 0,
        // All that is sent through this endpoint goes to where its datagram came from.
        send: (answered, _remote, onSent) => onSent(answer(answered), answered.length),
      }),
  });
  if (isWatched) handle.recvStop();
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

interface OneBind {
  readonly host: string;
  readonly port: number;
  readonly reusePort?: boolean;
  readonly ipv6Only?: boolean;
}

function shared(host: string, port: number): OneBind {
  return { host, port, reusePort: true };
}

/** First without sharing: where all share it, the kernel does not tell that a port is another's. */
async function bindFound(bind: UdpBind): Promise<UdpSocket> {
  const { host, port } = bind;
  for (let attempt = 1; ; attempt++) {
    const probe = await bindOne({ ...bind, onDatagram: () => undefined }, { host, port });
    await closeSocket(probe, bind);
    try {
      return await bindOne(bind, shared(host, probe.laddr.port));
    } catch (error) {
      if (port !== 0 || attempt === attemptsMax) throw error;
    }
  }
}

/** An address that can not be bound is left to the wildcard. */
async function bindAddresses(bind: UdpBind, port: number): Promise<readonly UdpSocket[]> {
  const ips = bind.hostAddresses().filter((ip) => isCovered(bind.host, ip));
  if (ips.length > addressSocketsMax) return [];
  const bound = await Promise.allSettled(
    ips.map((ip) => bindOne(bind, { ...shared(ip, port), ipv6Only: isIPv6(ip) })),
  );
  return bound.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

async function bindOne(bind: UdpBind, one: OneBind): Promise<UdpSocket> {
  if (!bind.budget.take()) throw Object.assign(new Error('no file'), { code: 'EMFILE' });
  try {
    return await openSocket(bind, one);
  } catch (error) {
    bind.budget.release();
    throw error;
  }
}

async function openSocket(bind: UdpBind, { host, port, ...how }: OneBind) {
  const socket = createSocket({
    type: isIPv6(host) ? 'udp6' : 'udp4',
    // Addresses are numbers already: a look-up would put off every answer to the next turn of the loop.
    lookup: (ip, _options, callback) => callback(null, ip, isIPv6(ip) ? 6 : 4),
    ...how,
  });
  let endpoint: UdpSocket | null = null;
  socket.on('message', (bytes, remote) => {
    if (endpoint === null) return;
    bind.onDatagram(bytes, remote, endpoint);
    endpoint.reader?.readOn();
  });
  const listening = once(socket, 'listening');
  socket.bind({ port, address: host, exclusive: true });
  try {
    await listening;
  } catch (error) {
    socket.close();
    throw error;
  }
  // What the system tells of one datagram (ICMP, no memory) ends nothing: the socket goes on.
  socket.on('error', () => undefined);
  widen(socket);
  endpoint = endpointOf(socket, bind);
  return endpoint;
}

function endpointOf(socket: Socket, { batches, onDatagram }: UdpBind): UdpSocket {
  const { address: ip, port } = socket.address();
  const handle = handleOf(socket);
  const fd = handle?.fd ?? -1;
  const sendLate = (bytes: Buffer, remote: UdpRemote, onSent: OnSent) => {
    socket.send(bytes, remote.port, remote.address, (error) => onSent(error, bytes.length));
  };
  const endpoint: UdpSocket = {
    socket,
    laddr: { ip, port },
    fd,
    isGroup: false,
    reader:
      isIPv6(ip) || handle === undefined || isWildcard(ip)
        ? null
        : batches.reader({
            fd,
            handle,
            onDatagram: (bytes, remote) => onDatagram(bytes, remote, endpoint),
            sendLate,
          }),
    queuedBytes: () => socket.getSendQueueSize(),
    send: (bytes, remote, onSent) => {
      const { reader } = endpoint;
      // What Node keeps goes first.
      const isFirst = socket.getSendQueueSize() === 0;
      if (isFirst && reader?.answer(bytes, onSent) === true) return;
      sendLate(reader?.isPassing(bytes) === true ? Buffer.from(bytes) : bytes, remote, onSent);
    },
  };
  return endpoint;
}

/** Linux gives as much as it allows; others refuse what is too much, and keep what they had. */
function widen(socket: Socket): void {
  for (const set of ['setRecvBufferSize', 'setSendBufferSize'] as const) {
    try {
      socket[set](socketBufferBytes);
    } catch {}
  }
}

interface UdpHandle {
  readonly fd: number;
  recvStart(): void;
  recvStop(): void;
}

/** Node shows a socket's handle only in a state that has no name; undefined where it is not as kodama knows it. */
function handleOf(socket: Socket): UdpHandle | undefined {
  const symbols = Object.getOwnPropertySymbols(socket);
  const symbol = symbols.find(({ description }) => description === 'state symbol');
  const states = socket as unknown as Record<symbol, { handle?: UdpHandle } | undefined>;
  const handle = symbol === undefined ? undefined : states[symbol]?.handle;
  const isKnown = typeof handle?.recvStart === 'function' && typeof handle.recvStop === 'function';
  return isKnown ? handle : undefined;
}

/** Resolves when the port is free. */
export async function closeSocket(
  { socket, fd, reader }: UdpSocket,
  { budget, wildcards }: Pick<UdpBind, 'budget' | 'wildcards'>,
): Promise<void> {
  wildcards.unwatch(fd);
  reader?.close();
  const closed = once(socket, 'close');
  socket.close();
  await closed;
  budget.release();
}
