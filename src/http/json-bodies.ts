/**
 * Bodies are JSON and say so: a web page can not send that to another site without asking, and nothing
 * else is ever guessed at.
 */
import type { FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';
import type { HttpApp } from './edge.ts';
import { refusedPart } from './problem.ts';

const mergePatch = 'application/merge-patch+json';

export function jsonBodies(app: HttpApp): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ['application/json', mergePatch],
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      const isPatchType = request.headers['content-type']?.toLowerCase().startsWith(mergePatch);
      if (isPatchType === true && request.method !== 'PATCH') {
        const message = `${mergePatch} is for PATCH; send application/json`;
        throw refusedPart(415, 'content-type', message);
      }
      return body.length === 0 ? undefined : parseJson(body);
    },
  );
  // No body at all asks for all the defaults.
  app.addHook('preValidation', async (request) => {
    const takesBody = request.method === 'POST' || request.method === 'PATCH';
    if (takesBody && request.body === undefined) request.body = {};
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A field of any name, `__proto__` too, is an ordinary one here: the schemas refuse it by its name. */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(body));
  } catch (cause) {
    const message = 'the body is not valid JSON in UTF-8';
    throw new AppError('invalid_argument', message, { cause, errors: [{ path: '', message }] });
  }
}
