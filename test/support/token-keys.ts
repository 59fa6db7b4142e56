/** Who shows which key, where no key is on record: the one of the environment, or anybody. */

import { systemClock } from '../../src/core/clock.ts';
import type { Keys } from '../../src/core/keys.ts';
import { KeyRing } from '../../src/tenancy/key-ring.ts';
import { keepingLogger } from './samples.ts';

export const keyRingLimits = {
  keyTtlMs: 10_000,
  unknownKeyTtlMs: 1000,
  rememberedKeysMax: 1000,
  metricsKeyTtlMs: 3_600_000,
  metricsKeysMax: 16,
  failedKeysPerSecond: 1000,
  failedKeyAddressesMax: 1000,
  keyUseIntervalMs: 60_000,
};

export function tokenKeys(apiToken: string | null): Keys {
  return new KeyRing({
    keys: { findByDigest: async () => null, used: async () => undefined },
    wakes: { onChange: () => () => undefined },
    ...{ refusals: { tell: () => undefined }, onUnauthenticated: () => undefined },
    ...{ apiToken, isOpen: apiToken === null },
    ...{ clock: systemClock(), logger: keepingLogger(), limits: keyRingLimits },
  });
}
