import { Command } from 'commander';
import { version } from '../command-line.ts';
import type { Run, Session } from './session.ts';

export function versionCommand(run: Run): Command {
  return new Command('version')
    .description('print the version of the command')
    .action(run(printVersion));
}

async function printVersion({ terminal, format }: Session): Promise<undefined> {
  const node = process.versions.node;
  if (format === 'json') await terminal.printJson({ version, node });
  else await terminal.print(`kodama ${version}, Node.js ${node}\n`);
}
