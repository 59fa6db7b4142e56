import type { AcceptedConnection } from '../../core/connection.ts';

/** What an info listener says first: one line of JSON. */
export function greetingOf(opened: AcceptedConnection): Buffer {
  const { id, listenerId, laddr, raddr, declaredRaddr } = opened;
  const line = JSON.stringify({ connectionId: id, listenerId, raddr, laddr, declaredRaddr });
  return Buffer.from(`${line}\n`);
}
