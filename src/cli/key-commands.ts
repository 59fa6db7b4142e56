/** Keys: what a caller shows. The secret of one is printed by the command that made it, and by none after it. */
import { Command, Option } from 'commander';
import { scopeWords } from '../tenancy/api-key.ts';
import {
  assertWord,
  atLeastOne,
  duration,
  lifetime,
  option,
  repeatable,
  withOptions,
} from './flags.ts';
import { listShown, listShownDefault } from './list-shown.ts';
import { keyIdOf } from './named-keys.ts';
import type { Key, ToldKey } from './rest-client.ts';
import type { Run, Session } from './session.ts';
import { showRows } from './show.ts';
import { factsText } from './tables.ts';
import { keyColumns } from './tenancy-tables.ts';

interface ListOptions {
  readonly operators?: true;
  readonly limit: number;
}

export function keysCommand(run: Run): Command {
  return new Command('keys')
    .description('list keys, newest first; those that ended too, for 30 days')
    .option('--operators', 'those of no project instead, for operators')
    .addOption(option('--limit <n>', 'at most so many', atLeastOne).default(listShownDefault))
    .action(run(listKeys))
    .addCommand(createKeyCommand(run))
    .addCommand(rotateKeyCommand(run))
    .addCommand(revokeKeyCommand(run))
    .addCommand(renameKeyCommand(run));
}

async function listKeys(session: Session, command: Command): Promise<undefined> {
  const { operators, limit } = command.opts<ListOptions>();
  const columns = keyColumns(session.format);
  await listShown(session, 'keys', { columns, limit, query: { operators }, first: 'newest' });
}

interface CreateOptions {
  readonly scopes: readonly string[];
  readonly ttl?: number;
  readonly operator?: true;
}

function createKeyCommand(run: Run): Command {
  const command = new Command('create')
    .description('make a key, and print its secret, this once')
    .argument('<name>', 'its name')
    .action(run(createKey));
  return withOptions(command, [
    repeatable(
      '--scopes <scopes>',
      'what it allows, such as read,write',
      scopes,
    ).makeOptionMandatory(),
    option('--ttl <duration>', 'when it ends by itself, such as 30d', lifetime),
    new Option('--operator', 'of no project; its scopes are to be operator, among others'),
    secretOnly(),
  ]);
}

/** Each time that it is given adds to it. */
function scopes(text: string, before: readonly string[] = []): readonly string[] {
  const words = text.split(',');
  for (const word of words) assertWord(word, scopeWords, 'scope');
  return [...before, ...words];
}

function secretOnly(): Option {
  return new Option('-q, --quiet', 'print the secret and nothing else, for scripts');
}

async function createKey(session: Session, command: Command): Promise<undefined> {
  const { scopes: allowed, ttl, operator } = command.opts<CreateOptions>();
  const body = {
    ...{ name: command.args[0], scopes: allowed },
    ...(ttl !== undefined && { ttlMs: ttl }),
    ...(operator === true && { project: null }),
  };
  await tell(session, command, await session.client.call('POST', '/v1/keys', { body }));
}

function rotateKeyCommand(run: Run): Command {
  const command = new Command('rotate')
    .description('give a key a second secret, and print it; the first one ends after the overlap')
    .argument('<key>', 'its id or name')
    .action(run(rotateKey));
  return withOptions(command, [
    option('--overlap <duration>', 'how long the first one still holds (1h)', duration),
    secretOnly(),
  ]);
}

async function rotateKey(session: Session, command: Command): Promise<undefined> {
  const { overlap } = command.opts<{ readonly overlap?: number }>();
  const body = overlap === undefined ? {} : { overlapMs: overlap };
  await tell(
    session,
    command,
    await session.client.call('POST', `${await keyPath(session, command)}:rotate`, { body }),
  );
}

async function tell(
  { terminal, format }: Session,
  command: Command,
  key: ToldKey,
): Promise<undefined> {
  const { quiet } = command.opts<{ readonly quiet?: true }>();
  if (quiet === true) await terminal.print(`${key.secret}\n`);
  else if (format === 'json') await terminal.printJson(key);
  else {
    await terminal.print(factsText(factsOf(key), terminal));
    terminal.say(
      'kodama: the secret is shown this once. Set KODAMA_API_TOKEN to it, or keep it in',
    );
    terminal.say('kodama: a file for --token-file; `kodama login` tells whether it is good');
  }
}

function factsOf(key: ToldKey): readonly (readonly [string, string | null])[] {
  return [
    ['name', key.name],
    ['id', key.id],
    ['project', key.project ?? 'none: an operator’s'],
    ['scopes', key.scopes.join(', ')],
    ['expires', key.expiresAt ?? 'never'],
    ...(key.formerSecretEndsAt === null
      ? []
      : [['old secret ends', key.formerSecretEndsAt] as const]),
    ['secret', key.secret],
  ];
}

function revokeKeyCommand(run: Run): Command {
  return new Command('revoke')
    .description('revoke a key: it is refused everywhere within 10 s, and its streams end')
    .argument('<key>', 'its id or name')
    .action(run(revokeKey));
}

async function revokeKey(session: Session, command: Command): Promise<undefined> {
  const { client, terminal } = session;
  await client.call('DELETE', await keyPath(session, command));
  terminal.say(`revoked ${command.args[0]}`);
}

function renameKeyCommand(run: Run): Command {
  return new Command('rename')
    .description('give a key another name; what it allows never changes')
    .argument('<key>', 'its id or name')
    .argument('<name>', 'its new name')
    .action(run(renameKey));
}

async function renameKey(session: Session, command: Command): Promise<undefined> {
  const body = { name: command.args[1] };
  const key = await session.client.call<Key>('PATCH', await keyPath(session, command), { body });
  await showRows(session, keyColumns(session.format), [key]);
}

async function keyPath({ client }: Session, { args: [key = ''] }: Command): Promise<string> {
  return `/v1/keys/${encodeURIComponent(await keyIdOf(client, key))}`;
}
