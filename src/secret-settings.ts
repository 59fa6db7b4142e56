/** The keys of secrets at rest, as the environment has them. Nothing here tells a value, or what of it is wrong. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';

export const secretKey = z
  .string()
  .refine((text) => /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text), {
    error: 'must be 32 bytes in base64, as `openssl rand -base64 32` prints them',
  })
  .transform((text) => createSecretKey(text, 'base64'));

interface Keys {
  readonly current: KeyObject | null;
  readonly old: KeyObject | null;
}

/** Why these two do not go together; null where they do. */
export function secretKeysFault({ current, old }: Keys): string | null {
  if (old === null) return null;
  if (current === null)
    return 'KODAMA_SECRET_KEY_OLD is the key before: KODAMA_SECRET_KEY is missing';
  if (current.equals(old)) return 'KODAMA_SECRET_KEY_OLD is KODAMA_SECRET_KEY itself: drop it';
  return null;
}

export const plainSecretsWarning =
  'KODAMA_SECRET_KEY is not set: the TLS keys of listeners lie in the database as they are';
