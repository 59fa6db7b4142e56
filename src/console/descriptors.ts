/** What a number of a process is a name of: pids are numbered by each host, and descriptors by each process. */
import type { ListenerView } from '../http/resources.ts';

export interface Process {
  readonly nodeId: string;
  readonly pid: number;
}

export interface Descriptor extends Process {
  readonly fd: number;
}

export function processKey({ nodeId, pid }: Process): string {
  return `${nodeId}:${pid}`;
}

export function descriptorKey(of: Descriptor): string {
  return `${processKey(of)}:${of.fd}`;
}

/** A row of the picture that is no connection. */
export function listeningId(of: Descriptor): string {
  return `listening:${descriptorKey(of)}`;
}

/** The listening sockets of a listener are all on its node. */
export function listeningOf({ nodeId, sockets }: ListenerView): Descriptor[] {
  return sockets.map(({ pid, fd }) => ({ nodeId, pid, fd }));
}
