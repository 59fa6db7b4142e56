/** What a textbook says of sockets, on real ones: each fact is read from the record, not from what the clients believe. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { isLoopback } from '../core/address.ts';
import { type OpenFrom, openFour } from './demo-clients.ts';
import { failed } from './failure.ts';
import { HeldListener } from './held-listener.ts';
import { Interrupts } from './interrupts.ts';
import { addressText, endText, nameOf } from './resource-tables.ts';
import type { Connection, Listener } from './rest-client.ts';
import type { Run, Session } from './session.ts';
import { type Column, tableText } from './tables.ts';

const recordTimeoutMs = 20_000;
const pollMs = 50;

const columns: readonly Column<Connection>[] = [
  { title: 'RADDR', cell: ({ raddr }) => addressText(raddr) },
  { title: 'LADDR', cell: ({ laddr }) => addressText(laddr) },
  { title: 'PID', isNumber: true, cell: ({ pid }) => pid },
  { title: 'FD', isNumber: true, cell: ({ fd }) => fd },
  { title: 'STATE', cell: ({ state }) => state },
];

export function demoCommand(run: Run): Command {
  return new Command('demo')
    .description('show on real sockets what a listening socket and an accepted socket are')
    .addOption(new Option('--keep', 'leave the listener there at the end'))
    .action(run(demo));
}

async function demo(session: Session, command: Command): Promise<undefined> {
  const { client, terminal } = session;
  const { keep: isKept = false } = command.opts<{ readonly keep?: true }>();
  using interrupts = new Interrupts();
  const { signal } = interrupts;
  await using clients = new AsyncDisposableStack();
  await using held = await HeldListener.open({
    client,
    body: { host: '127.0.0.1', labels: { demo: 'sockets' } },
    isKept,
    say: (text) => terminal.say(text),
  });
  const { listener } = held;
  const { laddr } = listener;
  if (laddr === null || !isLoopback(laddr.ip)) throw failed('the demo needs a kodama on this host');
  const open: OpenFrom = async (localAddress, localPort) => {
    const socket = connect({
      host: laddr.ip,
      port: laddr.port,
      localAddress,
      localPort,
      allowHalfOpen: true,
    });
    clients.defer(() => void socket.destroy());
    await once(socket, 'connect', { signal });
    return socket;
  };
  const say = (text: string) => terminal.print(`${text}\n`);

  const [socket] = listener.sockets;
  await say(
    `1. ${nameOf(listener)} listens on ${addressText(laddr)}: one socket, pid ${socket?.pid} fd ${socket?.fd}.`,
  );
  const sockets = await openFour(open).catch((error: Error) => {
    throw signal.aborted ? error : failed(`a client could not connect: ${error.message}`);
  });
  const [first] = sockets;
  const own = new Set(sockets.map((each) => `${each.localAddress}:${each.localPort}`));
  const isOwn = ({ raddr }: Connection) => own.has(addressText(raddr) ?? '');
  const four = (
    await recorded(session, listener, signal, (all) => all.filter(isOwn).length === 4)
  ).filter(isOwn);
  await say(
    '\n2. Four clients. Each accepted socket has the same laddr as the listening one, and an fd of its own:',
  );
  await terminal.print(tableText(columns, four.toReversed(), terminal));
  await say(twoHostsText(four));
  await say(oneHostText(four));

  first.end('goodbye');
  await once(first.resume(), 'end', { signal });
  const isOver = (one: Connection) =>
    isOwn(one) && one.raddr?.ip === '127.0.0.2' && one.state === 'closed';
  const closed = (await recorded(session, listener, signal, (all) => all.some(isOver))).find(
    isOver,
  );
  await say(closed === undefined ? '' : halfCloseText(closed));
  await say(`\nAll of it is on record: kodama events --listener ${nameOf(listener)}`);
  terminal.hint(`the API, to be tried in a browser: ${client.url}/docs`);
}

function twoHostsText(connections: readonly Connection[]): string {
  const at = (ip: string) => connections.find(({ raddr }) => raddr?.ip === ip);
  const [one, other] = [at('127.0.0.2'), at('127.0.0.3')];
  return (
    `\n3. ${addressText(one?.raddr)} and ${addressText(other?.raddr)}: two hosts, and the same port. ` +
    `What tells them apart is the pair (raddr, laddr), fd ${one?.fd} and fd ${other?.fd}.`
  );
}

function oneHostText(connections: readonly Connection[]): string {
  const ports = connections.flatMap(({ raddr }) => (raddr?.ip === '127.0.0.1' ? [raddr.port] : []));
  return `\n4. Two clients of one host, 127.0.0.1, have ports of their own: ${ports.toSorted().join(' and ')}.`;
}

function halfCloseText(connection: Connection): string {
  const { bytesIn, bytesOut } = connection;
  return (
    `\n5. ${addressText(connection.raddr)} said goodbye and sent FIN: its half is closed, and the ${bytesOut} of ${bytesIn} ` +
    `bytes still came back. Then our FIN: ${endText(connection)}.`
  );
}

/** The connections of the listener once they are on record as they should be. */
async function recorded(
  { client }: Session,
  { id }: Listener,
  signal: AbortSignal,
  isThere: (connections: readonly Connection[]) => boolean,
): Promise<readonly Connection[]> {
  const deadline = performance.now() + recordTimeoutMs;
  for (;;) {
    const { items } = await client.list('connections', { listener: id });
    if (isThere(items)) return items;
    if (performance.now() > deadline) throw failed('the connections did not come on record');
    await delay(pollMs, undefined, { signal });
  }
}
