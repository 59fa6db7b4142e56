/** A program that writes more than any pipe holds, and tells in a file how that went: `output-writer.ts FILE LINES`. */
import { renameSync, writeFileSync } from 'node:fs';
import { Output } from '../../src/output.ts';

const [, , file = '', lines = '0'] = process.argv;

function tell(what: object): void {
  writeFileSync(`${file}.new`, JSON.stringify(what));
  renameSync(`${file}.new`, file);
}

// More than the pipe and the buffer of a reader that sleeps hold together.
const output = new Output(process.stdout, 1_000_000);
output.onTakenAgain = (lost) => {
  output.write(`lost ${lost}\n`);
  void output.flush(10_000).then(() => process.exit(0));
};
for (let n = 0; n < Number(lines); n += 1) output.write(`${'x'.repeat(999)}\n`);
tell({ isWritten: true });
// Each write is a new attempt.
setInterval(() => output.write('y\n'), 20);
