/** When a thing ends by itself: at a time, or after so long. */
import type { z } from 'zod';
import { invalidField } from '../core/errors.ts';
import type { Micros } from '../core/time.ts';
import { wholeNumber } from './values.ts';

export function ttlMs(max: number) {
  return wholeNumber(1, max).describe('Milliseconds from now, instead of expiresAt.');
}

export function oneExpiry<Shape extends { expiresAt?: unknown; ttlMs?: unknown }>(
  input: Shape,
  context: z.RefinementCtx<Shape>,
): void {
  if (input.expiresAt != null && input.ttlMs != null) {
    context.addIssue({
      code: 'custom',
      path: ['ttlMs'],
      message: 'give expiresAt or ttlMs, not both',
    });
  }
}

/** @throws invalid_argument for one that has passed; a ttlMs is from now, however long the call then takes */
export function expiryOf(
  {
    expiresAt = null,
    ttlMs: ttl,
  }: { readonly expiresAt?: Micros | null | undefined; readonly ttlMs?: number | null | undefined },
  now: Micros,
  place = '',
): Micros | null {
  if (ttl != null) return now + ttl * 1000;
  if (expiresAt !== null && expiresAt <= now) {
    throw invalidField(`${place}expiresAt`, 'must lie in the future');
  }
  return expiresAt;
}
