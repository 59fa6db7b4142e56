/**
 * Datagrams with the address that they were sent to, and answers that leave from it: IP_PKTINFO (ip(7)) and
 * IPV6_PKTINFO (ipv6(7), RFC 3542), which recvmsg(2) and sendmsg(2) carry beside the payload (cmsg(3)).
 *
 *   msghdr ─┬─ name     sockaddr of the remote end
 *           ├─ iovec ── payload
 *           └─ control  cmsghdr │ in_pktinfo, in6_pktinfo
 */
import { SocketAddress } from 'node:net';
import { plainIp } from '../../core/address.ts';
import { type Libc, systemError } from './libc.ts';

const solIp = 0;
const ipPktinfo = 8;
const solIpv6 = 41;
const ipv6RecvPktinfo = 49;
const ipv6Pktinfo = 50;
const ipv6Freebind = 78;
const dontWait = 0x40;
const afInet = 2;
const messageTooLong = 90;

const payloadMax = 65_536;
const nameMax = 28;
const controlMax = 128;
const cmsgHeaderBytes = 16;

export interface Origin {
  /** The text as Node gives it, with its zone. */
  readonly address: string;
  readonly port: number;
  /** The sockaddr: where an answer goes. */
  readonly name: Buffer;
}

export interface Destination {
  readonly ip: string;
  /** It was sent to many hosts at once: by broadcast or multicast. */
  readonly isGroup: boolean;
  /** The control message by which an answer leaves from there. */
  readonly control: Buffer;
}

export interface ReceivedDatagram {
  readonly bytes: Buffer;
  readonly from: Origin;
  readonly to: Destination;
}

export class PacketInfo {
  readonly #libc: Libc;
  readonly #in: Message;
  readonly #out: Message;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#in = new Message(libc);
    this.#out = new Message(libc);
  }

  /** From now on the kernel tells where each datagram was sent to. @throws the system's error */
  enable(fd: number, isIpv6: boolean): void {
    // A dual stack tells of IPv4 in the words of both; those of IPv4 tell of broadcast.
    this.#set(fd, solIp, ipPktinfo);
    if (!isIpv6) return;
    this.#set(fd, solIpv6, ipv6RecvPktinfo);
    // A local route to a whole network takes datagrams for it, but only this lets them be answered from it.
    this.#set(fd, solIpv6, ipv6Freebind);
  }

  #set(fd: number, level: number, name: number): void {
    const on = Buffer.from([1, 0, 0, 0]);
    if (this.#libc.setOption(fd, level, name, on, on.length) !== 0) {
      throw systemError(this.#libc.errno());
    }
  }

  /** The next datagram, without waiting; null when there is none, or one that can not be told of. */
  receive(fd: number): ReceivedDatagram | null {
    const message = this.#in;
    message.setLengths(nameMax, payloadMax, controlMax);
    const length = this.#libc.receive(fd, message.header, dontWait);
    if (length < 0) return null;
    const to = destinationOf(message.control.subarray(0, message.controlLength));
    if (to === null) return null;
    const bytes = Buffer.from(message.payload.subarray(0, length));
    return { bytes, from: originOf(message.name.subarray(0, message.nameLength)), to };
  }

  /** Null when the kernel took it. */
  send(fd: number, bytes: Buffer, name: Buffer, control: Buffer): NodeJS.ErrnoException | null {
    if (bytes.length > payloadMax) return systemError(messageTooLong);
    const message = this.#out;
    name.copy(message.name);
    bytes.copy(message.payload);
    control.copy(message.control);
    message.setLengths(name.length, bytes.length, control.length);
    const sent = this.#libc.send(fd, message.header, dontWait);
    return sent < 0 ? systemError(this.#libc.errno()) : null;
  }
}

/** A msghdr and what it points to, which stay where they are in memory. */
class Message {
  readonly header = Buffer.alloc(56);
  readonly name = Buffer.alloc(nameMax);
  readonly payload = Buffer.alloc(payloadMax);
  readonly control = Buffer.alloc(controlMax);
  readonly #vector = Buffer.alloc(16);

  constructor({ addressOf }: Libc) {
    this.#vector.writeBigUInt64LE(addressOf(this.payload), 0);
    this.header.writeBigUInt64LE(addressOf(this.name), 0);
    this.header.writeBigUInt64LE(addressOf(this.#vector), 16);
    this.header.writeUInt32LE(1, 24);
    this.header.writeBigUInt64LE(addressOf(this.control), 32);
  }

  get nameLength(): number {
    return this.header.readUInt32LE(8);
  }

  get controlLength(): number {
    return this.header.readUInt32LE(40);
  }

  setLengths(name: number, payload: number, control: number): void {
    this.header.writeUInt32LE(name, 8);
    this.#vector.writeUInt32LE(payload, 8);
    this.header.writeUInt32LE(control, 40);
  }
}

function originOf(name: Buffer): Origin {
  const port = name.readUInt16BE(2);
  const kept = Buffer.from(name);
  if (name.readUInt16LE(0) === afInet) {
    return { address: name.subarray(4, 8).join('.'), port, name: kept };
  }
  const zone = name.readUInt32LE(24);
  const ip = ipv6Text(name.subarray(8, 24));
  return { address: zone === 0 ? ip : `${ip}%${zone}`, port, name: kept };
}

/** Of the control messages; null where none tells it. */
function destinationOf(control: Buffer): Destination | null {
  const v4 = findInfo(control, solIp, ipPktinfo);
  const v6 = findInfo(control, solIpv6, ipv6Pktinfo);
  if (v6 !== null) {
    const address = v6.subarray(0, 16);
    const isGroup = v4 === null ? address[0] === 0xff : isIpv4Group(v4);
    const ip = plainIp(ipv6Text(address));
    return { ip, isGroup, control: newControl(solIpv6, ipv6Pktinfo, [address, noInterface]) };
  }
  if (v4 === null) return null;
  const address = v4.subarray(8, 12);
  const info = [noInterface, address, Buffer.alloc(4)];
  const answering = newControl(solIp, ipPktinfo, info);
  return { ip: address.join('.'), isGroup: isIpv4Group(v4), control: answering };
}

/** The route decides which interface an answer leaves by. */
const noInterface = Buffer.alloc(4);

/**
 * An in_pktinfo: interface, the local address that stands for the destination, the destination. They are the same for
 * an address of this host. A datagram that arrived before `enable` has no local
 * address.
 */
function isIpv4Group(info: Buffer): boolean {
  const local = info.subarray(4, 8);
  const address = info.subarray(8, 12);
  return (address[0] ?? 0) >= 224 || !(local.equals(address) || local.readUInt32LE(0) === 0);
}

function findInfo(control: Buffer, level: number, type: number): Buffer | null {
  for (let at = 0; at + cmsgHeaderBytes <= control.length; ) {
    const length = control.readUInt32LE(at);
    if (length < cmsgHeaderBytes) return null;
    if (control.readInt32LE(at + 8) === level && control.readInt32LE(at + 12) === type) {
      return control.subarray(at + cmsgHeaderBytes, at + length);
    }
    at += (length + 7) & ~7;
  }
  return null;
}

function newControl(level: number, type: number, info: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(cmsgHeaderBytes);
  header.writeInt32LE(level, 8);
  header.writeInt32LE(type, 12);
  const control = Buffer.concat([header, ...info]);
  control.writeUInt32LE(control.length, 0);
  return control;
}

/** In the text form that Node gives. */
function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, n) => bytes.readUInt16BE(2 * n).toString(16));
  return new SocketAddress({ family: 'ipv6', address: groups.join(':') }).address;
}
