/** The command on projects, keys and quotas, as the operator and with the keys that it makes. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scopeWords } from '../../src/tenancy/api-key.ts';
import { type CommandEnd, command, jsonLines } from '../support/command.ts';
import { want } from '../support/rest-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { sharedApp } from '../support/test-app.ts';
import { waitFor } from '../support/wait-for.ts';

const token = 'the-operators-own-token';
const app = sharedApp({ KODAMA_API_TOKEN: token });
const headers = { authorization: `Bearer ${token}` };

/** As the operator, or with another key. */
async function kodama(words: string, key: string | null = token): Promise<CommandEnd> {
  const environment: Record<string, string> = key === null ? {} : { KODAMA_API_TOKEN: key };
  return await command(app, words.split(' '), { environment });
}

test('a project is made, listed, changed and deleted', async () => {
  const made = await kodama('projects create cli-a --quota listeners=3 --display-name Apples');
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(made.stdout).toMatch(/^NAME .*\ncli-a +active +\S+ +listeners=3 +Apples\n$/);
  const record = await want(200, app, 'GET', '/v1/projects/cli-a', undefined, headers);
  const list = await kodama('projects -o json');
  expect(jsonLines(list.stdout)).toContainEqual(record);

  const flags = '--quota listeners=none --quota keys=5 --bind-host 10.0.0.0/8 -o json';
  const set = await kodama(`projects set cli-a ${flags}`);
  const quotas = { ...record.quotas, listeners: null, keys: 5 };
  expect(jsonLines(set.stdout)).toMatchObject([{ quotas, bindHosts: ['10.0.0.0/8'] }]);
  const freed = await kodama('projects set cli-a --bind-host any -o json');
  expect(jsonLines(freed.stdout)).toMatchObject([{ quotas, bindHosts: null }]);
  const shown = await kodama('quotas --project cli-a');
  expect(shown.stdout).toMatch(/^QUOTA +LIMIT +USED\n[\s\S]*^keys +5 +0\n/m);

  // Nobody can be asked here.
  expect(await kodama('projects delete cli-a')).toMatchObject({ code: 2, stdout: '' });
  await want(200, app, 'GET', '/v1/projects/cli-a', undefined, headers);
  const gone = await kodama('projects delete cli-a --yes -o json');
  expect(gone).toMatchObject({ code: 0, stderr: expect.stringContaining('is being deleted') });
  expect(jsonLines(gone.stdout)).toMatchObject([{ name: 'cli-a', state: 'deleting' }]);
  expect(await kodama('projects set cli-a --quota keys=1')).toMatchObject({ code: 1, stdout: '' });
});

test('what is wrong with a project is told', async () => {
  expect(await kodama('projects set cli-b')).toMatchObject({ code: 2, stdout: '' });
  expect(await kodama('projects create cli-b --quota many')).toMatchObject({ code: 2 });
  expect(await kodama('projects grow cli-b')).toMatchObject({ code: 2, stdout: '' });
  const unknown = await kodama('projects create cli-b --quota sockets=1');
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  expect(unknown.stderr).toMatch(/ There is no quota 'sockets'\. Allowed choices are .*joinTokens/);
});

test('which scope of a key there is not is told, with those that there are', async () => {
  for (const [given, wrong] of [
    ['typo', 'typo'],
    ['read,wrtie,keys:read', 'wrtie'],
    ['read,', ''],
  ]) {
    const told = `argument '${given}' is invalid. There is no scope '${wrong}'. Allowed choices are `;
    const { code, stdout, stderr } = await kodama(`keys create typo --scopes ${given}`);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(`error: option '--scopes <scopes>' ${told}${scopeWords.join(', ')}.\n`);
  }
});

test('a shell that completes a name is told those that the caller may list, and nothing is refused', async () => {
  await kodama('projects create cli-named');
  const made = await kodama('keys create completing --scopes read -q --project cli-named');
  const names = async (of: string, key = token) => {
    const { code, stdout } = await kodama(`__complete ${of} --project cli-named`, key);
    return { code, names: stdout.split('\n').slice(0, -1) };
  };
  expect(await names('key')).toEqual({ code: 0, names: ['completing'] });
  expect((await names('project')).names).toContain('cli-named');
  expect((await names('node')).names).toHaveLength(1);
  for (const of of ['key', 'project']) {
    expect(await names(of, made.stdout.trim())).toEqual({ code: 0, names: [] });
  }
  const refused = await kodama('audit --outcome permission_denied -o json --project cli-named');
  expect(refused.stdout).toBe('');
});

test('a key is made, used, rotated, renamed and revoked', async () => {
  const quiet = await kodama('keys create robot --scopes read,keys:read --ttl 30d -q');
  expect(quiet).toMatchObject({ code: 0, stderr: '' });
  expect(quiet.stdout).toMatch(/^kodama_[0-9A-Za-z]{33}\n$/);
  const secret = quiet.stdout.trim();
  const login = await kodama('login', secret);
  expect(login).toMatchObject({ code: 0, stderr: '' });
  const hint = `${secret.slice(0, 12)}…${secret.slice(-4)}`;
  expect(login.stdout).toMatch(/^project +default\nkey +kodama_.*\nscopes +listeners:read, /);
  expect(login.stdout).toContain(hint);

  const listed = await kodama('keys -o json', secret);
  const [key] = jsonLines(listed.stdout);
  expect(key).toMatchObject({ name: 'robot', hint });
  const days = (Date.parse(key.expiresAt) - Date.parse(key.createdAt)) / 86_400_000;
  expect(Math.round(days)).toBe(30);
  expect((await kodama('keys')).stdout).toContain(`${key.id}  robot  ${hint}  good`);
  expect(await kodama('keys create more --scopes write', secret)).toMatchObject({ code: 1 });

  const rotated = await kodama(`keys rotate ${key.id} --overlap 1h`);
  expect(rotated.stderr).toContain('shown this once');
  const [second = ''] = /kodama_[0-9A-Za-z]{33}/.exec(rotated.stdout) ?? [];
  expect(second).not.toBe(secret);
  expect(rotated.stdout).toMatch(/^old secret ends +\S+Z$/m);
  for (const one of [secret, second]) expect(await kodama('login', one)).toMatchObject({ code: 0 });
  const renamed = await kodama(`keys rename ${key.id} robot-2`);
  expect(renamed.stdout).toMatch(/ robot-2 .* rotating /);

  // By its name, too, as long as it has not ended.
  await kodama('keys rename robot-2 robot-3');
  const none = (name: string) => `kodama: no key that has not ended is called ${name}\n`;
  expect((await kodama('keys revoke robot-2')).stderr).toBe(none('robot-2'));
  await kodama('keys rename robot-3 robot-2');
  expect((await kodama('keys revoke robot-2')).stderr).toBe('revoked robot-2\n');
  expect(await kodama('keys rotate robot-2')).toMatchObject({ code: 1, stderr: none('robot-2') });
  const refused = await kodama('login', second);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr.split('\n')).toEqual([
    'kodama: unauthenticated: authorization: the key is revoked',
    'kodama: set KODAMA_API_TOKEN, or give --token-file FILE; kodama login tests it',
    '',
  ]);
  // Programs read the problem as the API has it, in one line.
  expect(jsonLines((await kodama('login -o json', second)).stderr)).toMatchObject([
    { code: 'unauthenticated', detail: 'authorization: the key is revoked' },
  ]);
  expect((await kodama('keys')).stdout).toMatch(/ robot-2 .* revoked /);
});

test('a key of no project is one of the operators', async () => {
  const made = await kodama('keys create boss --scopes read,operator --operator -o json');
  const [key] = jsonLines(made.stdout);
  expect(key).toMatchObject({ name: 'boss', project: null });
  const listed = await kodama('keys --operators -o json');
  expect(jsonLines(listed.stdout).map(({ id }) => id)).toContain(key.id);
  expect(jsonLines((await kodama('keys -o json')).stdout).map(({ id }) => id)).not.toContain(
    key.id,
  );
  expect(await kodama('projects', key.secret)).toMatchObject({ code: 0 });
});

test('who has no key, or one that is mistyped, is told so', async () => {
  for (const key of [null, 'kodama_none']) {
    expect(await kodama('login', key)).toMatchObject({ code: 1, stdout: '' });
  }
  const own = await kodama('login');
  expect(own.stdout).toMatch(/^project +default\nkey +the token of kodama itself\n/);
});

test('the audit says who changed what, and is filtered as the API does', async () => {
  const { stdout } = await kodama('keys create auditor --scopes audit:read,write -q');
  const secret = stdout.trim();
  expect(await kodama('create --name audited', secret)).toMatchObject({ code: 0 });
  expect(await kodama('set audited --max-connections 7', secret)).toMatchObject({ code: 0 });
  expect(await kodama('keys create more --scopes read', secret)).toMatchObject({ code: 1 });

  const all = await kodama('audit --resource audited -o json', secret);
  const [newest, oldest] = jsonLines(all.stdout);
  expect([newest, oldest]).toMatchObject([
    { operation: 'updateListener', outcome: 'ok', project: 'default' },
    { operation: 'createListener', outcome: 'ok', actor: { kind: 'key' } },
  ]);
  const table = await kodama('audit --resource audited --operation updateListener', secret);
  const hint = `${secret.slice(0, 12)}…${secret.slice(-4)}`;
  const [, row = '', ...more] = table.stdout.split('\n');
  expect(more).toEqual(['']);
  expect(row).toContain(`${hint}  updateListener  listener audited  ok`);
  expect(row).toMatch(/limits: .*10000.* → .*7/);
  const [{ keyId }] = jsonLines((await kodama('login -o json', secret)).stdout);
  // A refusal is written beside its answer.
  const refusals = await waitFor('the refusal', async () => {
    const found = await kodama(`audit --actor ${keyId} --outcome permission_denied -o json`);
    return found.stdout !== '' && jsonLines(found.stdout);
  });
  expect(refusals).toMatchObject([{ operation: 'createKey' }]);
  const none = await kodama('audit --since 1h --before 30m -o json', secret);
  expect(none).toMatchObject({ code: 0, stdout: '' });
  const words = 'operation: must be the name of an operation, such as createListener';
  expect(await kodama('audit --operation updateListner', secret)).toEqual({
    ...{ code: 1, stdout: '' },
    stderr: `kodama: invalid_argument: ${words}: is it updateListener that is meant?\n`,
  });
  const cut = await kodama('audit --resource audited --limit 1', secret);
  const older = `--limit N shows so many, --before ${newest.time} older ones`;
  expect(cut.stderr).toBe(`kodama: the newest entry is shown and there are more: ${older}\n`);
});

test('the audit takes a key by its name, where the caller may list keys', async () => {
  const make = async (words: string) =>
    jsonLines((await kodama(`keys create ${words} -o json`)).stdout)[0];
  const key = await make('named --scopes write,audit:read');
  const boss = await make('named-boss --scopes write,operator --operator');
  expect(await kodama('create --name by-key', key.secret)).toMatchObject({ code: 0 });
  expect(await kodama('create --name by-boss', boss.secret)).toMatchObject({ code: 0 });
  for (const [actor, id, name] of [
    ['named', key.id, 'by-key'],
    [key.id, key.id, 'by-key'],
    ['named-boss', boss.id, 'by-boss'],
  ]) {
    const found = await kodama(`audit --actor ${actor} --operation createListener -o json`);
    expect(jsonLines(found.stdout), actor).toMatchObject([{ actor: { id }, resource: { name } }]);
  }
  expect(await kodama('audit --actor nobody')).toEqual({
    ...{ code: 1, stdout: '' },
    stderr: 'kodama: no key or node is called nobody\n',
  });
  expect(await kodama('audit --actor named', key.secret)).toEqual({
    ...{ code: 1, stdout: '' },
    stderr:
      'kodama: no node is called named, and keys may not be listed: a key is given by its id\n',
  });
  // A key that was revoked lets go of its name.
  await kodama(`keys revoke ${key.id}`);
  const twin = await make('named --scopes read');
  const both = await kodama('audit --actor named');
  expect(both).toMatchObject({ code: 1, stdout: '' });
  expect(both.stderr).toMatch(/^kodama: 2 keys are called named: \S+, \S+\n$/);
  for (const { id } of [key, twin]) expect(both.stderr).toContain(id);
  expect(await kodama('audit --actor system')).toMatchObject({ code: 0 });
});

test('a file is applied whole where that takes more calls than the project may make in a second', async () => {
  await kodama('projects create cli-rate --quota requestsPerSecond=25');
  const flags = '--scopes read,write --project cli-rate -o json';
  const [{ secret } = { secret: '' }] = jsonLines(
    (await kodama(`keys create many ${flags}`)).stdout,
  );
  const names = Array.from({ length: 20 }, (_, index) => `cli-rate-${index}`);
  const applied = async (mode: string): Promise<CommandEnd> => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'listeners.yaml');
    await writeFile(path, JSON.stringify({ listeners: names.map((name) => ({ name, mode })) }));
    return await kodama(`apply -f ${path} --recreate`, secret);
  };
  expect(await applied('echo')).toMatchObject({ code: 0 });
  const again = await applied('discard');
  expect(again.stderr).not.toContain('closed, and');
  expect(again).toMatchObject({ code: 0 });
  const own = { ...headers, 'kodama-project': 'cli-rate' };
  const { listeners } = await want(200, app, 'GET', '/v1/listeners', undefined, own);
  const there: readonly { name: string; mode: string }[] = listeners;
  expect(there.map(({ name, mode }) => `${name} ${mode}`).toSorted()).toEqual(
    names.map((name) => `${name} discard`).toSorted(),
  );
});
