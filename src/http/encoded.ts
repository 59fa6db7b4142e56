/** What is the same for all who ask: made once, in each coding, and told as unchanged to those who have it. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Coding, preferredCoding, varyBy } from './accept.ts';

export interface Encoded {
  readonly etag: string;
  readonly bodies: Readonly<Record<Coding, Buffer>>;
}

export async function encode(
  identity: Buffer,
  brotliQuality: number = constants.BROTLI_MAX_QUALITY,
): Promise<Encoded> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: brotliQuality };
  const [br, zipped] = await Promise.all([
    promisify(brotliCompress)(identity, { params }),
    promisify(gzip)(identity, { level: constants.Z_BEST_COMPRESSION }),
  ]);
  const etag = createHash('sha256').update(identity).digest('base64url').slice(0, 22);
  return { etag, bodies: { br, gzip: zipped, identity } };
}

/** A weak tag, since all codings of a text are the same to its reader (RFC 9110, 8.8.1). */
export function sendEncoded(
  request: FastifyRequest,
  reply: FastifyReply,
  type: string,
  encoded: Encoded,
): FastifyReply {
  const tag = `W/"${encoded.etag}"`;
  reply.headers({ 'cache-control': 'no-cache', etag: tag });
  varyBy(reply, 'accept-encoding');
  const known = request.headers['if-none-match'];
  const isKnown = known?.split(',').some((one) => ['*', tag].includes(one.trim()));
  if (isKnown) return reply.code(304).send();
  const coding = preferredCoding(request.headers['accept-encoding']);
  if (coding !== 'identity') reply.header('content-encoding', coding);
  return reply.type(type).send(encoded.bodies[coding]);
}
