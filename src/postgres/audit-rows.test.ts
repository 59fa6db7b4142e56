/** Entries are written and, when they are old or too many, deleted: nothing else is ever done to them. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const changes =
  /\b(UPDATE|DELETE\s+FROM|TRUNCATE(\s+TABLE)?|MERGE\s+INTO|ALTER\s+TABLE|DROP\s+TABLE)(\s+(ONLY|IF\s+EXISTS))?\s+("?\w+"?\.)?"?audit_entries\b|\bauditEntry\s*\.\s*(update|upsert|delete)\w*|\bINTO\s+audit_entries\b[^;`]*\bON\s+CONFLICT\b[^;`]*\bUPDATE\b/gi;

const found = (text: string) => [...text.matchAll(changes)].map(([one]) => one);

test('the search finds what it is to find', () => {
  for (const text of [
    'UPDATE audit_entries SET count = 1',
    'delete from\n  audit_entries',
    'DELETE FROM "public"."audit_entries" WHERE true',
    'TRUNCATE audit_entries',
    'transaction.auditEntry.updateMany({})',
    'prisma.auditEntry\n  .delete({})',
    'INSERT INTO audit_entries SELECT 1 ON CONFLICT (id) DO UPDATE SET count = 2',
  ]) {
    expect(found(text), text).toHaveLength(1);
  }
  expect(found('INSERT INTO audit_entries SELECT 1')).toEqual([]);
});

test('the purge is all that changes the audit', () => {
  const files = globSync(['src/**/*.ts', 'prisma/migrations/**/*.sql'], { cwd: root });
  expect(files).toContain(join('src', 'postgres', 'audit-rows.ts'));
  const all = files
    .filter((path) => !path.endsWith('.test.ts'))
    .flatMap((path) =>
      found(readFileSync(join(root, path), 'utf8')).map((text) => `${path}: ${text}`),
    );
  const purge = `${join('src', 'postgres', 'audit-rows.ts')}: DELETE FROM audit_entries`;
  expect(all).toEqual([purge, purge]);
});
