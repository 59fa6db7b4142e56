import { expect, test } from 'vitest';
import { command } from '../../test/support/command.ts';

/** Nobody is there, and nobody is asked. */
const nobody = { url: 'http://127.0.0.1:1' };
const told = async (words: string) => {
  const { code, stdout, stderr } = await command(nobody, words.split(' '));
  expect({ code, stdout }, words).toEqual({ code: 2, stdout: '' });
  return stderr.split('\n');
};

test('who gives one wait the listener as the other takes it is told both', async () => {
  for (const [words, mistake] of [
    ['wait --listener sdk', /^error: unknown option '--listener'$/],
    ['wait --count 2 --listener=sdk', /^error: unknown option '--listener=sdk'$/],
    ['events wait sdk', /^error: too many arguments for 'wait'/],
    ['events wait --count 2 sdk', /^error: too many arguments for 'wait'/],
  ] as const) {
    expect(await told(words), words).toEqual([
      expect.stringMatching(mistake),
      '(kodama wait LISTENER waits for its connections, kodama events wait --listener LISTENER for its events)',
      '',
    ]);
  }
  // Another mistake has no such hint.
  expect((await told('wait --lisp sdk')).join()).not.toContain('kodama wait');
  expect(await told('wait one two')).toEqual([expect.stringContaining('too many'), '']);
});
