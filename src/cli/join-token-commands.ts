/** Join tokens: by which nodes are added. The secret of one is printed by the command that made it, and by none after it. */
import { Command, Option } from 'commander';
import { joinLines } from '../join-lines.ts';
import { formatDuration } from './durations.ts';
import { atLeastOne, type Labels, labelOption, lifetime, option, withOptions } from './flags.ts';
import { joinTokenColumns } from './fleet-tables.ts';
import { listShown, listShownDefault } from './list-shown.ts';
import type { ToldJoinToken } from './rest-client.ts';
import type { Run, Session } from './session.ts';

export function joinTokensCommand(run: Run): Command {
  return new Command('join-tokens')
    .alias('join-token')
    .description('list join tokens, newest first; those that ended too, for 30 days')
    .addOption(option('--limit <n>', 'at most so many', atLeastOne).default(listShownDefault))
    .action(run(listJoinTokens))
    .addCommand(createJoinTokenCommand(run))
    .addCommand(deleteJoinTokenCommand(run));
}

async function listJoinTokens(session: Session, command: Command): Promise<undefined> {
  const columns = joinTokenColumns(session.format);
  const { limit } = command.opts<{ readonly limit: number }>();
  await listShown(session, 'joinTokens', { columns, limit, first: 'newest' });
}

interface CreateOptions {
  readonly ttl?: number;
  readonly uses?: number;
  readonly label?: Labels;
  readonly shared?: true;
  readonly quiet?: true;
}

function createJoinTokenCommand(run: Run): Command {
  const command = new Command('create')
    .description('make a join token, and print the lines that add a node by it, this once')
    .action(run(createJoinToken));
  return withOptions(command, [
    option('--ttl <duration>', 'when it ends by itself (1h)', lifetime),
    option('--uses <n>', 'how many nodes may join with it (1)', atLeastOne),
    labelOption('of the nodes that join with it'),
    new Option('--shared', 'its nodes serve every project; for operators'),
    new Option('-q, --quiet', 'print the secret and nothing else, for scripts'),
  ]);
}

async function createJoinToken(session: Session, command: Command): Promise<undefined> {
  const { client, terminal, format } = session;
  const { ttl, uses, label: labels, shared, quiet } = command.opts<CreateOptions>();
  const body = {
    ...(ttl !== undefined && { ttlMs: ttl }),
    ...(uses !== undefined && { uses }),
    ...(labels !== undefined && { labels }),
    ...(shared === true && { shared }),
  };
  const token = await client.call<ToldJoinToken>('POST', '/v1/join-tokens', { body });
  if (quiet === true) await terminal.print(`${token.secret}\n`);
  else if (format === 'json') await terminal.printJson(token);
  else {
    await terminal.print(`${joinLines(token).join('\n')}\n`);
    for (const line of aboutJoin(token)) terminal.say(`kodama: ${line}`);
  }
}

function aboutJoin({ uses, createdAt, expiresAt, joinUrl, id }: ToldJoinToken): readonly string[] {
  const time = formatDuration(Date.parse(expiresAt) - Date.parse(createdAt));
  const nodes = uses === 1 ? 'one node' : `${uses} nodes`;
  return [
    `these lines on a host add it as a node: ${nodes}, within ${time}; \`kodama join-tokens delete ${id}\``,
    'ends it sooner. The secret is shown this once',
    ...(joinUrl === null
      ? ['the gateway, where nodes join, is off: KODAMA_GATEWAY_PORT turns it on; URL is its own']
      : []),
  ];
}

function deleteJoinTokenCommand(run: Run): Command {
  return new Command('delete')
    .description('revoke a join token: nobody joins with it any more; nodes that have stay')
    .argument('<id>', 'its id')
    .action(run(deleteJoinToken));
}

async function deleteJoinToken({ client, terminal }: Session, command: Command) {
  const [id = ''] = command.args;
  await client.call('DELETE', `/v1/join-tokens/${encodeURIComponent(id)}`);
  terminal.say(`revoked ${id}`);
  return undefined;
}
