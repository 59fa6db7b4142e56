/**
 * Where a peer came from, also one that has reset before we came to its socket: getpeername(2) tells nothing of that
 * one any more (ENOTCONN), while Linux keeps the address, and tells it by SO_PEERNAME (getsockopt(2), asm/socket.h).
 * Node has no getsockopt, so it is called through koffi; docs/decisions/0011 has the reasons.
 *
 * - Only such a peer costs more than getpeername, and only the first of them loads koffi.
 * - Where there is no koffi, and on systems other than Linux, its address is not known: null.
 */
import { createRequire } from 'node:module';
import { SocketAddress } from 'node:net';
import { type Address, plainIp } from '../../core/address.ts';
import type { HandleAddress, TcpHandle } from './tcp-handle.ts';

/** getsockopt(2): 0 when it has filled the value, up to the length that it sets. */
export type GetSocketOption = (
  fd: number,
  level: number,
  name: number,
  value: Buffer,
  length: [number],
) => number;

export interface PeerNamesOptions {
  /** Told once, when an address is asked for that can not be told here. */
  readonly onMissing: (cause: string) => void;
  /** @throws where there is none */
  readonly load?: () => GetSocketOption;
}

const solSocket = 1;
const soPeername = 28;
/** sizeof sockaddr_in6, sockaddr_in: SO_PEERNAME answers no longer length than the address has. */
const ipv6Bytes = 28;
const ipv4Bytes = 16;

export class PeerNames {
  readonly #options: PeerNamesOptions;
  /** Undefined until it is needed; null where there is none. */
  #getSocketOption: GetSocketOption | null | undefined;
  readonly #name = Buffer.alloc(ipv6Bytes);

  constructor(options: PeerNamesOptions) {
    this.#options = options;
  }

  of(handle: TcpHandle): Address | null {
    return addressOf(handle, 'getpeername') ?? this.#ofReset(handle);
  }

  #ofReset({ fd }: TcpHandle): Address | null {
    if (this.#getSocketOption === undefined) this.#getSocketOption = this.#load();
    if (this.#getSocketOption === null) return null;
    for (const bytes of [ipv6Bytes, ipv4Bytes]) {
      const error = this.#getSocketOption(fd, solSocket, soPeername, this.#name, [bytes]);
      if (error === 0) return bytes === ipv6Bytes ? ipv6Of(this.#name) : ipv4Of(this.#name);
    }
    return null;
  }

  #load(): GetSocketOption | null {
    try {
      return (this.#options.load ?? loadGetSocketOption)();
    } catch (error) {
      this.#options.onMissing(error instanceof Error ? error.message : String(error));
      return null;
    }
  }
}

function loadGetSocketOption(): GetSocketOption {
  if (process.platform !== 'linux') throw new Error(`${process.platform} has no SO_PEERNAME`);
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const declaration = 'int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint32_t *)';
  return koffi.load(null).func(declaration) as GetSocketOption;
}

/** Of a sockaddr_in: family, port, address (ip(7)). */
function ipv4Of(name: Buffer): Address {
  return { ip: name.subarray(4, 8).join('.'), port: name.readUInt16BE(2) };
}

/** Of a sockaddr_in6: family, port, flow, address (ipv6(7)), in the text form that getpeername gives. */
function ipv6Of(name: Buffer): Address {
  const groups = Array.from({ length: 8 }, (_, n) => name.readUInt16BE(8 + 2 * n).toString(16));
  const { address } = new SocketAddress({ family: 'ipv6', address: groups.join(':') });
  return { ip: plainIp(address), port: name.readUInt16BE(2) };
}

/** Filled again by each call: Node writes what is there faster than it adds. */
const out: HandleAddress = { address: '', family: '', port: 0 };

export function addressOf(handle: TcpHandle, get: 'getpeername' | 'getsockname'): Address | null {
  return handle[get](out) === 0 ? { ip: plainIp(out.address), port: out.port } : null;
}
