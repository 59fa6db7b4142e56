import { expect, test } from 'vitest';
import { listenerView } from '../../test/support/console-views.ts';
import { connectLines, listenLine } from './connect-lines.ts';

const at = (ip: string, protocol: 'tcp' | 'udp' | 'tls' = 'tcp') =>
  connectLines(listenerView({ laddr: { ip, port: 9000 }, protocol }), 'kodama.example').map(
    ({ kind, text }) => `${kind}: ${text}`,
  );

test('a loopback listener is reached from two hosts with one port', () => {
  expect(at('127.0.0.1')).toEqual([
    'bash: exec 3<>/dev/tcp/127.0.0.1/9000; echo hello >&3; head -n 1 <&3',
    'nc: nc 127.0.0.1 9000',
    ...['127.0.0.2', '127.0.0.3'].map(
      (host) =>
        `python: python3 -c 'import socket; s = socket.create_connection(("127.0.0.1", 9000), 9, ("${host}", 9783)); input()'`,
    ),
  ]);
});

test('a listener on all addresses is reached where the page came from', () => {
  expect(at('0.0.0.0')).toEqual([
    'bash: exec 3<>/dev/tcp/kodama.example/9000; echo hello >&3; head -n 1 <&3',
    'nc: nc kodama.example 9000',
  ]);
});

test('UDP and TLS have their own', () => {
  expect(at('127.0.0.1', 'udp')[0]).toMatch(/^datagram: exec 3<>\/dev\/udp\/127\.0\.0\.1\/9000/);
  expect(at('::1', 'tls')).toEqual(['openssl: openssl s_client -quiet -connect [::1]:9000']);
  expect(connectLines(listenerView({ laddr: null }), 'here')).toEqual([]);
});

test('where a PROXY header is required it comes first', () => {
  const proxyProtocol = { mode: 'required' as const, trustedCidrs: [] };
  const linesOf = (protocol: 'tcp' | 'tls') =>
    connectLines(listenerView({ protocol, proxyProtocol }), 'here').map(({ text }) => text);
  const header = 'PROXY TCP4 203.0.113.7 198.51.100.1 5555 443\\r\\n';
  expect(linesOf('tcp')).toEqual([
    `exec 3<>/dev/tcp/127.0.0.1/9000; printf '${header}' >&3; echo hello >&3; head -n 1 <&3`,
    `(printf '${header}'; cat) | nc 127.0.0.1 9000`,
    ...['127.0.0.2', '127.0.0.3'].map(
      (host) =>
        `python3 -c 'import socket; s = socket.create_connection(("127.0.0.1", 9000), 9, ("${host}", 9783)); s.sendall(b"${header}"); input()'`,
    ),
  ]);
  expect(linesOf('tls')).toEqual([
    `python3 -c 'import socket, ssl; s = socket.create_connection(("127.0.0.1", 9000)); s.sendall(b"${header}"); t = ssl._create_unverified_context().wrap_socket(s); t.sendall(b"hello\\n"); print(t.recv(99))'`,
  ]);
});

test('the command is told where kodama is, unless it is where it looks by itself', () => {
  expect(listenLine('http://127.0.0.1:8080', null)).toBe('npx kodama listen');
  expect(listenLine('http://127.0.0.1:41073', null)).toBe(
    'npx kodama listen --url http://127.0.0.1:41073',
  );
});

test('the command is told the project that was chosen', () => {
  expect(listenLine('http://127.0.0.1:8080', 'of-others')).toBe(
    'npx kodama listen --project of-others',
  );
  expect(listenLine('https://kodama.example', "it's")).toBe(
    "npx kodama listen --url https://kodama.example --project 'it'\\''s'",
  );
});
