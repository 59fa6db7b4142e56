/** What is wished of the data plane for a listener: that it listens as it is on record, or no more. */
import type { ListenerEntry } from './listener-set.ts';
import type { Binding, DataPlane } from './ports.ts';

/** The listener as the data plane binds it; once bound, the port that the kernel chose stays. */
export function bindingOf({ listener, secrets }: ListenerEntry): Binding {
  const { protocol, host, mode, limits, faults, tls, proxyProtocol, recording } = listener;
  const { id: listenerId, project } = listener;
  const port = listener.laddr?.port ?? listener.port;
  const spec = { protocol, host, port, mode, limits, faults, tls, proxyProtocol, recording };
  return { ...spec, tlsKey: secrets.tlsKey, listenerId, project };
}

/** It is to listen as it is on record; one whose secrets could not be read is not bound. */
export async function wish(dataPlane: DataPlane, entry: ListenerEntry): Promise<void> {
  entry.wished = entry.listener.generation;
  if (entry.secrets.unreadable !== undefined) return;
  await dataPlane.wish({ generation: entry.wished, binding: bindingOf(entry) });
}

/** It is to listen no more. The end is a generation of its own that is not on record: it has no spec. */
export function endWish(dataPlane: DataPlane, entry: ListenerEntry, drainMs: number): void {
  const { id, generation } = entry.listener;
  entry.wished = generation + 1;
  dataPlane.endWish({ listenerId: id, generation: entry.wished, drainMs });
}
