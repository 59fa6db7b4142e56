import { expect, test } from 'vitest';
import { checkHost, checkOrigin } from './guards.ts';

const none: ReadonlySet<string> = new Set();

test.each([
  'localhost',
  'localhost:8080',
  'LOCALHOST:1',
  '127.0.0.1',
  '127.0.0.1:8080',
  '127.9.8.7:80',
  '[::1]',
  '[::1]:8080',
])('a server on loopback answers to the host %s', (host) => {
  expect(() => checkHost(host, none)).not.toThrow();
});

test.each([
  undefined,
  '',
  'example.com',
  'localhost.example.com',
  '127.0.0.1.example.com',
  'example.com:127.0.0.1',
  '128.0.0.1',
  '[::2]',
  '::1',
  '0.0.0.0:8080',
  'localhost:80:80',
  'localhost@example.com',
  'user@localhost',
  'localhost, example.com',
])('a server on loopback does not answer to the host %s', (host) => {
  expect(() => checkHost(host, none)).toThrow(/^host: /);
});

test('it answers to further hosts by their names, whatever the port', () => {
  const allowed = new Set(['kodama.example', '192.0.2.7', '2001:db8::7']);
  for (const host of ['kodama.example', 'KODAMA.example:443', '192.0.2.7:80', '[2001:db8::7]:1']) {
    expect(() => checkHost(host, allowed), host).not.toThrow();
    expect(() => checkHost(host, none), host).toThrow(/KODAMA_ALLOWED_HOSTS/);
  }
  for (const host of ['other.example', 'a.kodama.example', 'kodama.example.evil', '192.0.2.70']) {
    expect(() => checkHost(host, allowed), host).toThrow(/^host: /);
  }
  expect(() => checkHost('localhost:8080', allowed)).not.toThrow();
});

const host = 'localhost:8080';

test.each([
  ['POST', { host }],
  ['POST', { host, origin: 'http://localhost:8080' }],
  ['DELETE', { host, origin: 'http://localhost:8080', 'sec-fetch-site': 'same-origin' }],
  ['GET', { host, origin: 'http://example.com', 'sec-fetch-site': 'cross-site' }],
  ['POST', { host, 'sec-fetch-site': 'none' }],
])('%s with %j is let through', (method, headers) => {
  expect(() => checkOrigin(method, headers, none)).not.toThrow();
});

test.each([
  ['POST', { host, origin: 'http://example.com' }],
  ['POST', { host, origin: 'null' }],
  ['POST', { host, origin: '' }],
  ['POST', { host, origin: 'http://localhost:3000' }],
  ['PATCH', { host, origin: 'http://127.0.0.1:8080' }],
  ['DELETE', { host, 'sec-fetch-site': 'cross-site' }],
  ['PUT', { origin: 'http://example.com' }],
])('%s with %j, as another site has it sent, is refused', (method, headers) => {
  expect(() => checkOrigin(method, headers, none)).toThrow(/^origin: /);
});

test('a page of another site may do what it likes where its origin is named, and nobody else', () => {
  const allowed = new Set(['https://ci.example']);
  const site = { 'sec-fetch-site': 'cross-site' };
  const check = (headers: object) => () => checkOrigin('POST', { host, ...headers }, allowed);
  expect(check({ origin: 'https://ci.example', ...site })).not.toThrow();
  for (const origin of [
    'http://ci.example',
    'https://ci.example:444',
    'https://ci.example.evil',
    'https://a.ci.example',
    'https://ci.example/',
    'HTTPS://CI.EXAMPLE',
    'null',
    '',
  ]) {
    expect(check({ origin, ...site }), origin).toThrow(/^origin: /);
    expect(check({ origin }), origin).toThrow(/^origin: /);
  }
  expect(check(site)).toThrow(/^origin: /);
});
