/**
 * Calls of the C library that Node does not pass on, through koffi: what libuv's own reads and sends leave out.
 * Constants and layouts are those of Linux on the 64-bit machines that are named here; docs/decisions/0013 has the
 * reasons.
 */
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';

/** Each answers -1 where it fails, and `errno` then tells why. */
export interface Libc {
  /** setsockopt(2) */
  setOption(fd: number, level: number, name: number, value: Buffer, length: number): number;
  /** fcntl(2) */
  control(fd: number, command: number, value: number): number;
  /** poll(2); `entries` are of 8 bytes: fd, events, revents. */
  poll(entries: Buffer, count: number, timeoutMs: number): number;
  /** recvmsg(2), sendmsg(2) */
  receive(fd: number, message: Buffer, flags: number): number;
  send(fd: number, message: Buffer, flags: number): number;
  /** recvmmsg(2), without a time-out, and sendmmsg(2); `messages` are mmsghdrs. They answer how many there were. */
  receiveMany(fd: number, messages: Buffer, count: number, flags: number): number;
  sendMany(fd: number, messages: Buffer, count: number, flags: number): number;
  errno(): number;
  /** Of memory that must outlive the call that is told. */
  addressOf(bytes: Buffer): bigint;
}

/** @throws where there is none */
export function loadLibc(): Libc {
  const { platform, arch } = process;
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) {
    throw new Error(`not on ${platform} ${arch}`);
  }
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const library = koffi.load(null);
  const call = <Call extends keyof Libc>(declaration: string) =>
    library.func(declaration) as unknown as Libc[Call];
  const receiveMany = library.func('int recvmmsg(int, void *, uint32_t, int, void *)');
  return {
    setOption: call<'setOption'>('int setsockopt(int, int, int, void *, uint32_t)'),
    control: call<'control'>('int fcntl(int, int, int64_t)'),
    poll: call<'poll'>('int poll(void *, uint64_t, int)'),
    receive: call<'receive'>('int64_t recvmsg(int, void *, int)'),
    send: call<'send'>('int64_t sendmsg(int, void *, int)'),
    receiveMany: (fd, messages, count, flags) => receiveMany(fd, messages, count, flags, null),
    sendMany: call<'sendMany'>('int sendmmsg(int, void *, uint32_t, int)'),
    errno: () => koffi.errno(),
    addressOf: (bytes) => koffi.address(bytes),
  };
}

/** As Node makes them. */
export function systemError(errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(code), { code });
}
