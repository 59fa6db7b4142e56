/** Addresses that the host is given while a UDP wildcard listens. It takes a network namespace; elsewhere it is left out. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { z } from 'zod';

const file = fileURLToPath(new URL('support/host-changes.ts', import.meta.url));
const namespace = ['--net', '--map-root-user'];
const outcome = z.object({ told: z.record(z.string(), z.string()), laddrs: z.array(z.string()) });

const canChangeAddresses =
  spawnSync('unshare', [...namespace, 'ip', 'link', 'set', 'lo', 'up']).status === 0;
const four = ['192.0.2.7', '198.51.100.1', '198.51.100.200'];
const six = ['2001:db8::7', '2001:db8:1::1', '2001:db8:1::2:3'];

test('a wildcard answers from an address of later, and from each of a network that a route makes local', async ({
  skip,
}) => {
  if (!canChangeAddresses) return skip('no network namespace can be made here');
  const run = spawnSync('unshare', [...namespace, process.execPath, file], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  const { told, laddrs } = outcome.parse(JSON.parse(run.stdout));
  expect(told).toEqual({
    ...Object.fromEntries(four.map((ip) => [`0.0.0.0 at ${ip}`, `${ip} true`])),
    ...Object.fromEntries([...four, ...six].map((ip) => [`:: at ${ip}`, `${ip} true`])),
    'between own listeners': 'udp_own_listener, 0 answers',
  });
  expect(laddrs.sort()).toEqual([...four, ...four, ...six].sort());
});
