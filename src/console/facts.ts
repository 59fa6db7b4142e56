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
  | { readonly kind: 'same_fd'; readonly fd: number; readonly pids: readonly number[] }
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
  /** Ids of connections, and `listening` sockets as listeningId writes them. */
  readonly proof: readonly string[];
};

export interface Scene {
  readonly listener: ListenerView;
  /** Of this listener, in order of accept. */
  readonly open: readonly ConnectionView[];
  /** Of this listener, the last closed one last. */
  readonly closed: readonly ConnectionView[];
}

/** A row of the picture that is no connection. */
export function listeningId({ pid, fd }: { readonly pid: number; readonly fd: number }): string {
  return `listening:${pid}:${fd}`;
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
  const socket = listener.sockets.find(({ pid }) => pid === connection.pid);
  if (socket === undefined) return null;
  const proof = [connection.id, listeningId(socket)];
  const { fd } = connection;
  return { kind: 'accepted', fd, raddr: raddrText(connection), listeningFd: socket.fd, proof };
}

function onePort({ listener, open }: Scene): Fact | null {
  if (open.length < 2 || listener.laddr === null) return null;
  const proof = [...open.map(({ id }) => id), ...listener.sockets.map(listeningId)];
  return { kind: 'one_port', port: listener.laddr.port, count: open.length, proof };
}

function samePort({ open }: Scene): Fact | null {
  const byPort = groups(open, ({ raddr }) => raddr?.port);
  for (const [port, connections] of byPort) {
    const byHost = new Map(connections.map((one) => [one.raddr?.ip ?? '', one]));
    if (byHost.size < 2) continue;
    const shown = [...byHost]
      .slice(0, namedMax)
      .sort(([one], [other]) => byAddress.compare(one, other));
    const proof = shown.map(([, { id }]) => id);
    return { kind: 'same_port', port, hosts: shown.map(([host]) => host), proof };
  }
  return null;
}

function sameHost({ open }: Scene): Fact | null {
  const byHost = groups(open, ({ raddr }) => raddr?.ip);
  const [first] = [...byHost].sort(([, one], [, other]) => other.length - one.length);
  if (first === undefined || first[1].length < 2) return null;
  const [host, connections] = first;
  const ports = connections.flatMap(({ raddr }) => raddr?.port ?? []).slice(0, namedMax);
  const proof = connections.map(({ id }) => id);
  return { kind: 'same_host', host, count: connections.length, ports, proof };
}

function sameFd({ listener, open }: Scene): Fact | null {
  if (open.length === 0) return null;
  const sockets = [
    ...open.map(({ id, pid, fd }) => ({ id, pid, fd })),
    ...listener.sockets.map((socket) => ({ id: listeningId(socket), ...socket })),
  ];
  for (const [fd, same] of groups(sockets, (one) => one.fd)) {
    const byPid = new Map(same.map((one) => [one.pid, one]));
    if (byPid.size < 2) continue;
    const proof = same.map(({ id }) => id);
    const pids = [...byPid.keys()].sort((one, other) => one - other).slice(0, namedMax);
    return { kind: 'same_fd', fd, pids, proof };
  }
  return null;
}

function fdAgain({ open, closed }: Scene): Fact | null {
  const freed = new Map(closed.map((one) => [`${one.pid}:${one.fd}`, one]));
  for (const connection of open.toReversed()) {
    const before = freed.get(`${connection.pid}:${connection.fd}`);
    if (before === undefined) continue;
    const { pid, fd } = connection;
    const proof = [before.id, connection.id];
    return {
      kind: 'fd_again',
      ...{ pid, fd, proof },
      before: raddrText(before),
      now: raddrText(connection),
    };
  }
  return null;
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
  const same = open.filter(({ pid, fd }) => pid === first.pid && fd === first.fd);
  const sockets = listener.sockets.filter(({ pid, fd }) => pid === first.pid && fd === first.fd);
  const proof = [...same.map(({ id }) => id), ...sockets.map(listeningId)];
  return { kind: 'udp', fd: first.fd, count: same.length, proof };
}

/** What has no key is in no group. */
function groups<Item, Key>(
  items: readonly Item[],
  keyOf: (item: Item) => Key | undefined,
): Map<Key, Item[]> {
  const found = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const group = found.get(key);
    if (group === undefined) found.set(key, [item]);
    else group.push(item);
  }
  return found;
}
