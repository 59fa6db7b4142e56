/** Whether the key that is set is good, and for what. Nothing is kept: the key stays where it was set. */
import { Command } from 'commander';
import type { OwnProject } from './rest-client.ts';
import type { Run, Session } from './session.ts';
import { factsText } from './tables.ts';

export function loginCommand(run: Run): Command {
  return new Command('login')
    .description(
      'test the key that is set, and show what it is for; exit code 1 where it is not good',
    )
    .action(run(printCaller));
}

async function printCaller({ client, terminal, format }: Session): Promise<undefined> {
  const own = await client.get<OwnProject>('/v1/projects/self');
  if (format === 'json') await terminal.printJson(own);
  else {
    const key =
      own.keyHint ?? (client.isKeyed ? 'the token of kodama itself' : 'none is asked for');
    await terminal.print(
      factsText(
        [
          ['project', own.displayName === null ? own.name : `${own.name} (${own.displayName})`],
          ['key', key],
          ['scopes', own.scopes.join(', ')],
        ],
        terminal,
      ),
    );
  }
}
