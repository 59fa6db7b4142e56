/** The fields that many resources have. */
import { z } from 'zod';
import { actorKinds } from '../core/caller.ts';
import { formatTime, parseTime } from '../core/time.ts';
import { openWords } from './open-words.ts';

export const id = z.uuid().meta({ examples: ['01987c5e-3b1a-7c44-9f3e-5d1c2a7b8e90'] });
export const count = z.int().min(0);
/** Core's microseconds, as text. */
export const time = z.codec(
  z.int(),
  z.string().meta({ format: 'date-time', examples: ['2026-11-24T03:53:53.123456Z'] }),
  { decode: formatTime, encode: (text) => parseTime(text) ?? Number.NaN },
);

export const actorResource = z
  .object({
    kind: z.enum(actorKinds).describe(`What it is. ${openWords}`),
    id: z.string().nullable().describe('Of its key, or its name.'),
    hint: z.string().nullable().describe('What people know it by, without its secret.'),
  })
  .meta({ id: 'Actor', description: 'Who did it.' });
