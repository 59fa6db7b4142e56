/** Whether a port is free: the kernel lets any process of this user share one, and tells it only to who does not share. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Binding } from '../../core/ports.ts';

/** Binds alone, and lets go. @throws the system's error, such as EADDRINUSE */
export async function probePort({ host, port }: Pick<Binding, 'host' | 'port'>): Promise<void> {
  const probe = createServer().listen({ host, port, backlog: 1 });
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}
