/** Completion in a shell: the words of the tree of commands, and the names of listeners, which kodama is asked for. */
import { Argument, Command } from 'commander';
import { nameOf } from './resource-tables.ts';
import type { Run, Session } from './session.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];
/** Those that name a listener, in any word or behind --listener. */
const namesListeners = ['get', 'set', 'delete', 'wait'];
const namesListed = 200;

export function completionCommand(run: Run): Command {
  return new Command('completion')
    .description('print what completes the command in a shell: source <(kodama completion bash)')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .action(
      run(async ({ terminal }, command) => {
        const shell = command.args[0] as Shell;
        await terminal.print(scripts[shell](treeOf(command.parent ?? command)));
        return undefined;
      }),
    );
}

/** What the scripts ask while a word is completed: a kodama that cannot be reached has no names. */
export function completeCommand(run: Run): Command {
  return new Command('__complete').action(run(printNames));
}

async function printNames({ client, terminal }: Session): Promise<undefined> {
  const { items } = await client.list('listeners', {}, namesListed);
  await terminal.print(items.map((listener) => `${nameOf(listener)}\n`).join(''));
}

interface Words {
  readonly name: string;
  readonly about: string;
  readonly flags: readonly string[];
  /** Of the flags that take one of a few words. */
  readonly choices: readonly (readonly [flag: string, words: readonly string[]])[];
}

function treeOf(program: Command): readonly Words[] {
  const visible = program.commands.filter((command) => !command.name().startsWith('_'));
  return visible.map((command) => {
    const options = [...command.options, ...program.options];
    const long = options.flatMap(({ long: flag }) => flag ?? []);
    const choices = options.flatMap(({ long: flag, argChoices }) =>
      flag && argChoices ? [[flag, argChoices] as const] : [],
    );
    const [about = ''] = command.description().split('; ');
    return { name: command.name(), about, flags: [...long, '--help'], choices };
  });
}

const scripts: Readonly<Record<Shell, (tree: readonly Words[]) => string>> = {
  bash: bashScript,
  zsh: (tree) =>
    `#compdef kodama\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(tree)}`,
  fish: fishScript,
};

function bashScript(tree: readonly Words[]): string {
  const names = tree.map(({ name }) => name).join(' ');
  const choices = new Map(tree.flatMap((words) => words.choices));
  const cases = tree.map(({ name, flags }) => `    ${name}) words='${flags.join(' ')}' ;;`);
  const chosen = [...choices].map(([flag, words]) => `    ${flag}) words='${words.join(' ')}' ;;`);
  return `_kodama() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} words=
  if [ "$COMP_CWORD" -eq 1 ]; then words='${names}'; else case $command in
${cases.join('\n')}
  esac; fi
  case $previous in
    --listener) words=$(kodama __complete 2>/dev/null) ;;
${chosen.join('\n')}
  esac
  case " ${namesListeners.join(' ')} " in
    *" $command "*) [ "$COMP_CWORD" -gt 1 ] && [ "\${current#-}" = "$current" ] && words="$words $(kodama __complete 2>/dev/null)" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _kodama kodama
`;
}

function fishScript(tree: readonly Words[]): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
  const commands = tree.map(
    ({ name, about }) =>
      `complete -c kodama -f -n __fish_use_subcommand -a ${name} -d ${quoted(about)}`,
  );
  const flags = tree.flatMap(({ name, flags: long, choices }) => {
    const words = new Map(choices);
    return long.map((flag) => {
      const chosen = words.get(flag);
      const values = chosen === undefined ? '' : ` -xa ${quoted(chosen.join(' '))}`;
      return `complete -c kodama -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}${values}`;
    });
  });
  const listeners = `complete -c kodama -f -n '__fish_seen_subcommand_from ${namesListeners.join(' ')}' -a '(kodama __complete 2>/dev/null)'`;
  return `${[...commands, ...flags, listeners].join('\n')}\n`;
}
