/** What makes the time of day of a process wrong, and leaves its monotonic clock as it is. */
import { globSync } from 'node:fs';
import { join } from 'node:path';

export interface WrongClock {
  readonly nodeOptions: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const preloaded = join(import.meta.dirname, 'shifted-date.ts');

/** By libfaketime, as the system would show it, or, where that is not installed, by another Date. */
export function wrongClock(byMs: number): WrongClock {
  const [library] = globSync('/usr/lib/*/faketime/libfaketime.so.1');
  if (library === undefined) {
    return { nodeOptions: ['--import', preloaded], environment: { SHIFT_MS: String(byMs) } };
  }
  const sign = byMs < 0 ? '-' : '+';
  const environment = {
    LD_PRELOAD: library,
    FAKETIME: `${sign}${Math.abs(byMs) / 1000}s`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  return { nodeOptions: [], environment };
}

export const isByLibrary = ({ nodeOptions }: WrongClock): boolean => nodeOptions.length === 0;
