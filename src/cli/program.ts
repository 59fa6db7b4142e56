/** The tree of commands, without any of what they do: who prints help or completes words walks it. */
import { Command, Option, type OutputConfiguration } from 'commander';
import { version } from '../command-line.ts';
import { agentCommand } from './agent-command.ts';
import { auditCommand } from './audit-command.ts';
import { completeCommand, completionCommand } from './completion-command.ts';
import { connectionCommand } from './connection-command.ts';
import { connectionsCommand } from './connections-command.ts';
import { demoCommand } from './demo-command.ts';
import type { CommandEnvironment } from './environment.ts';
import { eventsCommand } from './events-command.ts';
import { applyCommand, exportCommand } from './file-commands.ts';
import { refuseRepeats } from './flags.ts';
import { assertPartsKnown, helpCommand, visibleGlobalOptions } from './help-command.ts';
import { idleCommand } from './idle-command.ts';
import { joinTokensCommand } from './join-token-commands.ts';
import { keysCommand } from './key-commands.ts';
import { listenCommand } from './listen-command.ts';
import { createCommand, deleteCommand, getCommand, setCommand } from './listener-commands.ts';
import { listenersCommand } from './listeners-command.ts';
import { loginCommand } from './login-command.ts';
import { nodesCommand } from './node-commands.ts';
import { projectsCommand } from './project-commands.ts';
import { quotasCommand } from './quotas-command.ts';
import { formats, type Run } from './session.ts';
import { statusCommand } from './status-command.ts';
import { uiCommand } from './ui-command.ts';
import { restoreMarkCommand, upCommand } from './up-command.ts';
import { withUsageHints } from './usage-hints.ts';
import { versionCommand } from './version-command.ts';
import { waitCommand } from './wait-command.ts';

/** `run` makes the actions of the handlers. */
export function buildProgram(
  { url, project, caCert }: CommandEnvironment,
  run: Run,
  output: OutputConfiguration = {},
): Command {
  const program = new Command('kodama')
    .description('echo socket servers, every connection of theirs, and how it ended')
    .version(`kodama ${version}`, '--version', 'print the version of the command')
    .configureHelp({ showGlobalOptions: true, visibleGlobalOptions })
    .configureOutput(output)
    // Nobody but main.ts ends the process.
    .exitOverride()
    .helpCommand(false)
    .addOption(new Option('--url <url>', 'where the API is (KODAMA_URL)').default(url))
    .addOption(
      new Option(
        '--ca-cert <file>',
        'the authority of its certificate, as PEM (KODAMA_CA_CERT)',
      ).default(caCert ?? undefined),
    )
    .option('--token-file <file>', 'the file that holds the token (else KODAMA_API_TOKEN)')
    .addOption(
      new Option('--project <project>', 'whose things are asked for (KODAMA_PROJECT)').default(
        project ?? undefined,
      ),
    )
    .addOption(
      new Option('-o, --output <format>', 'how data is printed; json is as the API has it')
        .choices(formats)
        .default('table'),
    )
    .addHelpText('after', exitText);
  const commands = [
    upCommand,
    agentCommand,
    listenCommand,
    listenersCommand,
    getCommand,
    createCommand,
    setCommand,
    deleteCommand,
    connectionsCommand,
    connectionCommand,
    eventsCommand,
    waitCommand,
    idleCommand,
    statusCommand,
    uiCommand,
    applyCommand,
    exportCommand,
    loginCommand,
    projectsCommand,
    keysCommand,
    nodesCommand,
    joinTokensCommand,
    quotasCommand,
    auditCommand,
    restoreMarkCommand,
    demoCommand,
    completionCommand,
    versionCommand,
  ];
  refuseRepeats(program);
  assertPartsKnown(program);
  const add = (command: Command, options = {}) => {
    program.addCommand(command.copyInheritedSettings(program), options);
    for (const nested of command.commands) nested.copyInheritedSettings(program);
    for (const one of [command, ...command.commands]) {
      refuseRepeats(one);
      withUsageHints(one);
    }
  };
  for (const make of commands) add(make(run));
  add(completeCommand(run), { hidden: true });
  add(helpCommand());
  return program;
}

const exitText = `
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 not met, 4 kodama not reachable.`;
