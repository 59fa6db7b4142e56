/**
 * What is true of the sockets that are drawn, and what a textbook would say of it. Each fact has the ids of the rows that
 * prove it; nothing is said that the record does not show.
 */
import type { ConnectionView, ListenerView } from '../http/resources.ts';
import {
  type Descriptor,
  descriptorKey,
  listeningId,
  listeningOf,
  type Process,
  processKey,
} from './descriptors.ts';
import type { Group, OpenConnections } from './open-connections.ts';

/** What a fact says. */
export type Claim =
  | {
      readonly kind: 'accepted';
      readonly fd: number;
      readonly raddr: string;
      readonly listeningFd: number;
    }
  | { readonly kind: 'one_port'; readonly port: number; readonly count: number }
  | { readonly kind: 'same_port'; readonly port: number; readonly hosts: readonly string[] }
  | {
      readonly kind: 'same_host';
      readonly host: string;
      readonly count: number;
      readonly ports: readonly number[];
    }
  | { readonly kind: 'same_fd'; readonly fd: number; readonly processes: readonly Process[] }
  | {
      readonly kind: 'fd_again';
      readonly pid: number;
      readonly fd: number;
      readonly before: string;
      readonly now: string;
    }
  | { readonly kind: 'half_closed'; readonly raddr: string }
  | { readonly kind: 'reset'; readonly raddr: string }
  | { readonly kind: 'udp'; readonly fd: number; readonly count: number }
  | { readonly kind: 'declared'; readonly raddr: string; readonly declared: string };

export type Fact = Claim & {
  /** Ids of connections, and `listening` sockets as listeningId writes them; those of many are listed when it is read. */
  readonly proof: readonly string[];
};

export interface Scene {
  readonly listener: ListenerView;
  /** Of this listener. */
  readonly open: OpenConnections;
  /** Of this listener, the last closed one last. */
  readonly closed: readonly ConnectionView[];
}

/** As the command and the docs write it. */
export function addressText(address: { readonly ip: string; readonly port: number }): string {
  const { ip, port } = address;
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** Two hosts, or ports, are enough to say it. */
const namedMax = 2;

/** 127.0.0.9 comes before 127.0.0.10. */
export function byAddress(one: string, other: string): number {
  return padded(one) < padded(other) ? -1 : 1;
}

function padded(address: string): string {
  return address.replace(/\d+/g, (digits) => digits.padStart(5, '0'));
}

/** In the order in which they are best read. */
export function findFacts(scene: Scene): Fact[] {
  const { listener } = scene;
  const found =
    listener.protocol === 'udp'
      ? [udpFact(scene), samePort(scene), sameHost(scene)]
      : [
          accepted(scene),
          onePort(scene),
          samePort(scene),
          sameHost(scene),
          sameFd(scene),
          fdAgain(scene),
          halfClosed(scene),
          declared(scene),
          reset(scene),
        ];
  return found.filter((fact) => fact !== null);
}

export function raddrText({ raddr }: ConnectionView): string {
  return raddr === null ? '?' : addressText(raddr);
}

function accepted({ listener, open }: Scene): Fact | null {
  const [connection] = open.all.values();
  if (connection === undefined || open.all.size > 1 || connection.raddr === null) return null;
  const owner = processKey(connection);
  const socket = listeningOf(listener).find((one) => processKey(one) === owner);
  if (socket === undefined) return null;
  const proof = [connection.id, listeningId(socket)];
  const { fd } = connection;
  return { kind: 'accepted', fd, raddr: raddrText(connection), listeningFd: socket.fd, proof };
}

function onePort({ listener, open }: Scene): Fact | null {
  if (open.all.size < 2 || listener.laddr === null) return null;
  return {
    kind: 'one_port',
    port: listener.laddr.port,
    count: open.all.size,
    get proof() {
      return [...open.all.keys(), ...listeningOf(listener).map(listeningId)];
    },
  };
}

function samePort({ open }: Scene): Fact | null {
  if (open.byHost.size < 2) return null;
  const connections = sharedBy(
    open.all,
    ({ raddr }) => raddr?.port,
    ({ raddr }) => raddr?.ip,
  );
  const port = connections[0]?.raddr?.port;
  if (port === undefined) return null;
  const byHost = new Map(connections.map((one) => [one.raddr?.ip ?? '', one]));
  const shown = [...byHost].slice(0, namedMax).sort(([one], [other]) => byAddress(one, other));
  const proof = shown.map(([, { id }]) => id);
  return { kind: 'same_port', port, hosts: shown.map(([host]) => host), proof };
}

function sameHost({ open }: Scene): Fact | null {
  let most: Group = new Map();
  for (const group of open.byHost.values()) {
    const [first] = group.values();
    if (first?.raddr && group.size > most.size) most = group;
  }
  const named = [...most.values().take(namedMax)].flatMap(({ raddr }) => raddr ?? []);
  const [first] = named;
  if (first === undefined || most.size < 2) return null;
  return {
    kind: 'same_host',
    host: first.ip,
    count: most.size,
    ports: named.map(({ port }) => port),
    get proof() {
      return [...most.keys()];
    },
  };
}

function sameFd({ listener, open }: Scene): Fact | null {
  const listening = listeningOf(listener).map((one) => ({ id: listeningId(one), ...one }));
  const there = new Set([...open.byProcess.keys(), ...listening.map(processKey)]);
  if (open.all.size === 0 || there.size < 2) return null;
  const rows = new Map<string, Descriptor & { readonly id: string }>(open.all);
  for (const one of listening) rows.set(one.id, one);
  const same = sharedBy(rows, ({ fd }) => fd, processKey);
  const [first] = same;
  if (first === undefined) return null;
  const processes = new Map(
    same.map(({ nodeId, pid }) => [processKey({ nodeId, pid }), { nodeId, pid }]),
  );
  const named = [...processes.values()].sort((one, other) => one.pid - other.pid);
  const proof = same.map(({ id }) => id);
  return { kind: 'same_fd', fd: first.fd, processes: named.slice(0, namedMax), proof };
}

function fdAgain({ open, closed }: Scene): Fact | null {
  const freed = new Map(closed.map((one) => [descriptorKey(one), one]));
  const fds = new Set(closed.map(({ fd }) => fd));
  const connection = lastOf(open, (one) => fds.has(one.fd) && freed.has(descriptorKey(one)));
  const before = connection && freed.get(descriptorKey(connection));
  if (connection === undefined || before === undefined) return null;
  const { pid, fd } = connection;
  const proof = [before.id, connection.id];
  const [then, now] = [raddrText(before), raddrText(connection)];
  return { kind: 'fd_again', pid, fd, before: then, now, proof };
}

function halfClosed({ open }: Scene): Fact | null {
  const connection = lastOf(open, ({ state }) => state === 'half_closed');
  if (connection === undefined) return null;
  return { kind: 'half_closed', raddr: raddrText(connection), proof: [connection.id] };
}

function declared({ open }: Scene): Fact | null {
  const connection = lastOf(open, (one) => one.declaredRaddr !== null);
  if (!connection?.declaredRaddr) return null;
  const proof = [connection.id];
  const told = addressText(connection.declaredRaddr);
  return { kind: 'declared', raddr: raddrText(connection), declared: told, proof };
}

/** Of the newest few: what happened long ago is not in the picture. */
function reset({ closed }: Scene): Fact | null {
  const connection = closed.slice(-5).findLast(({ closeReason }) => closeReason === 'peer_rst');
  if (connection === undefined) return null;
  return { kind: 'reset', raddr: raddrText(connection), proof: [connection.id] };
}

function udpFact({ listener, open }: Scene): Fact | null {
  const [first] = open.all.values();
  if (first === undefined) return null;
  const group = open.byProcess.get(processKey(first)) ?? new Map();
  const same = [...group.values()].filter(({ fd }) => fd === first.fd);
  return {
    kind: 'udp',
    fd: first.fd,
    count: same.length,
    get proof() {
      const key = descriptorKey(first);
      const sockets = listeningOf(listener).filter((one) => descriptorKey(one) === key);
      return [...same.map(({ id }) => id), ...sockets.map(listeningId)];
    },
  };
}

function lastOf(
  { all }: OpenConnections,
  isMeant: (connection: ConnectionView) => boolean,
): ConnectionView | undefined {
  let last: ConnectionView | undefined;
  for (const connection of all.values()) if (isMeant(connection)) last = connection;
  return last;
}

/**
 * All items of the first key that two of them share though they differ in `other`; what has no key shares none. There may
 * be ten thousand items: no list is made of any other key.
 */
function sharedBy<Item, Key>(
  items: ReadonlyMap<string, Item>,
  keyOf: (item: Item) => Key | undefined,
  otherOf: (item: Item) => unknown,
): Item[] {
  const firsts = new Map<Key, Item>();
  for (const item of items.values()) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, item);
    else if (otherOf(first) !== otherOf(item))
      return [...items.values()].filter((one) => keyOf(one) === key);
  }
  return [];
}
