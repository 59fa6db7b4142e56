import { expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';

test('where listeners are is an address and a range of ports', () => {
  const { bounds, listenPorts } = readConfig({
    KODAMA_LISTEN_HOST: 'localhost',
    KODAMA_LISTEN_PORTS: '20000-20099',
  });
  expect([bounds.listenHost, listenPorts]).toEqual(['127.0.0.1', { from: 20_000, to: 20_099 }]);
  expect(readConfig({}).listenPorts).toBeNull();
  for (const range of ['20000', '2-1', '0-9', '1-65536', 'a-b', '1-2-3']) {
    expect(() => readConfig({ KODAMA_LISTEN_PORTS: range })).toThrow(
      /^KODAMA_LISTEN_PORTS must be/,
    );
  }
  const low = { KODAMA_LISTEN_PORTS: '80-2000' };
  expect(() => readConfig(low)).toThrow(/KODAMA_ALLOW_PRIVILEGED_PORTS/);
  const { listenPorts: allowed } = readConfig({ ...low, KODAMA_ALLOW_PRIVILEGED_PORTS: 'true' });
  expect(allowed).toEqual({ from: 80, to: 2000 });
  for (const host of ['example.com', 'fe80::1%eth0']) {
    expect(() => readConfig({ KODAMA_LISTEN_HOST: host })).toThrow(/^KODAMA_LISTEN_HOST/);
  }
});

const token = { KODAMA_API_TOKEN: 'sesame-open-sesame' };

test('the hosts that REST answers to are those of loopback, all, or those that are named', () => {
  const hostsOf = (more: Readonly<Record<string, string>>) =>
    readConfig({ ...token, ...more }).allowedHosts;
  const KODAMA_ALLOWED_HOSTS = 'Kodama.example, 192.0.2.7,[2001:db8::7]';
  const named = ['kodama.example', '192.0.2.7', '2001:db8::7'];
  expect(hostsOf({})).toEqual([]);
  expect(hostsOf({ KODAMA_GRPC_HOST: '0.0.0.0' })).toEqual([]);
  expect(hostsOf({ KODAMA_HTTP_HOST: '0.0.0.0' })).toBeNull();
  expect(hostsOf({ KODAMA_ALLOWED_HOSTS })).toEqual(named);
  expect(hostsOf({ KODAMA_ALLOWED_HOSTS, KODAMA_HTTP_HOST: '0.0.0.0' })).toEqual(named);
  for (const wrong of ['kodama.example:8080', 'https://kodama.example', '*.example', 'a,,b', ',']) {
    expect(() => hostsOf({ KODAMA_ALLOWED_HOSTS: wrong }), wrong).toThrow(
      /^KODAMA_ALLOWED_HOSTS must be/,
    );
  }
});

test('proxies that are trusted are addresses and networks', () => {
  const proxiesOf = (text: string) =>
    readConfig({ ...token, KODAMA_TRUSTED_PROXIES: text }).forwarding.trustedProxies;
  expect(proxiesOf('10.0.0.0/8, ::1')).toEqual(['10.0.0.0/8', '::1']);
  expect(readConfig({}).forwarding.trustedProxies).toEqual([]);
  for (const wrong of ['10.0.0.0/33', 'loopback', 'true', '1', '10.0.0.1-10.0.0.9', '10.0.0.1,']) {
    expect(() => proxiesOf(wrong), wrong).toThrow(/^KODAMA_TRUSTED_PROXIES must be/);
  }
});

test('origins of other pages are named as a browser writes them, and their naming opens nothing', () => {
  const originsOf = (text: string) => readConfig({ KODAMA_CORS_ORIGINS: text }).corsOrigins;
  expect(originsOf('https://ci.example, http://localhost:3000')).toEqual([
    'https://ci.example',
    'http://localhost:3000',
  ]);
  expect(readConfig({}).corsOrigins).toEqual([]);
  for (const wrong of [
    '*',
    'null',
    'ci.example',
    'https://ci.example/',
    'https://ci.example:443',
    'https://CI.example',
    'https://*.ci.example',
    'https://a@ci.example',
    'file:///page.html',
    'https://ci.example https://b.example',
  ]) {
    expect(() => originsOf(wrong), wrong).toThrow(/^KODAMA_CORS_ORIGINS must be/);
  }
});

test('TLS wants both of its files', () => {
  const both = { KODAMA_TLS_CERT: '/tls.crt', KODAMA_TLS_KEY: '/tls.key' };
  expect(readConfig(both).tls.files).toEqual({ cert: '/tls.crt', key: '/tls.key' });
  expect(readConfig({}).tls.files).toBeNull();
  for (const [given, path] of Object.entries(both)) {
    const words = `${given} is set alone: TLS wants KODAMA_TLS_CERT and KODAMA_TLS_KEY`;
    expect(() => readConfig({ [given]: path })).toThrow(words);
  }
});

test('what is said of a gateway or its nodes without its port is warned of', () => {
  const said = {
    KODAMA_GATEWAY_HOST: '0.0.0.0',
    KODAMA_GATEWAY_URL: 'https://kodama.example.com:7443',
    KODAMA_GATEWAY_TLS_CERT: '/cert.pem',
    KODAMA_GATEWAY_TLS_KEY: '/key.pem',
    KODAMA_NODE_CONNECTIONS_MAX: '1000',
    KODAMA_FLEET_CONNECTIONS_MAX: '1000',
    KODAMA_NODE_RECORDS_PER_SECOND: '1000',
  };
  const { warnings } = readConfig(said);
  expect(warnings).toEqual(
    Object.keys(said).map((name) => `${name} has no effect without KODAMA_GATEWAY_PORT`),
  );
  expect(readConfig({ ...said, KODAMA_GATEWAY_PORT: '7443' }).warnings).toEqual([]);
});
