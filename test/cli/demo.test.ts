/** What else the command does: the demo, and what a shell completes with. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { command } from '../support/command.ts';
import { want } from '../support/rest-client.ts';
import { commonApp } from '../support/test-app.ts';

const app = commonApp();

test.runIf(process.platform === 'linux')(
  'the demo shows four sockets of one listener, and what a half-close is',
  async () => {
    const { code, stdout } = await command(app, ['demo']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^1\. \w+-\w+ listens on 127\.0\.0\.1:\d+: one socket, pid \d+ fd \d+\.$/m,
    );
    expect(stdout.match(/^127\.0\.0\.\d:\d+ +127\.0\.0\.1:\d+ +\d+ +\d+ +open$/gm)).toHaveLength(4);
    expect(stdout).toMatch(
      /^3\. 127\.0\.0\.2:(\d+) and 127\.0\.0\.3:\1: two hosts, and the same port/m,
    );
    expect(stdout).toMatch(/the 7 of 7 bytes still came back\. Then our FIN: peer_fin by peer\.$/m);
  },
);

test('a shell completes commands, flags, their words and the names of listeners', async () => {
  await want(201, app, 'POST', '/v1/listeners', { name: 'cli-completed' });
  const { stdout: script } = await command(app, ['completion', 'bash']);
  const shim = `kodama() { '${process.execPath}' bin/kodama.js "$@"; }`;
  const complete = (line: string) =>
    `COMP_WORDS=(${line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _kodama; echo "\${COMPREPLY[@]}"`;
  const lines = [
    'kodama stat',
    'kodama connections --close-r',
    'kodama connections --state half',
    'kodama get cli-comp',
  ];
  const asked = [script, shim, ...lines.map(complete)].join('\n');
  const env = { ...process.env, KODAMA_URL: app.url };
  const { stdout } = await promisify(execFile)('bash', ['-c', asked], { env });
  expect(stdout.trim().split('\n')).toEqual([
    'status',
    '--close-reason',
    'half_closed',
    'cli-completed',
  ]);
});
