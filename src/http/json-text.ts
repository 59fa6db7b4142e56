import type { FastifyReply } from 'fastify';
import type { PageInPieces } from '../core/page.ts';

const jsonType = 'application/json; charset=utf-8';

/** JSON as it is sent: it ends with a newline, so that a terminal's prompt stands below it. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

type Members = Readonly<Record<string, string | null>>;

/** JSON as the texts that it is made of. */
export type JsonParts = readonly string[];

/**
 * Items under a name, and what follows them: what the pieces return in the end, else what is given. Each piece is joined as
 * soon as it is made: V8 keeps a text that grows as the pieces that it was made of, and to put a thousand items together
 * in the end cost more than to make them. Texts, and not bytes: these lie outside of V8's heap, and a few pages of them
 * make it collect all of its garbage.
 */
export async function listParts<Item>(
  name: string,
  pieces: PageInPieces<Item, Members | null>,
  json: (item: Item) => string,
  given: Members = {},
): Promise<JsonParts> {
  const parts = [`{"${name}":[`];
  // What waits here for the next piece would keep the one before.
  const takeNext = async (): Promise<Members | null> => {
    const { done, value } = await pieces.next();
    if (done === true) return value ?? given;
    if (value.length > 0 && parts.length > 1) parts.push(',');
    if (value.length > 0) parts.push(value.map(json).join(','));
    return null;
  };
  let end = await takeNext();
  while (end === null) end = await takeNext();
  parts.push(`]${membersText(end)}}`);
  return parts;
}

function membersText({ nextPageToken = null, ...rest }: Members): string {
  const said = Object.entries({ ...(nextPageToken !== null && { nextPageToken }), ...rest });
  return said.map(([key, value]) => `,"${key}":${JSON.stringify(value)}`).join('');
}

/** Null is an answer without a body. */
export function sendJson(reply: FastifyReply, body: string | JsonParts | null): FastifyReply {
  if (body === null) return reply.send();
  const text = typeof body === 'string' ? `${body}\n` : [...body, '\n'].join('');
  return reply.type(jsonType).send(text);
}
