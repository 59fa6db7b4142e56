import { Command } from 'commander';
import { expect, test } from 'vitest';
import { assertChangeable } from './flags.ts';
import {
  changeBody,
  newListenerBody,
  withChangeFlags,
  withNewListenerFlags,
} from './listener-flags.ts';

function parsed(words: string, prepare: (command: Command) => Command): Command {
  const command = prepare(new Command('test').exitOverride().configureOutput({ writeErr() {} }));
  return command.parse(words.split(' ').filter(Boolean), { from: 'user' });
}

const newBody = (words: string) => newListenerBody(parsed(words, withNewListenerFlags));
const change = async (words: string, isUdp = false, labels = {}) =>
  await changeBody(parsed(words, withChangeFlags), async () => ({
    protocol: isUdp ? 'udp' : 'tcp',
    labels,
  }));

test('what is not said is not sent', async () => {
  expect(newBody('')).toEqual({});
  expect(await change('')).toEqual({});
});

test('faults keep the order of their flags, and each has a seed of its own', () => {
  const fault = '{"type":"refuse","match":{"firstN":2},"seed":7}';
  const words = `--limit 1kB:rst --fault ${fault} --latency 1s±0.5s --bandwidth 1MB/s --seed 40`;
  expect(newBody(words).faults).toEqual([
    { type: 'limit', bytes: 1000, action: 'rst', seed: 40 },
    { type: 'refuse', match: { firstN: 2 }, seed: 7 },
    { type: 'latency', delayMs: 1000, jitterMs: 500, seed: 42 },
    { type: 'bandwidth', bytesPerSecond: 1_000_000, seed: 43 },
  ]);
});

test('all that a listener may be has a flag', async () => {
  const words =
    '-n sdk -p 9000 --host ::1 --tls --discard --durable --proxy required --proxy-trusted 10.0.0.0/8 --proxy-trusted ::1 -l env=ci -l team=a=b ' +
    '--ttl 1m --idle 30s --max-connections 5 --allow 10.0.0.0/8 --allow ::1 --deny 10.1.0.0/16';
  expect(newBody(words)).toEqual({
    name: 'sdk',
    port: 9000,
    host: '::1',
    protocol: 'tls',
    mode: 'discard',
    recording: 'durable',
    proxyProtocol: { mode: 'required', trustedCidrs: ['10.0.0.0/8', '::1'] },
    labels: { env: 'ci', team: 'a=b' },
    ttlMs: 60_000,
    limits: {
      idleTimeoutMs: 30_000,
      maxConnections: 5,
      allowCidrs: ['10.0.0.0/8', '::1'],
      denyCidrs: ['10.1.0.0/16'],
    },
  });
  expect(newBody('--proxy optional --proxy-trusted any').proxyProtocol).toEqual({
    mode: 'optional',
    trustedCidrs: [],
  });
  expect(newBody('--udp --idle 1s').limits).toEqual({ udpIdleTimeoutMs: 1000 });
  expect(await change('--idle 1s', true)).toEqual({ limits: { udpIdleTimeoutMs: 1000 } });
});

test('--no-faults takes away what is not given beside it', async () => {
  expect(await change('--no-faults')).toEqual({ faults: [] });
  expect(await change('--no-faults --latency 5ms')).toEqual({
    faults: [{ type: 'latency', delayMs: 5 }],
  });
});

test('a change of labels keeps the others, and takes away what it names', async () => {
  const labels = { env: 'ci', team: 'net' };
  expect(await change('-l env=qa -l new=a-', false, labels)).toEqual({
    labels: { env: 'qa', team: 'net', new: 'a-' },
  });
  expect(await change('-l env- -l gone-', false, labels)).toEqual({ labels: { team: 'net' } });
  expect(await change('--no-labels', false, labels)).toEqual({ labels: {} });
  expect(await change('--no-labels -l env=qa', false, labels)).toEqual({ labels: { env: 'qa' } });
});

test('what a change may leave a listener without is taken away', async () => {
  expect(await change('--no-name --ttl none --idle none --allow any --deny none')).toEqual({
    name: null,
    expiresAt: null,
    limits: { idleTimeoutMs: null, allowCidrs: [], denyCidrs: [] },
  });
  expect(await change('--ttl 1m --allow ::1 --allow ::2')).toEqual({
    ttlMs: 60_000,
    limits: { allowCidrs: ['::1', '::2'] },
  });
  for (const words of ['--allow any --allow ::1', '--allow ::1 --allow any', '--allow none']) {
    expect(() => parsed(words, withChangeFlags), words).toThrow(/error:/);
  }
  for (const words of ['-l nothing', '-l =a', '-l -', '-l a- -l a=1', '--ttl any']) {
    expect(() => parsed(words, withChangeFlags), words).toThrow(/error:/);
  }
});

test('what only a create has is refused as what never changes, and is in no help', () => {
  for (const [words, flag] of [
    ['-p 80 --name b', '--port'],
    ['--host ::1', '--host'],
    ['--udp', '--udp'],
    ['--proxy-trusted 10.0.0.0/8', '--proxy-trusted'],
    ['--node-selector site=dmz', '--node-selector'],
  ] as const) {
    const why = `${flag} can not be changed after creation`;
    const command = parsed(words, withChangeFlags);
    expect(() => assertChangeable(command)).toThrow(
      expect.objectContaining({ exitCode: 2, message: why }),
    );
  }
  expect(withChangeFlags(new Command('set')).helpInformation()).not.toMatch(/--port|--udp/);
});

test('what cannot be read is refused', () => {
  for (const words of [
    '--latency soon',
    '--limit 1kB:explode',
    '--limit 1kB:rst:fin',
    '--fault {"type":',
    '--fault 5',
    '--bandwidth 1MB/h',
    '--label nothing',
    '--label env=ci --label env=qa',
    '--udp --tls',
    '--udp --proxy-trusted any',
    '--proxy required --proxy-trusted ten',
    '--proxy required --proxy-trusted any --proxy-trusted ::1',
    '--info --discard',
    '--ttl 1.5ms',
  ]) {
    expect(() => newBody(words), words).toThrow(/error:/);
  }
});

test('who may send a PROXY header is refused where none is to come', () => {
  expect(() => newBody('--proxy-trusted 10.0.0.0/8')).toThrow(
    expect.objectContaining({ exitCode: 2, message: expect.stringMatching(/^--proxy-trusted /) }),
  );
});

test('a seed is refused where no fault takes it', async () => {
  const why = '--seed goes with a fault that has no seed of its own, such as --latency';
  const refused = expect.objectContaining({ exitCode: 2, message: why });
  const seeded = '--seed 1 --fault {"type":"refuse","seed":7}';
  for (const words of ['--seed 0', seeded]) expect(() => newBody(words)).toThrow(refused);
  for (const words of ['--seed 0', `--no-faults ${seeded}`, '--no-faults --seed 1']) {
    await expect(change(words), words).rejects.toThrow(refused);
  }
});
