import { expect, test } from 'vitest';
import { AppError, errorCodes } from '../core/errors.ts';
import { HttpError, isInternal, parserError, statuses, toProblemAnswer } from './problem.ts';

test('every code has its status', () => {
  const table = Object.fromEntries(errorCodes.map((code) => [code, statuses[code][0]]));
  expect(table).toEqual({
    invalid_argument: 400,
    unauthenticated: 401,
    permission_denied: 403,
    port_reserved: 403,
    port_privileged: 403,
    not_found: 404,
    already_exists: 409,
    port_in_use: 409,
    failed_precondition: 409,
    not_met: 409,
    idempotency_mismatch: 422,
    cursor_expired: 410,
    resource_exhausted: 429,
    unavailable: 503,
    internal: 500,
  });
});

test('a problem shows the code, the words, and all the details', () => {
  const error = new AppError('port_in_use', 'port 4000 is in use', { owner: 'foreign' });
  expect(toProblemAnswer(error, 'r1')).toEqual({
    problem: {
      type: 'urn:kodama:error:port_in_use',
      title: 'The port is in use',
      status: 409,
      detail: 'port 4000 is in use',
      code: 'port_in_use',
      requestId: 'r1',
      owner: 'foreign',
    },
    headers: {},
  });
});

test('a failure that passes says when to come back, in whole seconds of which there is at least one', () => {
  const seconds = (retryAfterMs?: number) =>
    toProblemAnswer(
      new AppError('unavailable', 'away', retryAfterMs === undefined ? {} : { retryAfterMs }),
      'r',
    ).headers['retry-after'];
  expect([seconds(), seconds(0), seconds(1), seconds(1001), seconds(5000)]).toEqual([
    '1',
    '1',
    '1',
    '2',
    '5',
  ]);
});

test('a caller who is not known is told how to say who he is', () => {
  const { headers } = toProblemAnswer(new AppError('unauthenticated', 'who?'), 'r');
  expect(headers).toEqual({ 'www-authenticate': 'Bearer realm="kodama"' });
});

test.each([
  new Error('secret'),
  new TypeError('secret'),
  new AppError('internal', 'secret', { cause: new Error('secret') }),
  'secret',
  null,
  undefined,
  Object.assign(new Error('secret'), { code: 'ENOENT' }),
  Object.assign(new Error('secret'), { statusCode: 500 }),
])('what nobody foresaw reads the same to every caller: %s', (error) => {
  const { problem } = toProblemAnswer(error, 'r');
  expect(problem).toMatchObject({ status: 500, code: 'internal' });
  expect(JSON.stringify(problem)).not.toContain('secret');
  expect(isInternal(error)).toBe(true);
});

test.each([
  ['FST_ERR_CTP_BODY_TOO_LARGE', 413, 'resource_exhausted'],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 415, 'invalid_argument'],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', 400, 'invalid_argument'],
  ['FST_ERR_BAD_URL', 400, 'invalid_argument'],
  ['FST_ERR_MAX_PARAM_LENGTH', 414, 'invalid_argument'],
])('what the framework refuses as %s has a status and a code', (code, status, ours) => {
  const error = Object.assign(new Error('theirs'), { code });
  expect(toProblemAnswer(error, 'r').problem).toMatchObject({ status, code: ours });
});

test('any other refusal of the framework keeps its status, not its words', () => {
  const error = Object.assign(new Error('theirs'), { code: 'X', statusCode: 417 });
  expect(toProblemAnswer(error, 'r').problem).toMatchObject({
    status: 417,
    code: 'invalid_argument',
    detail: 'expectation failed',
  });
});

test.each([
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['HPE_HEADER_OVERFLOW', 431],
  ['HPE_INVALID_METHOD', 400],
  [undefined, 400],
])('what is no HTTP, %s, has the status %s', (code, status) => {
  const error = parserError({ code });
  expect(error).toBeInstanceOf(HttpError);
  expect(toProblemAnswer(error, 'r').problem.status).toBe(status);
});
