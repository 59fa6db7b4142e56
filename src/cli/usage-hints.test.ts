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

test('who asks events for a declared address is told which flag is of it, as the help tells', async () => {
  const hint = '(--raddr NETWORK is of declared addresses, too)';
  for (const flag of ['--declared', '--decalred', '--declared-raddr', '--remote-cidr']) {
    for (const words of ['events', 'events wait']) {
      const lines = await told(`${words} ${flag} 192.0.2.0/24`);
      expect(lines, `${words} ${flag}`).toContain(hint);
    }
  }
  expect(await told('events --addr 192.0.2.0/24')).not.toContain(hint);
  const help = async (words: string) => {
    const { stdout } = await command(nobody, ['help', ...words.split(' ')]);
    const [, about = ''] = /^ +--raddr <network> +([\s\S]*?)\n +-/m.exec(stdout) ?? [];
    return about.replaceAll(/\s+/g, ' ');
  };
  const either = 'of this remote address or network, or declared to be of it; repeatable';
  for (const words of ['events', 'events wait']) expect(await help(words)).toBe(either);
  const socket = 'only from this remote address or network, whatever is declared';
  for (const words of ['connections', 'wait']) expect(await help(words)).toBe(socket);
});
