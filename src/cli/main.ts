/** The process of the command. */
import { readEnvironment } from './environment.ts';
import { runCommand } from './run-command.ts';
import { Terminal } from './terminal.ts';

const environment = readEnvironment();
const { stdout, stderr } = process;
const terminal = new Terminal({ ...environment, stdout, stderr });

process.exitCode = await runCommand(process.argv.slice(2), { environment, terminal });
