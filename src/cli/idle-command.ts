/** The finder of idle time-outs. Its search is loaded for this command only. */
import { Command, Option } from 'commander';
import { address, choice, duration, option, port, wholeNumber, withOptions } from './flags.ts';
import type { Run } from './session.ts';

export function idleCommand(run: Run): Command {
  const command = new Command('idle')
    .description(
      'find after which silence what stands before a listener ends a connection, and how',
    )
    .argument('<host:port>', 'where a client reaches the listener, through what is to be tried')
    .action(
      run(async (session, command) =>
        (await import('./idle/find-idle.ts')).findIdle(session, command),
      ),
    );
  return withOptions(command, [
    option('--from <duration>', 'the shortest silence', duration).default(15_000, '15s'),
    option('--to <duration>', 'the longest silence', duration).default(600_000, '10m'),
    option('--steps <n>', 'how many silences, each a connection', wholeNumber).default(24),
    choice('--direction <who>', 'who speaks after the silence', [
      'client',
      'server',
      'both',
    ]).default('client'),
    new Option('--udp', 'UDP instead of TCP'),
    new Option('--refine', 'try as many silences again between the two that were found'),
    option(
      '--listener <listener>',
      'the listener behind it, by name or id; without it one is made for the search',
    ).conflicts(['listenPort', 'listenHost']),
    option('--listen-port <port>', 'where that is to listen; as in HOST:PORT by default', port),
    option('--listen-host <address>', 'the address that it binds', address),
  ]);
}
