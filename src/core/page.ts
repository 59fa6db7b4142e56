/**
 * Keyset pages: a token holds the key of the last item and is bound to the query that made it, so that a page
 * never skips or repeats because rows came or went, and a token of another query is refused.
 */
import { createHash } from 'node:crypto';
import { invalidField } from './errors.ts';

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Null at the end. */
  readonly nextPageToken: string | null;
}

/** What every list call takes. `after` is the key of the last item already seen. */
export interface PageRequest {
  readonly pageSize: number;
  readonly after: string | null;
}

function fingerprint(query: object): string {
  const entries = Object.entries(query).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('base64url').slice(0, 12);
}

/** Makes the opaque token for what comes after `key` in the results of `query`. */
export function pageToken(key: string, query: object): string {
  return Buffer.from(`${fingerprint(query)}:${key}`).toString('base64url');
}

/**
 * The key that a token holds; null for an absent token.
 * @throws invalid_argument for a token of another query, or of nobody's
 */
export function pageKey(token: string | null, query: object): string | null {
  if (token === null || token === '') return null;
  const text = Buffer.from(token, 'base64url').toString();
  const colon = text.indexOf(':');
  if (colon !== 12) throw invalidField('pageToken', 'is not a token of this API');
  if (text.slice(0, colon) !== fingerprint(query)) {
    throw invalidField('pageToken', 'belongs to a list with other filters');
  }
  return text.slice(colon + 1);
}
