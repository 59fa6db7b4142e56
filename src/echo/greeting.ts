import type { AcceptedConnection } from '../core/connection.ts';

/**
 * What an info listener says first: one line of JSON. Over UDP, where a source may be forged, it answers a session's first
 * datagram if that is as long, so that nobody is sent more than was spent on it.
 */
export function greetingOf(opened: AcceptedConnection): Buffer {
  const { id, listenerId, laddr, raddr, declaredRaddr } = opened;
  const line = JSON.stringify({ connectionId: id, listenerId, raddr, laddr, declaredRaddr });
  return Buffer.from(`${line}\n`);
}
