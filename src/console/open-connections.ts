/**
 * What is open of one listener, and the same by host and by process: kept as it changes, for ten thousand are not to be
 * looked through at each drawing.
 */
import type { ConnectionView } from '../http/resources.ts';
import { processKey } from './descriptors.ts';

export type Group = ReadonlyMap<string, ConnectionView>;
type Groups = Map<string, Map<string, ConnectionView>>;

export class OpenConnections {
  readonly #all = new Map<string, ConnectionView>();
  readonly #byHost: Groups = new Map();
  readonly #byProcess: Groups = new Map();

  constructor(connections: Iterable<ConnectionView> = []) {
    for (const connection of connections) this.put(connection);
  }

  /** By id, in order of accept. */
  get all(): Group {
    return this.#all;
  }

  /** Hosts as each node sees them: what two of them call 10.0.0.1 may be two hosts. */
  get byHost(): ReadonlyMap<string, Group> {
    return this.#byHost;
  }

  get byProcess(): ReadonlyMap<string, Group> {
    return this.#byProcess;
  }

  put(connection: ConnectionView): void {
    this.#all.set(connection.id, connection);
    putInto(this.#byHost, hostKey(connection), connection);
    putInto(this.#byProcess, processKey(connection), connection);
  }

  delete(id: string): void {
    const connection = this.#all.get(id);
    if (connection === undefined) return;
    this.#all.delete(id);
    deleteFrom(this.#byHost, hostKey(connection), id);
    deleteFrom(this.#byProcess, processKey(connection), id);
  }
}

function hostKey({ nodeId, raddr }: ConnectionView): string {
  return `${nodeId} ${raddr?.ip ?? ''}`;
}

function putInto(groups: Groups, key: string, connection: ConnectionView): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, new Map([[connection.id, connection]]));
  else group.set(connection.id, connection);
}

function deleteFrom(groups: Groups, key: string, id: string): void {
  const group = groups.get(key);
  group?.delete(id);
  if (group?.size === 0) groups.delete(key);
}
