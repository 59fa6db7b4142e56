/** Who changed what, and who was refused it. */
import { Command } from 'commander';
import { errorCodes } from '../core/errors.ts';
import { actorNamed } from './audit-actor.ts';
import { atLeastOne, choice, option, since, withOptions } from './flags.ts';
import { timeCell } from './resource-tables.ts';
import type { AuditEntry } from './rest-client.ts';
import type { Format, Run, Session } from './session.ts';
import { sayCut, showRows } from './show.ts';
import type { Column } from './tables.ts';

interface AuditOptions {
  readonly since?: string;
  readonly before?: string;
  readonly actor?: string;
  readonly operation?: string;
  readonly resource?: string;
  readonly outcome?: string;
  readonly limit: number;
}

const limitDefault = 100;

export function auditCommand(run: Run): Command {
  const command = new Command('audit')
    .description('list who changed what, and who was refused it, newest first')
    .action(run(listEntries));
  return withOptions(command, [
    option('--since <time>', 'from a time on, or from so long ago such as 5m', since),
    option('--before <time>', 'before a time, or so long ago such as 5m', since),
    option('--actor <actor>', 'by this key (its id or name), node (its name), operator or system'),
    option('--operation <name>', 'only this operation, such as createListener'),
    option('--resource <resource>', 'only about this, by its id or name'),
    choice('--outcome <outcome>', 'ok, or the code of an error', ['ok', ...errorCodes]),
    option('--limit <n>', 'at most so many', atLeastOne).default(limitDefault),
  ]);
}

async function listEntries(session: Session, command: Command): Promise<undefined> {
  const { client, format } = session;
  const { limit, since: after, actor: asked, ...filter } = command.opts<AuditOptions>();
  const actor = asked === undefined ? undefined : await actorNamed(client, asked);
  const { items, isCut } = await client.list('entries', { ...filter, after, actor }, limit);
  await showRows(session, auditColumns(format), items);
  const older = `--before ${items.at(-1)?.time} older ones`;
  if (isCut) sayCut(session, 'newest', items.length, 'entries', older);
}

function auditColumns(format: Format): readonly Column<AuditEntry>[] {
  const columns: Column<AuditEntry>[] = [
    { title: 'TIME', cell: ({ time }) => timeCell(time) },
    { title: 'ACTOR', cell: ({ actor }) => actor.hint ?? actor.id ?? actor.kind },
    { title: 'OPERATION', cell: ({ operation }) => operation },
    {
      title: 'RESOURCE',
      cell: ({ resource }) =>
        resource === null ? null : `${resource.kind} ${resource.name ?? resource.id}`,
    },
    {
      title: 'OUTCOME',
      cell: ({ outcome, count }) => (count > 1 ? `${outcome} ×${count}` : outcome),
      style: ({ outcome }) => (outcome === 'ok' ? 'green' : 'red'),
    },
    { title: 'CHANGE', cell: changeText },
  ];
  if (format !== 'wide') return columns;
  return [
    ...columns,
    { title: 'PROJECT', cell: ({ project }) => project },
    { title: 'FROM', cell: ({ sourceIp }) => sourceIp },
    { title: 'AGENT', cell: ({ userAgent }) => userAgent },
    { title: 'REQUEST', cell: ({ requestId }) => requestId },
    { title: 'ID', cell: ({ id }) => id },
  ];
}

/** Of what was there before and after; what is new, or gone, is told by its operation. */
function changeText({ change }: AuditEntry): string | null {
  const { before = null, after = null } = change ?? {};
  if (before === null || after === null) return null;
  return Object.keys({ ...before, ...after })
    .map((field) => `${field}: ${valueText(before[field])} → ${valueText(after[field])}`)
    .join(', ');
}

function valueText(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}
