/** Content negotiation (RFC 9110, 12.5). */
import type { FastifyReply } from 'fastify';

interface Range {
  readonly type: string;
  readonly quality: number;
}

/**
 * The one of the types offered that the header wants most. What the header names comes before what it only allows, as
 * in `text/event-stream, *\/*`; then what it names first, then what is offered first. Where the header wants none of
 * them the answer is the first of all, since a header may be passed over.
 */
export function preferredType<Type extends string>(
  accept: string | undefined,
  offered: readonly [Type, ...Type[]],
): Type {
  const ranges = (accept ?? '').split(',').map(parseRange);
  const ranked = offered
    .map((type) => {
      const place = ranges.findIndex((range) => range.type === type);
      const wide = [`${type.split('/')[0]}/*`, '*/*']
        .map((name) => ranges.find((range) => range.type === name))
        .find((range) => range !== undefined);
      const quality = (ranges[place] ?? wide)?.quality ?? 0;
      return { type, quality, place: place === -1 ? ranges.length : place };
    })
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality || a.place - b.place);
  return ranked[0]?.type ?? offered[0];
}

/** What an answer may be compressed with, the smallest first. */
const codings = ['br', 'gzip'] as const;
export type Coding = (typeof codings)[number] | 'identity';

/** The smallest of what the header wants most (RFC 9110, 12.5.3); as it is, where the header wants nothing else. */
export function preferredCoding(acceptEncoding: string | undefined): Coding {
  const ranges = (acceptEncoding ?? '').split(',').map(parseRange);
  const [best] = codings
    .map((coding) => {
      const range = [coding, '*'].map((name) => ranges.find(({ type }) => type === name));
      return { coding, quality: range.find((one) => one !== undefined)?.quality ?? 0 };
    })
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality);
  return best?.coding ?? 'identity';
}

function parseRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const quality = parameters.find((parameter) => parameter.startsWith('q='));
  return { type, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 };
}

/** A cache is to know that the answer goes by this header of the request, beside others. */
export function varyBy(reply: FastifyReply, header: string): void {
  const others = reply.getHeader('vary');
  reply.header('vary', others === undefined ? header : `${others}, ${header}`);
}
