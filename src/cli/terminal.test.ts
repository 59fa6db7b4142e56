import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { readEnvironment } from './environment.ts';
import { runCommand } from './run-command.ts';
import { Terminal } from './terminal.ts';

/** How a command ends, and what it says, whose stdout fails so. */
async function endWith(code: string, words: readonly string[]) {
  const environment = readEnvironment({});
  const stdout = new Writable({
    write: (_chunk, _encoding, done) =>
      done(Object.assign(new Error(`${code}: that is why, write`), { code })),
  });
  const said: string[] = [];
  const stderr = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      said.push(text);
      done();
    },
  });
  const terminal = new Terminal({ ...environment, stdout, stderr });
  return { exitCode: await runCommand(words, { environment, terminal }), said };
}

test('what cannot be written fails and says why; where nobody reads any more there is nothing left to do', async () => {
  for (const words of [['completion', 'bash'], ['--help'], ['help', 'listen'], ['--version']]) {
    for (const code of ['ENOSPC', 'EFBIG', 'EDQUOT']) {
      const said = [`kodama: cannot write to stdout: ${code}: that is why\n`];
      expect(await endWith(code, words), words[0]).toEqual({ exitCode: 1, said });
    }
    for (const code of ['EPIPE', 'EIO']) {
      expect(await endWith(code, words), words[0]).toEqual({ exitCode: 0, said: [] });
    }
  }
});
