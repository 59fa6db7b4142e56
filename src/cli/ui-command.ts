/**
 * Where the console is, with the key of this command in the fragment: a browser sends that to no server, and the page
 * takes it out of its address. It is printed and not opened, since whoever looks at the processes of this host would
 * see the key among the words of the program that opens it.
 */
import { Command } from 'commander';
import type { Run, Session } from './session.ts';

export function uiCommand(run: Run): Command {
  return new Command('ui')
    .description('print the address of the console, signed in')
    .action(run(printAddress));
}

/** Once it is known that the console would be let in. */
async function printAddress({ client, consoleUrl, terminal, format }: Session): Promise<undefined> {
  await client.get('/v1/status');
  if (format === 'json') await terminal.printJson({ url: consoleUrl });
  else await terminal.print(`${consoleUrl}\n`);
}
