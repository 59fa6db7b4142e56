import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { formatAmount, formatElapsed } from './durations.ts';
import { CommandFailure, exitCodes, isPassing } from './failure.ts';
import { duration, option } from './flags.ts';
import type { Status } from './rest-client.ts';
import type { Run, Session } from './session.ts';
import { factsText } from './tables.ts';

const readyPollMs = 250;

export function statusCommand(run: Run): Command {
  return new Command('status')
    .description('show how the node is')
    .addOption(option('--ready <duration>', 'wait until it can serve, at most so long', duration))
    .action(run(printStatus));
}

async function printStatus(session: Session, command: Command): Promise<undefined> {
  const { client, terminal, format } = session;
  const { ready } = command.opts<{ readonly ready?: number }>();
  if (ready !== undefined) await waitUntilReady(session, ready);
  const status = await client.get<Status>('/v1/status');
  if (format === 'json') await terminal.printJson(status);
  else await terminal.print(factsText(factsOf(status), terminal));
}

/** Whoever is not there yet may be there soon. @throws CommandFailure of exit code 4 */
async function waitUntilReady({ client }: Session, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      const silenceMs = Math.max(1, Math.ceil(deadline - performance.now()));
      await client.call('GET', '/readyz', { silenceMs });
      return;
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (performance.now() + readyPollMs > deadline) throw notReady(error, timeoutMs);
    }
    await delay(readyPollMs);
  }
}

function notReady(last: CommandFailure, timeoutMs: number): CommandFailure {
  const detail = `not ready within ${formatElapsed(timeoutMs)}: ${last.message}`;
  return new CommandFailure(exitCodes.unreachable, { ...last.problem, detail }, { cause: last });
}

function factsOf(status: Status): readonly (readonly [string, string | number | null])[] {
  const { version, nodeId, uptimeMs, workers, log, headSeq, oldestSeq, store, retention } = status;
  const braked = 'many are overdue at once: none is declared lost';
  const of = (field: 'openConnections' | 'listeners' | 'restarts') =>
    workers?.reduce((sum, worker) => sum + worker[field], 0) ?? null;
  const pids = workers?.map(({ pid }) => pid).join(', ');
  const waiting = store?.queuedEvents ? `, ${store.queuedEvents} events wait for it` : '';
  return [
    ['version', version],
    ['node', nodeId],
    ['up for', formatElapsed(uptimeMs)],
    ['workers', pids === undefined ? null : `${pids} (restarts: ${of('restarts')})`],
    ['listeners', of('listeners')],
    ['open connections', of('openConnections')],
    ['events', `${oldestSeq} to ${headSeq}`],
    ['log', log],
    ['kept', retention === null ? null : `about ${formatAmount(retention.bytes)}`],
    ['store', store === undefined ? null : `${store.state}${waiting}`],
    ['nodes', status.fleetSuspended ? braked : null],
  ];
}
