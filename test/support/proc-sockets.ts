/** The sockets of a process as the Linux kernel shows them in /proc (proc(5)), to hold records against. */
import { readFile, readlink } from 'node:fs/promises';
import { z } from 'zod';

export interface KernelSocket {
  /** The identity of the socket: two descriptors with one inode are one socket. */
  readonly inode: string;
  readonly state: string;
  /** `ip:port`, as the kernel has them; 0.0.0.0:0 is no address. */
  readonly local: string;
  readonly remote: string;
}

/** From include/net/tcp_states.h; any other is shown as its number. */
const stateNames: Readonly<Record<string, string>> = {
  '01': 'ESTABLISHED',
  '08': 'CLOSE_WAIT',
  '0A': 'LISTEN',
};
const rowSchema = z.tuple([z.string(), z.string(), z.string(), z.string()]).rest(z.string());
const inodeColumn = 9;

/** The TCP socket over IPv4 that stands behind a descriptor of a process. */
export async function kernelSocket(socket: {
  readonly pid: number;
  readonly fd: number;
}): Promise<KernelSocket> {
  const link = await readlink(`/proc/${socket.pid}/fd/${socket.fd}`);
  const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
  const table = await readFile(`/proc/${socket.pid}/net/tcp`, 'utf8');
  const rows = table.trim().split('\n').slice(1);
  const row = rows
    .map((line) => line.trim().split(/\s+/))
    .find((words) => words[inodeColumn] === inode);
  if (inode === undefined || row === undefined) {
    throw new Error(`fd ${socket.fd} of ${socket.pid} is ${link}, no TCP socket`);
  }
  const [, local, remote, state] = rowSchema.parse(row);
  return {
    inode,
    state: stateNames[state] ?? state,
    local: readAddress(local),
    remote: readAddress(remote),
  };
}

/** `0100007F:1F90`: the address in the byte order of this machine, which is little-endian, and the port. */
function readAddress(text: string): string {
  const [ip = '', port = ''] = text.split(':');
  const bytes = (ip.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16));
  return `${bytes.join('.')}:${Number.parseInt(port, 16)}`;
}
