/** The columns in which projects, keys and quotas are shown. `wide` has all of them. */
import { timeCell } from './resource-tables.ts';
import type { Key, Project, Quota } from './rest-client.ts';
import type { Format } from './session.ts';
import type { Column } from './tables.ts';

/** Only those that bound something: there are ten. */
function quotasText(quotas: Project['quotas']): string {
  return Object.entries(quotas)
    .filter(([, limit]) => limit !== null)
    .map(([name, limit]) => `${name}=${limit}`)
    .join(',');
}

export function projectColumns(format: Format): readonly Column<Project>[] {
  const columns: Column<Project>[] = [
    { title: 'NAME', cell: ({ name }) => name },
    {
      title: 'STATE',
      cell: ({ state }) => state,
      style: ({ state }) => (state === 'active' ? 'green' : 'yellow'),
    },
    { title: 'CREATED', cell: ({ createdAt }) => timeCell(createdAt) },
    { title: 'QUOTAS', cell: ({ quotas }) => quotasText(quotas) },
    { title: 'DISPLAY NAME', cell: ({ displayName }) => displayName },
  ];
  if (format !== 'wide') return columns;
  return [
    ...columns,
    { title: 'BIND HOSTS', cell: ({ bindHosts }) => bindHosts?.join(',') ?? 'any' },
    { title: 'ID', cell: ({ id }) => id },
  ];
}

export function keyState({ revokedAt, expiresAt, formerSecretEndsAt }: Key, now: number): string {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt !== null && Date.parse(expiresAt) <= now) return 'expired';
  const isRotating = formerSecretEndsAt !== null && Date.parse(formerSecretEndsAt) > now;
  return isRotating ? 'rotating' : 'good';
}

export function keyColumns(format: Format): readonly Column<Key>[] {
  const now = Date.now();
  const columns: Column<Key>[] = [
    { title: 'ID', cell: ({ id }) => id },
    { title: 'NAME', cell: ({ name }) => name },
    { title: 'HINT', cell: ({ hint }) => hint },
    {
      title: 'STATE',
      cell: (key) => keyState(key, now),
      style: (key) =>
        (({ good: 'green', rotating: 'yellow' }) as const)[keyState(key, now)] ?? 'dim',
    },
    { title: 'EXPIRES', cell: ({ expiresAt }) => timeCell(expiresAt) },
    { title: 'LAST USED', cell: ({ lastUsedAt }) => timeCell(lastUsedAt) },
    { title: 'SCOPES', cell: ({ scopes }) => scopes.join(',') },
  ];
  if (format !== 'wide') return columns;
  return [
    ...columns,
    { title: 'PROJECT', cell: ({ project }) => project },
    { title: 'FROM', cell: ({ lastUsedIp }) => lastUsedIp },
    { title: 'CREATED', cell: ({ createdAt }) => timeCell(createdAt) },
    { title: 'CREATED BY', cell: ({ createdBy }) => createdBy.hint ?? createdBy.kind },
    { title: 'OLD SECRET ENDS', cell: ({ formerSecretEndsAt }) => timeCell(formerSecretEndsAt) },
  ];
}

export const quotaColumns: readonly Column<Quota>[] = [
  { title: 'QUOTA', cell: ({ name }) => name },
  { title: 'LIMIT', isNumber: true, cell: ({ limit }) => limit ?? 'none' },
  {
    title: 'USED',
    isNumber: true,
    cell: ({ used }) => used,
    // Of the log the oldest go: it is full most of the time.
    style: ({ name, limit, used }) =>
      limit !== null && used !== null && used >= limit && name !== 'eventsKept' ? 'red' : null,
  },
];
