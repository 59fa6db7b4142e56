/** What tenants wrote into labels and faults, as data in the operator's terminal: it does nothing there, and is what it was. */
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { command, jsonLines } from '../support/command.ts';
import { want } from '../support/rest-client.ts';
import { commonApp } from '../support/test-app.ts';

const app = commonApp();
const text = 'a\u009b2Jb\u202ec\u200bd\u2028e\u{e0041}f';
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

test('data that the command prints has no sign that nobody sees, and means the same', async () => {
  // Of a label no control is taken.
  const labels = { unseen: text.replace('\u009b', '') };
  const faults = [{ type: 'banner', text }];
  const spec = { name: 'unseen', labels, faults };
  const listener = await want(201, app, 'POST', '/v1/listeners', spec);
  const printed = async (...args: readonly string[]) => {
    const { stdout } = await command(app, args);
    expect(stdout.replaceAll('\n', ''), args.join(' ')).not.toMatch(unseen);
    return stdout;
  };
  const [got] = jsonLines(await printed('get', 'unseen', '-o', 'json'));
  expect(got).toEqual(listener);
  const listed = jsonLines(await printed('listeners', '-o', 'json'));
  expect(listed).toContainEqual(listener);
  const exported = { listeners: [expect.objectContaining({ labels })] };
  expect(parse(await printed('export'))).toMatchObject(exported);
  expect(JSON.parse(await printed('export', '-o', 'json'))).toMatchObject(exported);
  const events = jsonLines(await printed('events', '--after-seq', '0', '-o', 'json'));
  expect(JSON.stringify(events)).toContain(text);
});
