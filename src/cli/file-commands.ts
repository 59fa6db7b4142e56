/** The commands on files. What they do loads all faults and a reader of YAML, which no other command should wait for. */
import { Command, Option } from 'commander';
import { labelOption } from './flags.ts';
import type { Run } from './session.ts';

export function applyCommand(run: Run): Command {
  return new Command('apply')
    .description('make what listens what a file says; what it does not name stays as it is')
    .requiredOption('-f, --file <file>', 'the file in YAML or JSON; - is stdin')
    .option('--dry-run', 'show the plan only')
    .addOption(
      new Option(
        '--exit-code',
        'show the plan only, and exit with 3 where there is something to do',
      ).implies({
        dryRun: true,
      }),
    )
    .option('--prune', 'delete what has the label set of the file and is not in it')
    .option('--recreate', 'close and make again what can not be changed; its connections end')
    .option('-y, --yes', 'do not ask before deleting')
    .action(run(async (session, command) => (await import('./apply.ts')).apply(session, command)));
}

export function exportCommand(run: Run): Command {
  return new Command('export')
    .description('print what listens as a file for apply; -l set=NAME makes NAME its set')
    .addOption(labelOption('only with this label'))
    .action(
      run(async (session, command) =>
        (await import('./export-listeners.ts')).exportListeners(session, command),
      ),
    );
}
