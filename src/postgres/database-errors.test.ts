/** Each class of failure: what passes, what a person must mend, and what is the statement's own fault. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../test/support/test-database.ts';
import { hasCode } from '../core/errors.ts';
import { isPassing, toAppError, toAppendError } from './database-errors.ts';

function serverError(code: string): Error {
  const error = new pg.DatabaseError('no', 2, 'error');
  return Object.assign(error, { code, severity: 'ERROR' });
}

/** How a start, a read and an append each take it. */
function verdict(error: unknown) {
  return {
    start: isPassing(error) ? 'waits' : 'fails',
    read: hasCode(toAppError(error), 'unavailable') ? 'unavailable' : 'bug',
    append: hasCode(toAppendError(error), 'unavailable') ? 'repeated' : 'refused',
  };
}

const passing = { start: 'waits', read: 'unavailable', append: 'repeated' };
const mendable = { start: 'fails', read: 'unavailable', append: 'repeated' };
const content = { start: 'fails', read: 'bug', append: 'refused' };
const wrong = { start: 'fails', read: 'bug', append: 'repeated' };

const states: readonly (readonly [string, string, typeof passing])[] = [
  ['08006', 'connection failure', passing],
  ['08P01', 'protocol violation', passing],
  ['0A000', 'cached plan must not change result type', passing],
  ['25006', 'read-only transaction', passing],
  ['25P03', 'idle in transaction', passing],
  ['40001', 'serialization failure', passing],
  ['40P01', 'deadlock', passing],
  ['53100', 'disk full', passing],
  ['53200', 'out of memory', passing],
  ['53300', 'too many connections', passing],
  ['55006', 'object in use', passing],
  ['55P03', 'lock not available', passing],
  ['57014', 'canceled by the time-out', passing],
  ['57P01', 'admin shutdown', passing],
  ['57P03', 'starting up', passing],
  ['58030', 'I/O error', passing],
  ['28P01', 'wrong password', mendable],
  ['28000', 'role may not log in', mendable],
  ['3D000', 'no such database', mendable],
  ['42501', 'insufficient privilege', mendable],
  ['55000', 'not in the needed state', mendable],
  ['58P01', 'undefined file', mendable],
  ['F0001', 'lock file exists', mendable],
  ['XX001', 'data corrupted', mendable],
  ['XX002', 'index corrupted', mendable],
  ['21000', 'a row twice in one upsert', content],
  ['22001', 'string too long', content],
  ['22003', 'number out of range', content],
  ['22021', 'bytes that are no text', content],
  ['22P02', 'text that is no value', content],
  ['22P05', 'untranslatable character', content],
  ['23502', 'not null', content],
  ['23505', 'unique', content],
  ['23514', 'check', content],
  ['54000', 'program limit, such as a value of 1 GB', content],
  ['54001', 'statement too complex', content],
  ['42P01', 'undefined table', wrong],
  ['42601', 'syntax error', wrong],
  ['P0001', 'raised by a trigger', wrong],
  ['XX000', 'internal error', wrong],
];

describe('an SQLSTATE', () => {
  test.each(states)('%s, %s', (code, _, expected) => {
    expect(verdict(serverError(code))).toEqual(expected);
    const { start, read } = expected;
    expect(verdict(new Error('wrapped', { cause: serverError(code) })).start).toBe(start);
    // Prisma tells it beside a code of its own.
    const meta = { driverAdapterError: { cause: { originalCode: code } } };
    expect(verdict(Object.assign(new Error('no'), { code: 'P2039', meta }))).toMatchObject({
      start,
      read,
    });
  });
});

test.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EMFILE', 'ENOTFOUND'])(
  '%s of the socket passes',
  (code) => {
    expect(verdict(Object.assign(new Error('no'), { code }))).toEqual(passing);
    const several = new AggregateError([Object.assign(new Error('no'), { code })]);
    expect(verdict(several)).toEqual(passing);
  },
);

test('an error of the language is a bug, and what it was thrown for is refused', () => {
  const bug = { start: 'fails', read: 'bug', append: 'refused' };
  expect(verdict(new TypeError('x is not a function'))).toEqual(bug);
  expect(verdict(new RangeError('Invalid string length'))).toEqual(bug);
  expect(verdict('no error at all')).toEqual(bug);
});

let database: TestDatabase;

beforeAll(async () => {
  database = await makeDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

test.each([
  ['SELECT 1/0', content],
  [`SELECT 'x'::integer`, content],
  [`SELECT E'\\\\x00'::bytea::text::json`, content],
  ['SELECT repeat(repeat($$x$$, 1000000), 2000)', content],
  ['SELECT nothing', wrong],
  [`SET statement_timeout = 50; SELECT pg_sleep(60)`, passing],
  [`SET lock_timeout = 50; DO $$ BEGIN RAISE lock_not_available; END $$`, passing],
  ['SET SESSION AUTHORIZATION DEFAULT; SELECT pg_terminate_backend(pg_backend_pid())', passing],
])('the server itself says so: %s', async (sql, expected) => {
  const client = new pg.Client({ connectionString: database.url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const error = await client.query(sql).catch((failure: unknown) => failure);
    expect([sql, verdict(error)]).toEqual([sql, expected]);
  } finally {
    await client.end().catch(() => undefined);
  }
});

test.each(['ConnectionClosed', 'DatabaseNotReachable', 'SocketTimeout'])(
  '%s of Prisma’s adapter passes',
  (kind) => {
    const error = Object.assign(new Error(kind), { name: 'DriverAdapterError', cause: { kind } });
    expect(verdict(error)).toEqual(passing);
  },
);
