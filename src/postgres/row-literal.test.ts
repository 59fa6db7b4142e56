import fc from 'fast-check';
import { Client } from 'pg';
import { expect, inject, test } from 'vitest';
import { jsonText, rowsLiteral, safeText } from './row-literal.ts';

async function onServer<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  try {
    await client.query('CREATE TEMPORARY TABLE sample (id bigint, words text, data jsonb)');
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Leans on the characters that the syntax of records and arrays uses. */
const words = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'"\\,(){} \n\'aN;') }));
const rows = fc.array(
  fc.record({
    id: fc.option(fc.maxSafeInteger()),
    words: fc.option(words),
    data: fc.option(fc.jsonValue().map((value) => ({ value }))),
  }),
  { maxLength: 5 },
);

test('rows come out as they went in, whatever their text', async () => {
  await onServer(async (client) => {
    await fc.assert(
      fc.asyncProperty(rows, async (given) => {
        const literal = rowsLiteral(
          given.map((row) => [
            row.id,
            row.words === null ? null : safeText(row.words, 1000),
            row.data === null ? null : jsonText(row.data),
          ]),
        );
        // The server compares the documents: JSON.parse of Node 24 takes one escaped key for another.
        const result = await client.query(
          `SELECT r.id::float8, r.words, r.data IS NOT DISTINCT FROM sent.data::jsonb AS "isSameData"
          FROM unnest($1::sample[]) WITH ORDINALITY r(id, words, data, place)
          JOIN unnest($2::text[]) WITH ORDINALITY sent(data, place) USING (place) ORDER BY place`,
          [literal, given.map((row) => (row.data === null ? null : jsonText(row.data)))],
        );
        const expected = given.map((row) => ({
          id: row.id,
          words: row.words === null ? null : safeText(row.words, 1000),
          isSameData: true,
        }));
        expect(result.rows).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

test('what PostgreSQL cannot store is left out: NUL, halves of surrogate pairs, the overlong', async () => {
  expect(safeText('a\0b', 10)).toBe('ab');
  expect(safeText('abcdef', 3)).toBe('abc');
  expect(safeText('a\ud800', 10)).toBe('a\ufffd');
  const data = { 'k\0': ['\0', '\udfff', '\\u0000', 'ok'] };
  const stored = await onServer(async (client) => {
    const literal = rowsLiteral([[1, safeText('\0', 9), jsonText(data)]]);
    return await client.query('SELECT words, data FROM unnest($1::sample[])', [literal]);
  });
  expect(stored.rows).toEqual([{ words: '', data: { k: ['', '\ufffd', '\\u0000', 'ok'] } }]);
});
