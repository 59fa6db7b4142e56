import type { FastifyReply } from 'fastify';

const jsonType = 'application/json; charset=utf-8';

/** JSON as it is sent: it ends with a newline, so that a terminal's prompt stands below it. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/**
 * Items under a name, and what follows them. A piece of them becomes bytes as soon as it is made: V8 keeps a text that grows
 * as the pieces that it was made of, and to put a thousand items together in the end cost more than to make them.
 */
export async function listBytes<Item>(
  name: string,
  pieces: AsyncIterable<readonly Item[]>,
  json: (item: Item) => string,
  { nextPageToken = null, ...rest }: Readonly<Record<string, string | null>> = {},
): Promise<Buffer> {
  const said = Object.entries({ ...(nextPageToken !== null && { nextPageToken }), ...rest });
  const members = said.map(([key, value]) => `,"${key}":${JSON.stringify(value)}`).join('');
  const parts = [Buffer.from(`{"${name}":[`)];
  for await (const items of pieces) {
    const separator = parts.length > 1 && items.length > 0 ? ',' : '';
    parts.push(Buffer.from(separator + items.map(json).join(',')));
  }
  return Buffer.concat([...parts, Buffer.from(`]${members}}\n`)]);
}

/** Text without its newline, bytes with theirs; null is an answer without a body. */
export function sendJson(reply: FastifyReply, body: string | Buffer | null): FastifyReply {
  if (body === null) return reply.send();
  return reply.type(jsonType).send(typeof body === 'string' ? `${body}\n` : body);
}
