import { expect, test } from 'vitest';
import { sampleId, sampleListener } from '../test/support/samples.ts';
import { bannerText, reachableAddresses } from './banner.ts';

const card = (address: string, internal = false) => ({
  address,
  internal,
  netmask: '',
  mac: '',
  cidr: null,
  ...(address.includes(':')
    ? { family: 'IPv6' as const, scopeid: 0 }
    : { family: 'IPv4' as const }),
});
const interfaces = {
  lo: [card('127.0.0.1', true), card('::1', true)],
  eth0: [card('fe80::1'), card('169.254.0.9'), card('192.0.2.7'), card('2001:db8::7')],
  eth1: [card('192.0.2.8'), card('2001:db8::8')],
};

test.each([
  ['192.0.2.1', ['192.0.2.1']],
  ['::1', ['::1']],
  ['0.0.0.0', ['127.0.0.1', '192.0.2.7']],
  ['::', ['127.0.0.1', '192.0.2.7', '2001:db8::7']],
])('what is bound to %s is reached by %j', (ip, reached) => {
  const addresses = reachableAddresses({ ip, port: 80 }, interfaces);
  expect(addresses).toEqual(reached.map((each) => ({ ip: each, port: 80 })));
});

test('a host of no other address is reached by loopback alone', () => {
  const { lo } = interfaces;
  expect(reachableAddresses({ ip: '::', port: 80 }, { lo })).toEqual([
    { ip: '127.0.0.1', port: 80 },
  ]);
});

const edges = {
  httpAddresses: [{ ip: '127.0.0.1', port: 8080 }],
  grpcAddresses: [{ ip: '127.0.0.1', port: 50_051 }],
  gatewayUrl: null,
  hasToken: false,
  isTls: false,
  recovered: [],
  listenersMax: 20,
};

test('it is short where there is nothing to add', () => {
  expect(bannerText(edges)).toBe(`kodama is ready.
  Console   http://127.0.0.1:8080/
  REST      http://127.0.0.1:8080/v1
  gRPC      127.0.0.1:50051
  API page  http://127.0.0.1:8080/docs
  Try:      curl -X POST http://127.0.0.1:8080/v1/listeners
`);
});

test('over TLS it names both edges so', () => {
  const text = bannerText({ ...edges, isTls: true });
  expect(text).toContain(
    'REST      https://127.0.0.1:8080/v1\n  gRPC      127.0.0.1:50051 (TLS)\n',
  );
  expect(text).toContain('curl -X POST https://127.0.0.1:8080/v1/listeners\n');
  expect(text).not.toContain('http://');
});

test('where agents come has a line', () => {
  const text = bannerText({ ...edges, gatewayUrl: 'https://192.0.2.7:9443' });
  expect(text).toContain('gRPC      127.0.0.1:50051\n  Gateway   https://192.0.2.7:9443\n');
});

test('other addresses stand beside the nearest, and a bracket is quoted for the shell', () => {
  const httpAddresses = [
    { ip: '::1', port: 1 },
    { ip: '2001:db8::7', port: 1 },
  ];
  const text = bannerText({ ...edges, httpAddresses });
  expect(text).toContain('REST      http://[::1]:1/v1, from other hosts http://[2001:db8::7]:1\n');
  expect(text).toContain("curl -X POST 'http://[::1]:1/v1/listeners'\n");
});

test('with a token it tells how a first project and its key are made, and names the token by its variable', () => {
  const text = bannerText({ ...edges, hasToken: true });
  const lines = text.split('\n').filter((line) => line.startsWith('    curl '));
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/ http:\/\/127\.0\.0\.1:8080\/v1\/projects$/);
  expect(lines[1]).toMatch(/ http:\/\/127\.0\.0\.1:8080\/v1\/keys$/);
  for (const line of lines) expect(line).toContain('"authorization: Bearer $KODAMA_API_TOKEN"');
});

test('what listens again has a line each, what failed comes first, and many are counted', () => {
  const reason = { code: 'port_in_use', message: 'the address is in use' };
  const failed = { state: 'failed', reason, laddr: null, host: '::', port: 99 } as const;
  const recovered = [
    sampleListener({ name: 'tour' }),
    sampleListener({ id: sampleId(7), protocol: 'udp' }),
    sampleListener({ name: 'web', ...failed }),
  ];
  const lines = (text: string) => text.split('\n').slice(6, -1);
  expect(lines(bannerText({ ...edges, recovered }))).toEqual([
    '  Listeners from the last run:',
    '    web  tcp [::]:99  failed: the address is in use',
    '    tour  tcp 127.0.0.1:40000  listens again',
    `    ${sampleId(7)}  udp 127.0.0.1:40000  listens again`,
  ]);
  const many = Array.from({ length: 33 }, (_, n) => sampleListener({ id: sampleId(n) }));
  const long = lines(bannerText({ ...edges, recovered: many }));
  expect(long).toHaveLength(22);
  expect(long.at(-1)).toBe('    and 13 more');
});
