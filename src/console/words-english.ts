/** The words of the page in English, by the part of the page that says them. */

import { connectionWordsEnglish } from './connection-words-english.ts';
import { countText as n } from './count-text.ts';
import type { Process } from './descriptors.ts';
import type { Fact } from './facts.ts';
import { listenerWordsEnglish } from './listener-words-english.ts';
import type { NodeName } from './node-names.ts';

const some = (value: number, one: string, more = `${one}s`): string =>
  `${n(value)} ${value === 1 ? one : more}`;

export type Words = typeof english;

export const english = {
  language: 'en',
  count: n,
  pages: {
    live: 'Live',
    connections: 'Connections',
    nodes: 'Nodes',
    keys: 'API keys',
    docs: 'API',
  },
  header: {
    home: 'kodama, live',
    node: 'node',
    noNode: 'no sockets here',
    store: { reachable: 'store ok', away: 'store away' },
    connecting: 'connecting',
    live: 'live',
    paused: 'paused',
    past: 'at',
    waiting: 'reconnecting',
    keyWanted: 'needs a key',
    noProject: 'no project',
    noLog: 'not followed',
    seq: (seq: number) => `seq ${n(seq)}`,
    rate: (perSecond: number) => `${n(perSecond)} events/s`,
    project: 'Project',
    signOut: 'Sign out',
    keys: 'Keyboard',
    outdated: 'kodama was updated.',
    reload: 'Reload',
    expired: (seq: number) => `Events before seq ${n(seq)} are past their retention.`,
    cut: (seq: number) =>
      `Connections that opened before seq ${n(seq)} and were open to the end of what is shown here are not shown.`,
    skip: 'Skip to the content',
  },
  session: {
    open: 'Session',
    key: 'Key',
    noKey: 'none is asked for',
    ofNode: 'the token of kodama itself',
    scopes: 'May',
    unknown: 'unknown yet',
    readOnly: 'read only',
    readOnlyHint: 'The key of this tab may look at everything it sees here, and change nothing.',
    lacks: (scope: string) => `Not for the key of this tab: it lacks the scope ${scope}.`,
    quotasTitle: 'Quotas',
    noQuotas: 'This project has no limits of its own.',
    full: 'The project has used its quota up. Who runs this kodama can raise it.',
    atMost: (limit: number) => `at most ${n(limit)}`,
    ofLimit: (used: number, limit: number) => `${n(used)} of ${n(limit)}`,
    quotas: {
      listeners: 'listeners',
      keys: 'keys',
      nodes: 'nodes',
      joinTokens: 'join tokens',
      streams: 'streams',
      requestsPerSecond: 'calls a second',
      openConnections: 'open connections',
      acceptsPerSecond: 'accepts a second',
      eventsKept: 'events kept',
      retentionDays: 'days kept',
    } as Readonly<Record<string, string>>,
  },
  signIn: {
    title: 'Sign in',
    why: 'This kodama asks for a key, which is kept for this tab only. Whoever runs it makes keys; its own is what KODAMA_API_TOKEN was set to.',
    wrong: 'This key is refused.',
    key: 'Key',
    submit: 'Sign in',
  },
  problem: {
    unreachable: 'kodama is not reachable. The page goes on by itself once it is.',
    lost: 'There is no such page.',
    toLive: 'To the live picture',
    lostProject: (name: string) => `There is no project ${name}, or it is not yours to see.`,
    toOwnProject: 'To your own project',
  },
  copy: { copy: 'Copy', copied: 'Copied', failed: 'Not copied' },
  timeBar: {
    place: 'Place in the log',
    placeText: (seq: number, head: number) => `seq ${n(seq)} of ${n(head)}`,
    toStart: 'To the oldest event here',
    back: 'One event back',
    forward: 'One event on',
    toLive: 'Live',
    play: 'Play',
    speeds: { 1: '1×', 10: '10×', all: 'all' },
    speedNames: { 1: 'in real time', 10: 'ten times as fast', all: 'as fast as it draws' },
    stop: 'Stop',
    pause: 'Pause',
    empty: 'The log is empty: what happens will be here.',
    open: 'open connections at each event',
    counters: 'Byte counters are those of the event before.',
  },
  keys: {
    title: 'Keyboard',
    off: 'Keys of one letter are on',
    close: 'Close',
    names: {
      '/': 'Filter',
      'j k ↓ ↑': 'Rows',
      Enter: 'Details',
      Esc: 'Back, out of a field',
      Space: 'Pause, go on',
      '[ ]': 'One event back, on',
      l: 'Live',
      n: 'New listener',
      '1 2 3 4': 'Pages',
      '?': 'This list',
    },
  },
  activity: (opened: number, closed: number, reset: number, refused: number) =>
    [
      opened > 0 && `${n(opened)} opened`,
      closed > 0 && `${n(closed)} closed`,
      reset > 0 && `${n(reset)} reset`,
      refused > 0 && `${n(refused)} refused`,
    ]
      .filter((part) => part !== false)
      .join(', '),
  event: {
    listener_created: 'listener created',
    listener_listening: 'listening',
    listener_failed: 'listener failed',
    listener_updated: 'listener changed',
    listener_closed: 'listener closed',
    connection_opened: 'accepted',
    connection_half_closed: 'FIN from the client',
    connection_closed: 'closed',
    connection_refused: 'refused',
  } as Readonly<Record<string, string>>,
  live: {
    title: 'Live',
    emptyTitle: 'Nothing listens yet.',
    emptyText:
      'What you will see: a process, its listening socket, and a new socket for every client.',
    withoutNode: 'This kodama has no sockets of its own: a node holds them.',
    open: 'Open an echo listener',
    openHint: 'TCP, 127.0.0.1, any free port',
    fromTerminal: 'Or from a terminal',
    listeners: 'Listeners',
    connectTitle: 'Connect, and watch',
    connectText: 'Run one of these in a terminal. What you type comes back.',
    connect: {
      bash: 'bash',
      nc: 'nc',
      python: 'python, from an address and a port of your choice',
      datagram: 'bash, a datagram',
      openssl: 'openssl',
      pythonTls: 'python, with TLS',
    },
    copyConnect: 'Copy connect',
    find: 'Find a listener',
    allListeners: 'All listeners',
    all: {
      none: 'No listener matches.',
      count: (shown: number, all: number) =>
        shown === all ? some(all, 'listener') : `${n(shown)} of ${some(all, 'listener')}`,
      columns: {
        listener: 'listener',
        state: 'state',
        where: 'laddr',
        open: 'open',
        node: 'node',
        labels: 'labels',
        picture: 'picture',
      },
    },
    moreListeners: (count: number) => `and ${some(count, 'more listener', 'more listeners')}`,
    lost: {
      closed: (name: string, time: string) => `Listener ${name} was closed at ${time}.`,
      unknown: (name: string) => `There is no listener ${name}.`,
      notThen: (name: string) => `Listener ${name} did not listen at this place in the log.`,
      page: 'Its page',
    },
    state: {
      pending: 'starting',
      listening: 'listening',
      failed: 'failed',
      draining: 'draining',
      closed: 'closed',
    } as Readonly<Record<string, string>>,
    openCount: (open: number) => `${n(open)} open`,
    everCount: (ever: number) => `${n(ever)} ever`,
    perMinute: (rate: number) => `${n(rate)}/min`,
    close: 'Close listener',
    closeSure: 'Close it, with all its connections?',
    closeYes: 'Close',
    closeNo: 'Keep',
    faults: (count: number) => (count === 0 ? 'Faults' : some(count, 'fault')),
    picture: 'Picture',
    clients: 'Clients',
    clientsHint: 'by their raddr',
    server: 'Server',
    host: 'host',
    controlPlane: 'control plane',
    controlPlaneHint: 'never touches an echoed byte',
    node: 'node',
    otherNodeHint: 'another node: its pids and fds are numbers of its own',
    worker: 'worker',
    fd: 'fd',
    laddr: 'laddr',
    raddr: 'raddr',
    stateTitle: 'state',
    listening: ['listening', ' socket'] as readonly [string, string],
    accepted: 'accepted socket',
    open1: 'open',
    halfClosed: 'half-closed',
    gone: 'freed',
    closedClient: 'closed',
    ports: (count: number) => some(count, 'port'),
    run: (from: number, to: number) => (from === to ? `${from}` : `${from}–${to}`),
    acceptedCount: (count: number) => `${n(count)} accepted`,
    sessions: (count: number) => some(count, 'session'),
    moreHosts: (hosts: number, connections: number) =>
      `and ${some(hosts, 'more host', 'more hosts')} · ${some(connections, 'connection')}`,
    unknownHost: 'address unknown',
    notAll: (known: number, open: number) =>
      `Drawn from ${n(known)} of ${n(open)} open connections: the newest that the page holds.`,
    noClients: 'No client is connected.',
    noWorker: 'No worker is up.',
    facts: 'What this shows',
    noFacts: 'Connect a client, then a second one from another address.',
    bothEnds: 'Both ends of this connection',
    serverEnd: 'Server’s socket',
    clientEnd: 'Client’s socket',
    unknown: 'unknown here',
    mirror:
      'A server can not know the client’s pid and fd: a socket address is all that either side has of the other.',
    details: 'Details',
    unselect: 'Close',
    pid: 'pid',
    pastNote: 'Back to live to change something.',
  },
  facts: (fact: Fact, nodeName: NodeName): string => {
    switch (fact.kind) {
      case 'accepted':
        return `accept made a new socket, fd ${fact.fd}, for ${fact.raddr}. The listening socket, fd ${fact.listeningFd}, goes on listening.`;
      case 'one_port':
        return `Port ${fact.port} is one number for ${some(fact.count, 'client')}: accept made ${n(fact.count)} new sockets, and the listening socket goes on listening.`;
      case 'same_port':
        return `${fact.hosts.join(' and ')} both use port ${fact.port}. The pair (laddr, raddr) tells them apart.`;
      case 'same_host':
        return `${some(fact.count, 'client')} on ${fact.host}: ${n(fact.count)} ports, such as ${fact.ports.join(' and ')}.`;
      case 'same_fd':
        return `fd ${fact.fd} is open in ${some(fact.processes.length, 'worker')}, ${pidsOf(fact.processes, nodeName)}: fds are numbered for each process, so a record needs pid and fd.`;
      case 'fd_again':
        return `fd ${fact.fd} of pid ${fact.pid} was freed by ${fact.before} and is used again, by ${fact.now}: a number, not a name for ever.`;
      case 'half_closed':
        return `${fact.raddr} is half-closed: the client has sent FIN, and its bytes are still going back.`;
      case 'reset':
        return `${fact.raddr} was reset (RST): that is no goodbye, and what was still under way is lost.`;
      case 'udp':
        return `UDP has no accept: ${fact.count === 1 ? 'this session has' : `these ${n(fact.count)} sessions share`} the one socket, fd ${fact.fd}. Only the addresses in each datagram tell who speaks.`;
      case 'declared':
        return `The socket says ${fact.raddr}; the PROXY header says that the client is ${fact.declared}.`;
    }
  },
  connections: connectionWordsEnglish,
  listener: listenerWordsEnglish,
};

/** `pid 99 and 100`; on several nodes `pid 99 on a and pid 99 on b`. */
function pidsOf(processes: readonly Process[], nodeName: NodeName): string {
  const isOneNode = new Set(processes.map(({ nodeId }) => nodeId)).size === 1;
  if (isOneNode) return `pid ${processes.map(({ pid }) => pid).join(' and ')}`;
  return processes.map(({ nodeId, pid }) => `pid ${pid} on ${nodeName(nodeId)}`).join(' and ');
}
