import { expect, test } from 'vitest';
import { hostOf, runBeside } from './command-beside.ts';
import { Interrupts } from './interrupts.ts';
import type { Listener } from './rest-client.ts';

test('a listener on all addresses is reached where kodama is', () => {
  for (const ip of ['0.0.0.0', '::']) {
    expect(hostOf(ip, 'https://kodama.example:8443/behind')).toBe('kodama.example');
    expect(hostOf(ip, 'http://192.0.2.1:8080')).toBe('192.0.2.1');
    expect(hostOf(ip, 'http://[2001:db8::1]:8080')).toBe('2001:db8::1');
  }
  for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
    expect(hostOf('0.0.0.0', `http://${host}:8080`)).toBe('127.0.0.1');
    expect(hostOf('::', `http://${host}:8080`)).toBe('::1');
  }
});

test('one on an address is reached there', () => {
  expect(hostOf('127.0.0.2', 'http://kodama.example')).toBe('127.0.0.2');
  expect(hostOf('2001:db8::2', 'http://127.0.0.1:8080')).toBe('2001:db8::2');
});

test('a program is told the host of a kodama that is elsewhere', async () => {
  const laddr = { ip: '0.0.0.0', port: 9001 };
  const isTold = `process.env.KODAMA_HOST === 'kodama.example' && process.env.KODAMA_PORT === '9001'`;
  using interrupts = new Interrupts();
  const code = await runBeside({
    words: [process.execPath, '-e', `process.exit(${isTold} ? 7 : 1)`],
    listener: { laddr, name: 'sdk', id: 'one' } as Listener,
    variables: { KODAMA_URL: 'https://kodama.example:8443' },
    interrupts,
    say: () => undefined,
  });
  expect(code).toBe(7);
});
