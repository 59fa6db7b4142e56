/**
 * Bodies are JSON and say so: a web page can not send that to another site without asking, and nothing
 * else is ever guessed at.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';
import type { HttpApp } from './edge.ts';
import { isDeeper } from './json-depth.ts';
import { refusedPart } from './problem.ts';
import type { Traffic } from './traffic.ts';

const mergePatch = 'application/merge-patch+json';

export function jsonBodies(app: HttpApp, traffic: Traffic, depthMax: number): void {
  app.removeAllContentTypeParsers();
  // Every type: an empty body is one whatever its type, and each refusal is in our words.
  app.addContentTypeParser(
    '*',
    async (request: FastifyRequest, payload: IncomingMessage) =>
      await traffic.readBody(request, payload, (body) => {
        if (body.length === 0) return undefined;
        checkType(request);
        return parseJson(body, depthMax);
      }),
  );
  app.addHook('onRequest', async ({ headers }) => {
    // fastify refuses a type that is none before it looks for a body.
    if (headers['content-length'] === '0') delete headers['content-type'];
  });
  // No body at all asks for all the defaults.
  app.addHook('preValidation', async (request) => {
    const takesBody = request.method === 'POST' || request.method === 'PATCH';
    if (takesBody && request.body === undefined) request.body = {};
  });
}

/** @throws HttpError 415 for what is not plain JSON (RFC 9110, 15.5.16) */
function checkType({ headers, method, mediaType }: FastifyRequest): void {
  const { 'content-encoding': encoding = 'identity' } = headers;
  if (encoding.toLowerCase() !== 'identity') {
    const message = 'a body is taken as it is, without an encoding';
    throw refusedPart(415, 'content-encoding', message, { 'accept-encoding': 'identity' });
  }
  const isPatch = mediaType === mergePatch;
  if (isPatch && method !== 'PATCH') {
    throw refusedPart(415, 'content-type', `${mergePatch} is for PATCH; send application/json`);
  }
  if (!isPatch && mediaType !== 'application/json') {
    throw refusedPart(415, 'content-type', 'a body must be application/json');
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A field of any name, `__proto__` too, is an ordinary one here: the schemas refuse it by its name. */
function parseJson(body: Buffer, depthMax: number): unknown {
  if (isDeeper(body, depthMax))
    throw refusedPart(400, '', `the body is nested deeper than ${depthMax}`);
  try {
    return JSON.parse(utf8.decode(body));
  } catch (cause) {
    const message = 'the body is not valid JSON in UTF-8';
    throw new AppError('invalid_argument', message, { cause, errors: [{ path: '', message }] });
  }
}
