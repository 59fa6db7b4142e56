/** The filter of the console's table against core's own: what one lets through, the other does. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { connectionTest } from '../src/console/connection-filter.ts';
import { isIn, parseNetwork } from '../src/console/networks.ts';
import { networkSet, parseCidr } from '../src/core/address.ts';
import { closeReasons, connectionStates } from '../src/core/connection.ts';
import { connectionMatcher, everyConnection } from '../src/core/connection-filter.ts';
import type { ConnectionQuery } from '../src/core/directories.ts';
import { protocols } from '../src/core/listener.ts';
import { formatTime, parseTime } from '../src/core/time.ts';
import { sampleConnection } from './support/samples.ts';

const ip = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom('10.0.0.1', '10.0.1.1', '::1', '::ffff:10.0.0.1', '0:0::ffff:a00:1', 'fe80::1'),
);
const network = fc.oneof(
  ip,
  fc.tuple(ip, fc.integer({ min: 0, max: 128 })).map(([one, length]) => `${one}/${length}`),
);
const micros = fc.integer({ min: 1_764_000_000_000_000, max: 1_764_000_000_000_050 });
const listenerIds = [
  '01987c5e-0000-7000-8000-000000000001',
  '01987c5e-0000-7000-8000-000000000002',
];

test('a network is one here where it is one there', () => {
  const text = fc.oneof(
    network,
    fc.string({ unit: fc.constantFrom(...'0123456789abf.:/'), maxLength: 20 }),
  );
  fc.assert(
    fc.property(text, (one) => {
      expect(parseNetwork(one) !== null).toBe(parseCidr(one) !== null);
    }),
    { numRuns: 2000 },
  );
});

test('an address lies in a network here where it lies in it there', () => {
  fc.assert(
    fc.property(network, fc.oneof(fc.ipV4(), fc.ipV6()), (wanted, one) => {
      const parsed = parseNetwork(wanted);
      fc.pre(parsed !== null && parseCidr(wanted) !== null);
      if (parsed === null) return;
      expect(isIn(parsed, one)).toBe(networkSet([wanted])(one));
    }),
    { numRuns: 1000 },
  );
});

test('a connection is let through here where it is there', () => {
  const listenerId = fc.constantFrom(...listenerIds);
  const port = fc.constantFrom(9000, 9001);
  const state = fc.constantFrom(...connectionStates);
  const closeReason = fc.constantFrom(...closeReasons.slice(0, 3));
  const protocol = fc.constantFrom(...protocols);
  const address = fc.record({ ip: fc.constantFrom('10.0.0.1', '10.0.1.1', '::1'), port });
  const [raddr, declaredRaddr] = [fc.option(address), fc.option(address)];
  const networks = ['10.0.0.0/8', '10.0.0.0/24', '10.0.1.1', '::/0', '::ffff:10.0.0.0/104'];
  const fields = {
    listenerIds: listenerId.map((id) => [id]),
    ...{ state, protocol, closeReason, lport: port },
    raddr: fc.constantFrom(...networks),
    declaredRaddr: fc.constantFrom(...networks),
    ...{ acceptedAfter: micros, acceptedBefore: micros },
  } satisfies Record<keyof ConnectionQuery, unknown>;
  const names = fc.subarray(Object.keys(fields) as (keyof typeof fields)[], { maxLength: 3 });
  const given = fc.record({
    ...{ listenerId, state, protocol, raddr, declaredRaddr, acceptedAt: micros },
    laddr: port.map((number) => ({ ip: '127.0.0.1', port: number })),
    closeReason: fc.option(closeReason),
  });
  let metCount = 0;
  fc.assert(
    fc.property(fc.record(fields), names, given, (all, asked, its) => {
      const connection = { ...sampleConnection(), ...its };
      const query: Partial<typeof all> = Object.fromEntries(asked.map((name) => [name, all[name]]));
      const isWanted = connectionMatcher({ ...everyConnection, ...query });
      const { listenerIds: ids, lport, acceptedAfter, acceptedBefore, ...plain } = query;
      const filter = {
        ...plain,
        ...(ids && { listener: 'tour' }),
        ...(lport && { lport: String(lport) }),
        ...(acceptedAfter && { acceptedAfter: formatTime(acceptedAfter) }),
        ...(acceptedBefore && {
          acceptedBefore: formatTime(acceptedBefore).replace('Z', '+00:00'),
        }),
      };
      const isMet = connectionTest(filter, ids?.[0] ?? null);
      const view = { ...connection, acceptedAt: formatTime(connection.acceptedAt) };
      expect(parseTime(view.acceptedAt)).toBe(connection.acceptedAt);
      const isLetThrough = isMet(view as unknown as Parameters<typeof isMet>[0]);
      expect(isLetThrough).toBe(isWanted(connection));
      if (isLetThrough) metCount += 1;
    }),
    { numRuns: 2000 },
  );
  expect(metCount).toBeGreaterThan(20);
});
