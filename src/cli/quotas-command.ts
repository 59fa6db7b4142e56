import { Command } from 'commander';
import type { Quota } from './rest-client.ts';
import type { Run, Session } from './session.ts';
import { showRows } from './show.ts';
import { quotaColumns } from './tenancy-tables.ts';

export function quotasCommand(run: Run): Command {
  return new Command('quotas')
    .description('show what the project may have of each kind, and has')
    .action(run(printQuotas));
}

async function printQuotas(session: Session): Promise<undefined> {
  const { quotas } = await session.client.get<{ readonly quotas: readonly Quota[] }>('/v1/quotas');
  await showRows(session, quotaColumns, quotas);
}
