import { Command } from 'commander';
import { formatElapsed } from './durations.ts';
import { listenerEventLine } from './event-lines.ts';
import { choice } from './flags.ts';
import { type NodeName, nodeNames } from './node-names.ts';
import { addressText, endText, silenceText } from './resource-tables.ts';
import type { Connection } from './rest-client.ts';
import type { Run, Session } from './session.ts';
import { factsText } from './tables.ts';
import { elapsedMs } from './times.ts';

export function connectionCommand(run: Run): Command {
  return new Command('connection')
    .description('show one connection with its timeline, or close it')
    .argument('<id>', 'its id, as `connections -o wide` shows it')
    .addOption(choice('--close <how>', 'close it first', ['fin', 'rst']))
    .action(run(showConnection));
}

async function showConnection(session: Session, command: Command): Promise<undefined> {
  const { client, terminal, format } = session;
  const path = `/v1/connections/${encodeURIComponent(command.args[0] ?? '')}`;
  const { close: mode } = command.opts<{ readonly close?: string }>();
  const connection =
    mode === undefined
      ? await client.get<Connection>(path)
      : await client.call<Connection>('POST', `${path}:close`, { body: { mode } });
  if (format === 'json') {
    await terminal.printJson(connection);
    return;
  }
  const nodeName = await nodeNames(client, [connection.nodeId]);
  await terminal.print(factsText(factsOf(connection, nodeName), terminal));
  const { items: events } = await client.list('events', { connectionId: connection.id });
  const lines = events.map((event) => listenerEventLine(event));
  await terminal.print(`\n${lines.join('')}`);
}

function factsOf(
  connection: Connection,
  nodeName: NodeName,
): readonly (readonly [string, string | number | null])[] {
  const { id, listenerName, listenerId, protocol, state, pid, fd, tls, nodeId } = connection;
  const lasted = elapsedMs(connection.acceptedAt, connection.closedAt, Date.now());
  return [
    ['id', id],
    ['listener', listenerName ?? listenerId],
    ['protocol', protocol],
    ['laddr', addressText(connection.laddr)],
    ['raddr', addressText(connection.raddr)],
    ['declared', addressText(connection.declaredRaddr)],
    ['state', state],
    ['socket', `pid ${pid} fd ${fd}`],
    ['node', nodeName(nodeId)],
    ['accepted', connection.acceptedAt],
    ['first byte', connection.firstByteAt],
    ['last byte', connection.lastByteAt],
    ['FIN read', connection.halfClosedAt],
    ['closed', connection.closedAt],
    ['lasted', formatElapsed(lasted)],
    ['silent at end', silenceText(connection)],
    ['bytes in', connection.bytesIn],
    ['bytes out', connection.bytesOut],
    ['end', endText(connection)],
    ['TLS', tls === null ? null : `${tls.version} ${tls.cipher}`],
    ['server name', tls?.sni ?? null],
  ];
}
