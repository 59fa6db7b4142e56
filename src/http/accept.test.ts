import { expect, test } from 'vitest';
import { preferredCoding, preferredType } from './accept.ts';

const offered = ['application/json', 'text/event-stream', 'application/x-ndjson'] as const;

test.each([
  [undefined, 'application/json'],
  ['', 'application/json'],
  ['*/*', 'application/json'],
  ['application/*', 'application/json'],
  ['text/*', 'text/event-stream'],
  ['Text/Event-Stream', 'text/event-stream'],
  ['text/event-stream, */*', 'text/event-stream'],
  ['*/*, application/x-ndjson', 'application/x-ndjson'],
  ['application/x-ndjson, text/event-stream', 'application/x-ndjson'],
  ['text/event-stream, application/x-ndjson', 'text/event-stream'],
  ['text/event-stream;q=0.5, application/x-ndjson', 'application/x-ndjson'],
  ['application/x-ndjson;q=0.1, */*;q=0.9', 'application/json'],
  ['text/event-stream;q=0, text/*', 'application/json'],
  ['text/event-stream ; charset=utf-8 ; q=1.0', 'text/event-stream'],
  ['text/html, application/xhtml+xml, */*;q=0.8', 'application/json'],
  ['image/png', 'application/json'],
  ['text/event-stream;q=nonsense', 'application/json'],
  ['constructor, __proto__', 'application/json'],
])('of an Accept of %j it is %s', (accept, type) => {
  expect(preferredType(accept, offered)).toBe(type);
});

test.each([
  [undefined, 'identity'],
  ['', 'identity'],
  ['identity', 'identity'],
  ['deflate, zstd', 'identity'],
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip', 'gzip'],
  ['*', 'br'],
  ['br;q=0, *', 'gzip'],
  ['br;q=0.1, gzip;q=0.9', 'gzip'],
  ['*;q=0', 'identity'],
])('of an Accept-Encoding of %j it is %s', (acceptEncoding, coding) => {
  expect(preferredCoding(acceptEncoding)).toBe(coding);
});
