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
  expect(() => readConfig({ KODAMA_LISTEN_HOST: 'example.com' })).toThrow(/^KODAMA_LISTEN_HOST/);
});
