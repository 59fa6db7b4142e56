/** Help of any command, and of the parts that some have; and what is said of a word that is none of them. */
import { Command, type Option } from 'commander';

export function helpCommand(): Command {
  return new Command('help')
    .description('print the help of a command')
    .argument('[command...]', 'its name, and that of its part such as keys create')
    .action(function show(this: Command) {
      showHelp(this.parent ?? this, this.args);
    });
}

/** Those of the whole program: a part of a command has as its own what it takes of that one's flags. */
export function visibleGlobalOptions({ parent }: Command): Option[] {
  if (parent === null) return [];
  return parent.parent === null ? [...parent.options] : visibleGlobalOptions(parent);
}

/** Commands that have parts take no other words: so the first is told, whatever stands behind it. */
export function assertPartsKnown(program: Command): void {
  program.hook('preSubcommand', ({ args: [, word, ...rest] }, command) => {
    if (command.commands.length === 0 || word === undefined || word.startsWith('-')) return;
    if (word === 'help') showHelp(command, rest);
    else partOf(command, word);
  });
}

function showHelp(command: Command, words: readonly string[]): void {
  words.reduce(partOf, command).help();
}

/** @throws CommanderError that suggests one which is there */
function partOf(command: Command, word: string): Command {
  const part = command.commands.find((one) => [one.name(), ...one.aliases()].includes(word));
  return part ?? refuse(command, word);
}

/** Commander suggests a command only where nothing else could be meant. */
function refuse(command: Command, word: string): never {
  const bare = new Command(command.name()).copyInheritedSettings(command).helpCommand(false);
  for (const part of command.commands) {
    bare.command(part.name(), { hidden: part.name().startsWith('_') }).aliases(part.aliases());
  }
  bare.parse([word], { from: 'user' });
  throw new TypeError(`${word} is a part of ${command.name()}`);
}
