/** The values that requests are made of, each with its bounds and its own words for what is wrong. */
import { isIP, isIPv6 } from 'node:net';
import { z } from 'zod';
import { canonicalIp, formatCidr, networkSet, parseCidr } from '../core/address.ts';
import { type Micros, parseTime } from '../core/time.ts';
import { record } from './list.ts';

export const uuid = z
  .uuid({ error: 'must be a UUID' })
  .toLowerCase()
  .meta({ examples: ['01987c5e-3b1a-7c44-9f3e-5d1c2a7b8e90'] });

export function wholeNumber(min: number, max: number) {
  const error = ({ input }: { readonly input?: unknown }) =>
    input === undefined ? 'is required' : `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

function refused(context: z.RefinementCtx, input: unknown, message: string): never {
  context.issues.push({ code: 'custom', input, message });
  return z.NEVER;
}

export const port = wholeNumber(0, 65_535);

/** A stream has two ends: what many hear, or what means another host on each link, is none. */
const isNoEnd = networkSet(['224.0.0.0/4', '255.255.255.255', 'ff00::/8', 'fe80::/10']);

/** An address is brought to its one form, so that two spellings of it are known to be the same. */
export const host = z
  .string()
  .max(64)
  .refine((text) => text === 'localhost' || (isIP(text) !== 0 && !text.includes('%')), {
    error: 'must be an IPv4 or IPv6 address, or localhost',
  })
  .refine((text) => isIP(text) === 0 || !isNoEnd(text), {
    error: 'must be the address of one host: not multicast, broadcast or link-local',
  })
  .overwrite((text) => (text.includes('%') ? text : canonicalIp(text)));

const network = z
  .string()
  .max(64)
  .refine((text) => parseCidr(text) !== null, {
    error: 'must be an IP address or a network such as 10.0.0.0/8',
  });

export const cidr = network.overwrite(plainCidr).meta({ examples: ['10.0.0.0/8'] });

/** What is only looked for has one spelling, since a page token goes by the words of its query. */
export const soughtCidr = network.overwrite(oneCidr).meta({ examples: ['10.0.0.0/8'] });

/** As the caller wrote it, but for a mapped network: memory and database must read it alike. */
function plainCidr(text: string): string {
  const parsed = parseCidr(text);
  return parsed === null || text.startsWith(parsed.ip) ? text : formatCidr(parsed);
}

function oneCidr(text: string): string {
  const { ip, prefixLength } = parseCidr(text) ?? { ip: text, prefixLength: 0 };
  const plain = canonicalIp(ip);
  // A wider network around the mapped addresses is one of IPv6.
  if (prefixLength === 0 || isIPv6(plain) !== isIPv6(ip)) return plainCidr(text);
  return prefixLength === (isIPv6(plain) ? 128 : 32) ? plain : `${plain}/${prefixLength}`;
}

/** Parsed to microseconds. */
export const time = z
  .string()
  .max(40)
  .transform((text, context): Micros => {
    const micros = parseTime(text);
    if (micros !== null) return micros;
    const isPlusLost = parseTime(text.replace(/ (?=\d{2}:\d{2}$)/, '+')) !== null;
    const hint = isPlusLost ? ': in a URL its + is written %2B' : '';
    const message = `must be an RFC 3339 time such as 2026-11-24T12:00:00Z${hint}`;
    return refused(context, text, message);
  })
  .meta({ format: 'date-time', examples: ['2026-11-24T12:00:00Z'] });

const namePattern = /^[a-zA-Z][a-zA-Z0-9._-]{0,62}$/;

/** A name starts with a letter, so that it is never taken for an id, and needs no escape in a URL. */
export const name = z.string().regex(namePattern, {
  error:
    'must start with a letter and hold at most 63 letters, digits, dots, dashes or underscores',
});

/** A listener as a caller names it. */
export const idOrName = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/, { error: 'must be an id or a name' })
  .transform((text) => uuid.safeParse(text).data ?? text)
  .meta({ examples: ['tour'] });

/** A node as a caller names it: the id of a built-in one is its operator's choice. */
export const nodeIdOrName = z
  .string()
  .regex(/^[a-zA-Z0-9._-]{1,64}$/, { error: 'must be the id or name of a node' })
  .transform((text) => uuid.safeParse(text).data ?? text)
  .meta({ examples: ['dmz-1'] });

const labelKeyPattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9._/-]{0,61}[a-zA-Z0-9])?$/;

export const labelKey = z.string().regex(labelKeyPattern, {
  error: 'a label key holds 1 to 63 letters, digits, dots, dashes, slashes or underscores',
});

/** Half of a character, which no UTF-8 has, can be neither sent nor stored. */
export const isWhole = (text: string): boolean => text.isWellFormed();

/** A control character is a mistake. Said as no pattern, since languages differ in what `\p{Cc}` is. */
export function printable(max: number, what = 'it') {
  return z
    .string()
    .max(max, { error: `${what} holds at most ${max} characters` })
    .refine((text) => isWhole(text) && !/\p{Cc}/u.test(text), {
      error: `${what} holds no control characters`,
    });
}

export const labelValue = printable(255, 'a label value');

export function labels(max: number) {
  return record(labelKey, labelValue, max).meta({ examples: [{ env: 'ci', team: 'net' }] });
}
