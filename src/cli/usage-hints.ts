/** What is said of a mistake with a reason: what is meant stands in another place, or goes by another name. */
import type { Command } from 'commander';

type Hint = readonly [mistake: RegExp, hint: string];

const waits =
  'kodama wait LISTENER waits for its connections, kodama events wait --listener LISTENER for its events';

const declared: Hint = [
  /unknown option '--(dec|remote)/,
  '--raddr NETWORK is of declared addresses, too',
];

const hints: Readonly<Record<string, readonly Hint[]>> = {
  wait: [[/unknown option '--listener\b/, waits]],
  events: [declared],
  'events wait': [[/too many arguments/, waits], declared],
};

/** To be called when the command has the settings of the program. */
export function withUsageHints(command: Command): void {
  const known = hints[fullName(command)];
  if (known === undefined) return;
  command.exitOverride((error) => {
    const [, hint] = known.find(([mistake]) => mistake.test(error.message)) ?? [];
    if (hint !== undefined) command.configureOutput().writeErr?.(`(${hint})\n`);
    throw error;
  });
}

function fullName(command: Command): string {
  const { parent } = command;
  return parent?.parent == null ? command.name() : `${fullName(parent)} ${command.name()}`;
}
