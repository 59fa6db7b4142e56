/** The process of the command. */
import { createWriteStream, fstatSync } from 'node:fs';
import { readEnvironment } from './environment.ts';
import { runCommand } from './run-command.ts';
import { Terminal } from './terminal.ts';

const environment = readEnvironment();
const { stderr } = process;
// Where the disk has room for a part of a text, Node's own stream of a file counts all of it as written.
const stdout = fstatSync(1).isFile()
  ? createWriteStream('', { fd: 1, autoClose: false })
  : process.stdout;
const terminal = new Terminal({ ...environment, stdout, stderr });

process.exitCode = await runCommand(process.argv.slice(2), { environment, terminal });
