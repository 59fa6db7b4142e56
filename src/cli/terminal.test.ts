import { PassThrough, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { confirm } from './confirm.ts';
import { readEnvironment } from './environment.ts';
import { runCommand } from './run-command.ts';
import { Terminal } from './terminal.ts';

/** How a command ends, and what it says, whose stdout fails so. */
async function endWith(code: string, words: readonly string[], isTTY = false) {
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
  const terminal = new Terminal({
    ...environment,
    stdout: Object.assign(stdout, { isTTY }),
    stderr,
  });
  return { exitCode: await runCommand(words, { environment, terminal }), said };
}

test('what cannot be written fails and says why; where nobody reads any more there is nothing left to do', async () => {
  for (const words of [['completion', 'bash'], ['--help'], ['help', 'listen'], ['--version']]) {
    // EIO is of a disk here, and below of a terminal.
    for (const code of ['ENOSPC', 'EFBIG', 'EDQUOT', 'EIO']) {
      const said = [`kodama: cannot write to stdout: ${code}: that is why\n`];
      expect(await endWith(code, words), words[0]).toEqual({ exitCode: 1, said });
    }
    expect(await endWith('EPIPE', words), words[0]).toEqual({ exitCode: 0, said: [] });
    expect(await endWith('EIO', words, true), words[0]).toEqual({ exitCode: 0, said: [] });
  }
});

/** As of a terminal, on which this is typed until its input ends. */
async function confirmed(typed: string): Promise<void> {
  const screen = () => Object.assign(new PassThrough(), { isTTY: true });
  const stdin = screen();
  const terminal = new Terminal({
    ...{ isColorRefused: true, stdin },
    ...{ stdout: screen().resume(), stderr: screen().resume() },
  });
  const answer = confirm(terminal, 'Delete it?', 'delete');
  stdin.end(typed);
  await answer;
}

test('a question is answered by a line, and with no where the input ends instead', async () => {
  await confirmed('y\n');
  await confirmed('YES\n');
  // A terminal in raw mode gives Ctrl-D and Ctrl-C as they are.
  for (const typed of ['n\n', '\n', '', 'y\u0004', '\u0004'])
    await expect(confirmed(typed), JSON.stringify(typed)).rejects.toThrow('nothing was done');
  await expect(confirmed('y\u0003')).rejects.toHaveProperty('name', 'AbortError');
});
