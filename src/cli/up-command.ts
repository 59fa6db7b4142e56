import { Command } from 'commander';
import { become } from './become.ts';
import { option, port, wholeNumber, withOptions } from './flags.ts';
import type { Run } from './session.ts';

interface UpOptions {
  readonly port?: number;
  readonly grpcPort?: number;
  readonly dataDir?: string;
  readonly workers?: number;
}

const dataDirAbout = 'what it keeps (KODAMA_DATA_DIR)';

export function upCommand(run: Run): Command {
  const command = new Command('up')
    .description('start kodama here, in the foreground, as npm start does; Ctrl-C stops it')
    .action(run((_, self) => become('main', [], variablesOf(self.opts<UpOptions>()))));
  return withOptions(command, [
    option('-p, --port <port>', 'of REST (KODAMA_HTTP_PORT)', port),
    option('--grpc-port <port>', 'of gRPC (KODAMA_GRPC_PORT)', port),
    option('--data-dir <folder>', dataDirAbout),
    option('--workers <n>', 'processes that hold echo sockets (KODAMA_WORKERS)', wholeNumber),
  ]);
}

/** It works on the database itself, with the server's own settings: there is no API to ask while kodama is off. */
export function restoreMarkCommand(run: Run): Command {
  const command = new Command('restore-mark')
    .description(
      'after a restore from a backup, with kodama off: no cursor of before is good any more',
    )
    .action(
      run((_, self) => become('main', ['restore-mark'], variablesOf(self.opts<UpOptions>()))),
    );
  return withOptions(command, [option('--data-dir <folder>', dataDirAbout)]);
}

/** A flag comes before the environment. */
function variablesOf({
  port: http,
  grpcPort,
  dataDir,
  workers,
}: UpOptions): Record<string, string> {
  const all = {
    KODAMA_HTTP_PORT: http,
    KODAMA_GRPC_PORT: grpcPort,
    KODAMA_DATA_DIR: dataDir,
    KODAMA_WORKERS: workers,
  };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}
