import { Command } from 'commander';
import { become } from './become.ts';
import { collected, option, repeatable, withOptions } from './flags.ts';
import type { Run } from './session.ts';

interface AgentOptions {
  readonly join?: readonly string[];
  readonly tokenFile?: string;
  readonly name?: string;
}

export function agentCommand(run: Run): Command {
  const command = new Command('agent')
    .description(
      'hold echo sockets on this host for a control plane elsewhere; what it has joined is kept in KODAMA_DATA_DIR',
    )
    // --token-file is one of all commands, too; here it is of a join token.
    .action(
      run((_, self) => become('agent/main', wordsOf(self.optsWithGlobals<AgentOptions>())), {
        hasOwnTokenFile: true,
      }),
    );
  return withOptions(command, [
    repeatable('--join <url>', 'its gateway; several are tried in turn', collected),
    option('--token-file <file>', 'the join token (else KODAMA_JOIN_TOKEN)'),
    option('--name <name>', 'what the node is to be called, else as this host'),
  ]);
}

function wordsOf({ join = [], tokenFile, name }: AgentOptions): readonly string[] {
  const given = { 'token-file': tokenFile, name };
  const single = Object.entries(given).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag}=${value}`],
  );
  return [...join.map((url) => `--join=${url}`), ...single];
}
