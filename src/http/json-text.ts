import type { FastifyReply } from 'fastify';
import type { Pace } from '../api/long-pages.ts';
import type { PageInPieces } from '../core/page.ts';
import { PartedText } from './parted-text.ts';

const jsonType = 'application/json; charset=utf-8';

/** JSON as it is sent: it ends with a newline, so that a terminal's prompt stands below it. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

type Members = Readonly<Record<string, string | readonly string[] | null>>;

/** JSON as the texts that it is made of: one for each piece, and what follows them. */
export type JsonParts = readonly string[];

/**
 * Items under a name, and what follows them: what the pieces return in the end, else what is given. Each piece is joined as
 * soon as it is made: V8 keeps a text that grows as the pieces that it was made of. Texts, and not bytes: these lie outside
 * of V8's heap, and a few pages of them make it collect all of its garbage.
 */
export async function listParts<Item>(
  name: string,
  pieces: PageInPieces<Item, Members | null>,
  json: (item: Item) => string,
  given: Members = {},
): Promise<JsonParts> {
  const parts: string[] = [];
  let before = `{"${name}":[`;
  // What waits here for the next piece would keep the one before.
  const takeNext = async (): Promise<Members | null> => {
    const { done, value } = await pieces.next();
    if (done === true) return value ?? given;
    const [first, ...others] = value.map(json);
    if (first === undefined) return null;
    parts.push([before + first, ...others].join(','));
    before = ',';
    return null;
  };
  let end = await takeNext();
  while (end === null) end = await takeNext();
  parts.push(`${parts.length === 0 ? before : ''}]${membersText(end)}}\n`);
  return parts;
}

function membersText({ nextPageToken = null, ...rest }: Members): string {
  const said = Object.entries({ ...(nextPageToken !== null && { nextPageToken }), ...rest });
  return said.map(([key, value]) => `,"${key}":${JSON.stringify(value)}`).join('');
}

/** Null is an answer without a body. What is long is sent as the pace has it. */
export function sendJson(
  reply: FastifyReply,
  body: string | JsonParts | null,
  { turn }: Pick<Pace, 'turn'>,
): FastifyReply {
  if (body === null) return reply.send();
  reply.type(jsonType);
  if (typeof body === 'string') return reply.send(`${body}\n`);
  if (turn === null || body.length <= onePiece) return reply.send(body.join(''));
  const text = new PartedText(body, turn);
  return reply.header('content-length', text.bytes).send(text);
}

/** With what follows it. */
const onePiece = 2;
