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

/** A page that is read while it goes to its caller: its items, piece by piece, and in the end what else it has. */
export type PageInPieces<Item, End = Omit<Page<Item>, 'items'>> = AsyncGenerator<
  readonly Item[],
  End,
  void
>;

/** The same, once its first piece is there. @throws what it throws before that */
export async function begun<Item, End>(
  pieces: PageInPieces<Item, End>,
): Promise<PageInPieces<Item, End>> {
  return goingOn(await pieces.next(), pieces);
}

async function* goingOn<Item, End>(
  first: IteratorResult<readonly Item[], End>,
  pieces: PageInPieces<Item, End>,
): PageInPieces<Item, End> {
  let step = first;
  for (; step.done !== true; step = await pieces.next()) yield step.value;
  return step.value;
}

/** What every list call takes. `after` is the key of the last item already seen. */
export interface PageRequest {
  readonly pageSize: number;
  readonly after: string | null;
}

/** For items that may be large: the page ends with the one with which it holds so many bytes. */
export interface SizedPageRequest extends PageRequest {
  readonly bytesMax: number;
}

export interface PageItems<Item> {
  readonly items: readonly Item[];
  /** Whether more may come after them. */
  readonly hasMore: boolean;
}

function fingerprint(query: object): string {
  const text = JSON.stringify(query, (_, value: unknown) => inOrder(value));
  return createHash('sha256').update(text).digest('base64url').slice(0, 12);
}

/** Neither the order of fields or of a list, any of which is wanted, nor what is not given makes another query. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value)].sort();
  if (typeof value !== 'object' || value === null) return value;
  const given = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
  return Object.fromEntries(given.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Makes the opaque token for what comes after `key` in the results of `query`. */
export function pageToken(key: string, query: object): string {
  return Buffer.from(`${fingerprint(query)}:${key}`).toString('base64url');
}

/** A seq with the id of its log, a project's number, or the id of anything else. */
const keyPattern =
  /^(?:\d{1,16}(?:@[\x21-\x7e]{1,128})?|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/;

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
  const key = text.slice(colon + 1);
  if (!keyPattern.test(key)) throw invalidField('pageToken', 'is not a token of this API');
  return key;
}

export interface PageAsk {
  readonly pageSize: number;
  readonly pageToken: string | null;
}

export async function listPage<Item extends { readonly id: string }>(
  query: object,
  { pageSize, pageToken: token }: PageAsk,
  read: (page: PageRequest) => Promise<PageItems<Item>>,
): Promise<Page<Item>> {
  const { items, hasMore } = await read({ pageSize, after: pageKey(token, query) });
  const last = items.at(-1);
  const hasNext = hasMore && last !== undefined;
  return { items, nextPageToken: hasNext ? pageToken(last.id, query) : null };
}

/** One more than asked for tells whether more come. */
export async function readWithNext<Item>(
  { pageSize, after }: PageRequest,
  read: (page: PageRequest) => Promise<readonly Item[]>,
): Promise<PageItems<Item>> {
  const rows = await read({ pageSize: pageSize + 1, after });
  return { items: rows.slice(0, pageSize), hasMore: rows.length > pageSize };
}
