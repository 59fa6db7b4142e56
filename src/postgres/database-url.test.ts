/** What DATABASE_URL may say, and that a refusal never shows its password. */
import { expect, test } from 'vitest';
import { databaseConfig, databaseUrlFault, driverPortFault } from './database-url.ts';

test.each<[string, object]>([
  ['postgresql://me:pw@db:5433/kodama', { user: 'me', password: 'pw', host: 'db', port: 5433 }],
  ['postgres://me@[::1]/kodama', { user: 'me', host: '::1', database: 'kodama', ssl: false }],
  ['postgresql://me:p%2Fa%40%23@db/k', { password: 'p/a@#', host: 'db', database: 'k' }],
  ['postgresql://me:p@ss@db/k', { password: 'p@ss', host: 'db' }],
  ['postgresql://me@/k?host=/run/pg&port=5432', { host: '/run/pg', port: 5432, database: 'k' }],
  ['postgresql://%2Frun%2Fpg/k?sslmode=require', { host: '/run/pg', ssl: false }],
  ['postgresql://me@db/k?options=-c%20search_path%3Dmine', { options: '-c search_path=mine' }],
  ['postgresql://me@db/k?sslmode=require', { ssl: { rejectUnauthorized: false } }],
  ['postgresql://me@db/k?sslmode=verify-full', { ssl: { rejectUnauthorized: true } }],
])('%s is read as libpq reads it', (url, config) => {
  expect(databaseUrlFault(url)).toBeNull();
  expect(databaseConfig(url)).toMatchObject(config);
});

test('what is not named is left to the driver', () => {
  expect(Object.keys(databaseConfig('postgresql://db')).toSorted()).toEqual(['host', 'ssl']);
  expect(databaseConfig('postgresql://me@/k')).not.toHaveProperty('host');
});

test.each([
  ['postgresql://me:sec/ret@db/k', 'is not a URL: percent-encode'],
  ['postgresql://me:1234/secret@db/k', 'has a part that does not belong there'],
  ['postgresql://me:1234#secret@db/k', 'has a part that does not belong there'],
  ['postgresql://me:1234?secret@db/k', 'is not a URL: percent-encode'],
  ['postgresql://me:secret%E4@db/k', 'is not a URL: percent-encode'],
  ['postgresql://me:secret@a,b/k', 'names several hosts'],
  [
    'postgresql://me:secret@db/k?schema=mine',
    'schema: say options=-c%20search_path%3DNAME instead',
  ],
  ['postgresql://me:secret@db/k?ssl=true', 'ssl: say sslmode instead'],
  ['postgresql://me:secret@db/k?statement_timeout=0', 'statement_timeout: leave it out'],
  ['postgresql://me:secret@db/k?sslmode=prefer', 'must have an sslmode of disable, require, '],
  ['postgresql://me:secret@db/k?sslmode=verify-ca', 'must name an sslrootcert'],
  ['postgresql://me:secret@db/k?sslrootcert=/ca', 'names sslrootcert, but no sslmode that uses'],
  ['postgresql://me:secret@db/k?sslcert=/c&sslkey=/k', 'names sslcert, but no sslmode that uses'],
  ['postgresql://me:secret@db/k?sslmode=disable&sslkey=/k', 'names sslkey, but no sslmode that'],
  ['postgresql://me:secret@db/k?host=x&port=no', 'has a port that is no whole number'],
  ['postgresql://me:secret@db/k?port=99999', 'has a port that is no whole number from 1 to 65535'],
  ['postgresql://me:secret@db:0/k', 'has a port that is no whole number from 1 to 65535'],
])('%s is refused in words', (url, words) => {
  const fault = databaseUrlFault(url);
  expect(fault).toContain(words);
  expect(fault).not.toMatch(/secret|1234|me:/);
});

test('a file that it names and that cannot be read is told', () => {
  const url = 'postgresql://me:secret@db/k?sslmode=verify-full&sslrootcert=/nope.pem';
  expect(() => databaseConfig(url)).toThrow(/^its sslrootcert cannot be read: ENOENT/);
});

test.each(['0', '99999', 'no'])('a PGPORT of %s is refused where the URL has no port', (port) => {
  const words = 'must be a whole number from 1 to 65535: DATABASE_URL names no port';
  expect(driverPortFault('postgresql://me:secret@db/k', port)).toBe(words);
  expect(driverPortFault('postgresql://me:secret@db:5433/k', port)).toBeNull();
  expect(driverPortFault('postgresql://me:secret@db/k', '5433')).toBeNull();
});
