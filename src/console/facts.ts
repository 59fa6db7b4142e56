/**
 * What is true of the sockets that are drawn, and what a textbook would say of it. Each fact has the ids of the rows that
 * prove it; nothing is said that the record does not show.
 */
import type { ConnectionView, ListenerView } from '../http/resources.ts';

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
  /** Of this listener, in order of accept. */
  readonly open: readonly ConnectionView[];
  /** Of this listener, the last closed one last. */
  readonly closed: readonly ConnectionView[];
}

/** Pids are numbered by each host. */
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

/** As the command and the docs write it. */
export function addressText(address: { readonly ip: string; readonly port: number }): string {
  const { ip, port } = address;
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** Two hosts, or ports, are enough to say it. */
const namedMax = 2;

/** 127.0.0.9 comes before 127.0.0.10. */
export const byAddress = new Intl.Collator('en', { numeric: true });

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
  const [connection] = open;
  if (connection === undefined || open.length > 1 || connection.raddr === null) return null;
  const process = processKey(connection);
  const socket = listeningOf(listener).find((one) => processKey(one) === process);
  if (socket === undefined) return null;
  const proof = [connection.id, listeningId(socket)];
  const { fd } = connection;
  return { kind: 'accepted', fd, raddr: raddrText(connection), listeningFd: socket.fd, proof };
}

function onePort({ listener, open }: Scene): Fact | null {
  if (open.length < 2 || listener.laddr === null) return null;
  return {
    kind: 'one_port',
    port: listener.laddr.port,
    count: open.length,
    get proof() {
      return [...open.map(({ id }) => id), ...listeningOf(listener).map(listeningId)];
    },
  };
}

function samePort({ open }: Scene): Fact | null {
  const connections = sharedBy(
    open,
    ({ raddr }) => raddr?.port,
    ({ raddr }) => raddr?.ip,
  );
  const port = connections[0]?.raddr?.port;
  if (port === undefined) return null;
  const byHost = new Map(connections.map((one) => [one.raddr?.ip ?? '', one]));
  const shown = [...byHost]
    .slice(0, namedMax)
    .sort(([one], [other]) => byAddress.compare(one, other));
  const proof = shown.map(([, { id }]) => id);
  return { kind: 'same_port', port, hosts: shown.map(([host]) => host), proof };
}

/** As one node sees it: what two of them call 10.0.0.1 may be two hosts. */
function sameHost({ open }: Scene): Fact | null {
  const byNode = Map.groupBy(open, ({ nodeId }) => nodeId);
  let most: readonly ConnectionView[] = [];
  for (const some of byNode.values()) {
    const byHost = Map.groupBy(some, ({ raddr }) => raddr?.ip);
    for (const [host, connections] of byHost)
      if (host !== undefined && connections.length > most.length) most = connections;
  }
  const host = most[0]?.raddr?.ip;
  if (host === undefined || most.length < 2) return null;
  const ports = most.slice(0, namedMax).flatMap(({ raddr }) => raddr?.port ?? []);
  return {
    kind: 'same_host',
    host,
    count: most.length,
    ports,
    get proof() {
      return most.map(({ id }) => id);
    },
  };
}

function sameFd({ listener, open }: Scene): Fact | null {
  if (open.length === 0) return null;
  const listening = listeningOf(listener).map((one) => ({ id: listeningId(one), ...one }));
  const same = sharedBy<Descriptor & { readonly id: string }, number>(
    [...open, ...listening],
    ({ fd }) => fd,
    processKey,
  );
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
  if (closed.length === 0) return null;
  const freed = new Map(closed.map((one) => [descriptorKey(one), one]));
  const connection = open.findLast((one) => freed.has(descriptorKey(one)));
  const before = connection && freed.get(descriptorKey(connection));
  if (connection === undefined || before === undefined) return null;
  const { pid, fd } = connection;
  const proof = [before.id, connection.id];
  const [then, now] = [raddrText(before), raddrText(connection)];
  return { kind: 'fd_again', pid, fd, before: then, now, proof };
}

function halfClosed({ open }: Scene): Fact | null {
  const connection = open.findLast(({ state }) => state === 'half_closed');
  if (connection === undefined) return null;
  return { kind: 'half_closed', raddr: raddrText(connection), proof: [connection.id] };
}

function declared({ open }: Scene): Fact | null {
  const connection = open.findLast((one) => one.declaredRaddr !== null);
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
  const [first] = open;
  if (first === undefined) return null;
  const key = descriptorKey(first);
  const same = open.filter((one) => descriptorKey(one) === key);
  return {
    kind: 'udp',
    fd: first.fd,
    count: same.length,
    get proof() {
      const sockets = listeningOf(listener).filter((one) => descriptorKey(one) === key);
      return [...same.map(({ id }) => id), ...sockets.map(listeningId)];
    },
  };
}

/**
 * All items of the first key that two of them share though they differ in `other`; what has no key shares none. There are
 * ten thousand items at each drawing: no list is made of any other key.
 */
function sharedBy<Item, Key>(
  items: readonly Item[],
  keyOf: (item: Item) => Key | undefined,
  otherOf: (item: Item) => unknown,
): Item[] {
  const firsts = new Map<Key, Item>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, item);
    else if (otherOf(first) !== otherOf(item)) return items.filter((one) => keyOf(one) === key);
  }
  return [];
}
