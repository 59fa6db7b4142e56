import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readNodeId } from './node-id.ts';

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'kodama-node-id-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

test('it is made once, whoever asks first, and nothing else is left', async () => {
  await using dir = await folder();
  const ids = await Promise.all([readNodeId(dir.path), readNodeId(dir.path), readNodeId(dir.path)]);
  expect(new Set(ids).size).toBe(1);
  expect(ids[0]).toMatch(/^node-[0-9a-f]{8}$/);
  expect(await readdir(dir.path)).toEqual(['node-id']);
  expect(await readFile(join(dir.path, 'node-id'), 'utf8')).toBe(`${ids[0]}\n`);
});

test.each(['edge-1', 'edge-1\n', `${'x'.repeat(64)}\n`])('%j is taken as it is', async (text) => {
  await using dir = await folder();
  await writeFile(join(dir.path, 'node-id'), text);
  expect(await readNodeId(dir.path)).toBe(text.trim());
});

test.each([
  '',
  '\n',
  ' ',
  ' edge',
  'edge 1\n',
  'edge\n\n',
  'a\nb\n',
  'édge\n',
  '\0\0\0\0',
  'x'.repeat(65),
])('%j is refused by the name of the file, and stays', async (text) => {
  await using dir = await folder();
  const path = join(dir.path, 'node-id');
  await writeFile(path, text);
  await expect(readNodeId(dir.path)).rejects.toThrow(
    `${path} holds no node id: it must be 1 to 64 letters, digits, dots or dashes`,
  );
  expect(await readFile(path, 'utf8')).toBe(text);
});

test('what is no file is refused by its name', async () => {
  await using dir = await folder();
  await mkdir(join(dir.path, 'node-id'));
  await expect(readNodeId(dir.path)).rejects.toThrow(
    `${join(dir.path, 'node-id')} can not be read`,
  );
});
