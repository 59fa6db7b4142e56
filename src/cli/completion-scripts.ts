/**
 * The scripts by which shells complete the command. They know the tree of commands, so that only the names of what
 * kodama has cost a process.
 */

/** What kodama is asked for the names of. */
export const asked = ['listener', 'node', 'project', 'key'] as const;
export type Asked = (typeof asked)[number];

/** One of a few words, or what is to be found elsewhere. */
export type Value = readonly string[] | Asked | 'file' | 'any';

export interface Flag {
  readonly long: string;
  readonly short: string | null;
  readonly about: string;
  /** Null: it takes none. */
  readonly value: Value | null;
}

export interface CommandWords {
  /** The name, then the aliases; `keys create` where it is a part of another. */
  readonly names: readonly string[];
  readonly about: string;
  readonly flags: readonly Flag[];
  readonly argument: Value | null;
}

export interface Tree {
  /** The flags that each command has. */
  readonly all: readonly Flag[];
  readonly commands: readonly CommandWords[];
}

export const completionScripts: Readonly<Record<'bash' | 'zsh' | 'fish', (tree: Tree) => string>> =
  {
    bash: (tree) => `${wordsFunction(tree)}
_kodama() {
  local current=\${COMP_WORDS[COMP_CWORD]} line
  COMPREPLY=()
  while IFS= read -r line; do
    [[ $line == "$current"* ]] && COMPREPLY+=("$line")
  done < <(_kodama_words "$current" "\${COMP_WORDS[@]:1:COMP_CWORD-1}")
}
complete -o default -F _kodama kodama
`,
    zsh: (tree) => `#compdef kodama
${wordsFunction(tree)}
_kodama() {
  local found
  found=$(_kodama_words "\${words[CURRENT]}" "\${(@)words[2,CURRENT-1]}")
  if [ -n "$found" ]; then compadd -- "\${(@f)found}"; else _files; fi
}
# As a file of fpath this is the body of the function; else it is read as it stands.
if [ "\${funcstack[1]}" = _kodama ]; then _kodama "$@"; else
  (( \${+functions[compdef]} )) || { autoload -U compinit && compinit; }
  compdef _kodama kodama
fi
`,
    fish: fishScript,
  };

function askNames(of: Asked): string {
  return `kodama __complete ${of} 2>/dev/null`;
}

/**
 * For bash and zsh, whose arrays differ: prints what may come next, one a line, given the word that is being written and
 * those before it. Without a line the shell offers files.
 */
function wordsFunction({ all, commands }: Tree): string {
  const [names, parts] = namesOf(commands);
  const values = [
    ...commands.flatMap(({ names: own, flags }) =>
      valueCases(flags, (word) => own.map((name) => `"${name} ${word}"`).join('|')),
    ),
    ...valueCases(all, (word) => `*" ${word}"`),
  ];
  const args = commands.flatMap(({ names: own, argument }) =>
    argument === null || argument === 'any'
      ? []
      : `      ${cases(own)}) ${printed(argument)}; return ;;`,
  );
  const flags = commands.map(({ names: own, flags: their }) => {
    return `    ${cases(own)}) ${print([...longs(their), ...longs(all), '--help'])} ;;`;
  });
  return `_kodama_words() {
  local current=$1 command= previous= word= isValue=
  shift
  for word in "$@"; do
    previous=$word
    if [ "$word" = -- ]; then return; fi
    if [ -n "$command" ]; then
      case "$command $word" in ${cases(parts)}) command="$command $word" ;; esac
      continue
    fi
    if [ -n "$isValue" ]; then isValue=; continue; fi
    case $word in
      ${takingWords(all).join('|')}) isValue=1 ;;
      -*) ;;
      *) command=$word ;;
    esac
  done
  case "$command $previous" in
${values.join('\n')}
  esac
  case $current in
    -*) ;;
    *) case $command in
      '') ${print(names)}; return ;;
${args.join('\n')}
    esac ;;
  esac
  case $command in
    '') ${print([...longs(all), '--help'])} ;;
${flags.join('\n')}
  esac
}`;
}

/** Of the commands, and of the parts of commands. */
function namesOf(commands: readonly CommandWords[]): readonly [string[], string[]] {
  const names = commands.flatMap((command) => command.names);
  return [names.filter((name) => !name.includes(' ')), names.filter((name) => name.includes(' '))];
}

function cases(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join('|');
}

function spellings({ long, short }: Flag): readonly string[] {
  return short === null ? [long] : [long, short];
}

/** Those that another word belongs to. */
function takingWords(flags: readonly Flag[]): readonly string[] {
  return flags.filter(({ value }) => value !== null).flatMap(spellings);
}

function longs(flags: readonly Flag[]): readonly string[] {
  return flags.map(({ long }) => long);
}

/** What may follow the flags that take a value: a line for all of which it is the same. */
function valueCases(flags: readonly Flag[], place: (word: string) => string): readonly string[] {
  const taking = flags.flatMap((flag) =>
    flag.value === null
      ? []
      : spellings(flag).map((word) => [printed(flag.value ?? 'any'), word] as const),
  );
  const byValue = Map.groupBy(taking, ([text]) => text);
  return [...byValue].map(
    ([text, places]) =>
      `    ${places.map(([, word]) => place(word)).join('|')}) ${text}; return ;;`,
  );
}

function printed(value: Value): string {
  if (typeof value !== 'string') return print(value);
  return value === 'file' || value === 'any' ? ':' : askNames(value);
}

function print(words: readonly string[]): string {
  return `printf '%s\\n' ${words.join(' ')}`;
}

function fishScript({ all, commands }: Tree): string {
  const [, parts] = namesOf(commands);
  const isNone = "__kodama_is ''";
  const lines = [
    fishFunctions(all, parts),
    // Behind -- stands another program.
    "complete -c kodama -n 'not contains -- -- (commandline -opc)' -f",
    ...all.map((flag) => fishFlag(flag, null)),
    "complete -c kodama -l help -d 'display help for command'",
    ...commands.flatMap(({ names: own, about, flags, argument }) => {
      const isIt = quoted(`__kodama_is ${own.map(quoted).join(' ')}`);
      const isPart = own.every((name) => name.includes(' '));
      const values = argument === null ? '' : fishValues(argument);
      return [
        ...(isPart
          ? []
          : [
              `complete -c kodama -n ${quoted(isNone)} -a ${quoted(own.join(' '))} -d ${quoted(about)}`,
            ]),
        ...flags.map((flag) => fishFlag(flag, isIt)),
        ...(values === '' ? [] : [`complete -c kodama -n ${isIt}${values}`]),
      ];
    }),
  ];
  return `${lines.join('\n')}\n`;
}

/** Whether the command that is being written is one of these; '' where there is none yet. */
function fishFunctions(all: readonly Flag[], parts: readonly string[]): string {
  return `function __kodama_is
  set -l words (commandline -opc)
  set -e words[1]
  if contains -- -- $words; return 1; end
  set -l command ''
  set -l isValue no
  for word in $words
    if test $isValue = yes; set isValue no; continue; end
    switch $word
      case ${takingWords(all).join(' ')}
        set isValue yes
      case '-*'
      case '*'
        if test "$command" = ''
          set command $word
        else if contains -- "$command $word" ${parts.map(quoted).join(' ')}
          set command "$command $word"
        end
    end
  end
  contains -- "$command" $argv
end`;
}

function fishFlag({ long, short, about, value }: Flag, condition: string | null): string {
  const when = condition === null ? '' : ` -n ${condition}`;
  const letter = short === null ? '' : ` -s ${short.slice(1)}`;
  // With -r alone fish offers files beside the words.
  const takes = value === 'file' ? ' -r' : ' -x';
  const values = value === null ? '' : `${takes}${fishValues(value)}`;
  return `complete -c kodama${when} -l ${long.slice(2)}${letter}${values} -d ${quoted(about)}`;
}

function fishValues(value: Value): string {
  if (value === 'any') return '';
  if (value === 'file') return ' -F';
  return ` -a ${quoted(typeof value === 'string' ? `(${askNames(value)})` : value.join(' '))}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, (letter) => `\\${letter}`)}'`;
}
