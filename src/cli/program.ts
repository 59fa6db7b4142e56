/** The tree of commands, without any of what they do: who prints help or completes words walks it. */
import { Command, Option } from 'commander';
import { completeCommand, completionCommand } from './completion-command.ts';
import { connectionCommand } from './connection-command.ts';
import { connectionsCommand } from './connections-command.ts';
import { demoCommand } from './demo-command.ts';
import type { CommandEnvironment } from './environment.ts';
import { eventsCommand } from './events-command.ts';
import { applyCommand, exportCommand } from './file-commands.ts';
import { listenCommand } from './listen-command.ts';
import { createCommand, deleteCommand, getCommand, setCommand } from './listener-commands.ts';
import { listenersCommand } from './listeners-command.ts';
import { formats, type Run } from './session.ts';
import { statusCommand } from './status-command.ts';
import { upCommand } from './up-command.ts';
import { versionCommand } from './version-command.ts';
import { waitCommand } from './wait-command.ts';

/** `run` makes the actions of the handlers. */
export function buildProgram({ url, project }: CommandEnvironment, run: Run): Command {
  const program = new Command('kodama')
    .description('echo socket servers, every connection of theirs, and how it ended')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .addOption(new Option('--url <url>', 'where the API is (KODAMA_URL)').default(url))
    .option('--token-file <file>', 'the file that holds the token (else KODAMA_API_TOKEN)')
    .addOption(
      new Option('--project <name>', 'whose things are asked for (KODAMA_PROJECT)').default(
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
    statusCommand,
    applyCommand,
    exportCommand,
    demoCommand,
    completionCommand,
    versionCommand,
  ];
  for (const make of commands) program.addCommand(make(run));
  program.addCommand(completeCommand(run), { hidden: true });
  return program;
}

const exitText = `
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 not met, 4 kodama not reachable.`;
