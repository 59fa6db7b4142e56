import { expect, test } from 'vitest';
import { makeAuthority } from '../../test/support/tls-certificates.ts';
import { readJoinToken, spkiPin } from './pin.ts';

test('a pin is of the key, and fits behind a join token', async () => {
  const [one, other] = [await makeAuthority(), await makeAuthority()];
  const pin = spkiPin(one.cert);
  expect(pin).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(spkiPin(other.cert)).not.toBe(pin);
  const secret = `kodamajoin_${'aB3'.repeat(11)}`;
  expect(readJoinToken(`${secret}.${pin}\n`)).toEqual({ secret, pin });
  expect(readJoinToken(secret)).toEqual({ secret, pin: null });
});

test.each(['', 'kodama_x', `kodamajoin_${'a'.repeat(32)}`, `kodamajoin_${'a'.repeat(33)}.short`])(
  '%j is no join token',
  (text) => expect(readJoinToken(text)).toBeNull(),
);
