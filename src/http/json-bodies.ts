/**
 * Bodies are JSON and say so: a web page can not send that to another site without asking, and nothing
 * else is ever guessed at.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { invalidFields, parse, read, shorten } from '../api/parse.ts';
import { AppError, type FieldError, invalidField } from '../core/errors.ts';
import type { HttpApp, HttpLimits } from './edge.ts';
import { excessOf, type JsonBounds } from './json-excess.ts';
import { repeatedField } from './json-repeats.ts';
import { refusedPart } from './problem.ts';
import type { Traffic } from './traffic.ts';

const mergePatch = 'application/merge-patch+json';

/** A body that holds more than is read of any. Its beginning may show why: what is wrong there is told, too. */
class CutBody {
  readonly beginning: unknown;
  readonly fault: FieldError;

  constructor(beginning: unknown, fault: FieldError) {
    this.beginning = beginning;
    this.fault = fault;
  }
}

export function jsonBodies(app: HttpApp, traffic: Traffic): void {
  app.removeAllContentTypeParsers();
  // Every type: an empty body is one whatever its type, and each refusal is in our words. What it says costs more than to
  // take it: that is looked at once its caller is known to be allowed, and within its rate.
  app.addContentTypeParser('*', (request: FastifyRequest, payload: IncomingMessage) =>
    traffic.readBody(request, payload),
  );
  // What a GET asks for in a body is refused as that of any call which takes none.
  for (const method of ['GET', 'HEAD']) {
    app.addHttpMethod(method, { hasBody: true, overrideExisting: true });
  }
  // Nothing takes it: without a type fastify would refuse it as a body, before its path.
  app.addHttpMethod('QUERY', { hasBody: false, overrideExisting: true });
  app.addHook('onRequest', async ({ headers }) => {
    // fastify refuses a type that is none before it looks for a body.
    const { 'content-length': length = '0', 'transfer-encoding': coding } = headers;
    if (length === '0' && coding === undefined) delete headers['content-type'];
  });
}

/** What it says, undefined where there is none; of POST and PATCH no body at all asks for all the defaults. */
function jsonBody(request: FastifyRequest, limits: HttpLimits): unknown {
  const { body, method } = request;
  if (Buffer.isBuffer(body) && body.length > 0) {
    checkType(request);
    const { bodyDepthMax: depthMax, bodyPartsMax: partsMax, bodyEntriesMax: entriesMax } = limits;
    return parseJson(body, { depthMax, partsMax, entriesMax });
  }
  return method === 'POST' || method === 'PATCH' ? {} : undefined;
}

interface BodyOptions<Schema extends z.ZodType> {
  /** Undefined where no body is taken: one that is there must be JSON all the same, and ask for nothing. */
  readonly schema: Schema | undefined;
  /** What the query takes, and a body by mistake. */
  readonly query: z.ZodObject;
  /** As of parse. */
  readonly fixed: readonly string[];
  readonly limits: HttpLimits;
}

/** The body of a request as its schema leaves it. @throws invalid_argument, and HttpError 415 */
export function readBody<Schema extends z.ZodType>(
  request: FastifyRequest,
  { schema, query, fixed, limits }: BodyOptions<Schema>,
): z.output<Schema> {
  const body = jsonBody(request, limits);
  if (schema === undefined) {
    refuseFields(body, query);
    return undefined as z.output<Schema>;
  }
  if (!(body instanceof CutBody)) return parse(schema, body, fixed);
  const result = read(schema, body.beginning, fixed);
  throw invalidFields('errors' in result ? result.errors : [], [body.fault]);
}

const noFields = z.strictObject({});

/** What it asks for would not be done, and its caller would not know. Some clients send null for no body. */
function refuseFields(body: unknown, query: z.ZodObject): void {
  if (body === undefined || body === null) return;
  const isCut = body instanceof CutBody;
  const result = read(noFields, isCut ? body.beginning : body);
  const errors = 'errors' in result ? result.errors : [];
  const told = errors.map(({ path, message }) =>
    Object.hasOwn(query.shape, path)
      ? { path, message: `${message}; send it in the query, as ?${path}=` }
      : { path, message },
  );
  if (told.length > 0 || isCut) throw invalidFields(told, isCut ? [body.fault] : []);
}

/** @throws HttpError 415 for what is not plain JSON (RFC 9110, 15.5.16) */
function checkType({ headers, method, mediaType }: FastifyRequest): void {
  const { 'content-encoding': encoding = 'identity', 'transfer-encoding': coding = 'chunked' } =
    headers;
  if (encoding.toLowerCase() !== 'identity') {
    const message = 'a body is taken as it is, without an encoding';
    throw refusedPart(415, 'content-encoding', message, { 'accept-encoding': 'identity' });
  }
  // A coding of the message on its way (RFC 9112, 6.1), of which Node takes away only the chunks.
  if (coding.toLowerCase() !== 'chunked') {
    throw refusedPart(415, 'transfer-encoding', 'a body is taken as it is, or chunked');
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
function parseJson(body: Buffer, bounds: JsonBounds): unknown {
  const excess = excessOf(body, bounds);
  if (excess === null) return parseOnce(body);
  const message = excessWords[excess.bound](bounds[excess.bound]);
  if (excess.bound === 'depthMax') throw refusedPart(400, '', message);
  return new CutBody(parseWhole(excess.beginning), { path: '', message });
}

const excessWords: Readonly<Record<keyof JsonBounds, (max: number) => string>> = {
  depthMax: (max) => `the body is nested deeper than ${max}`,
  partsMax: (max) => `the body holds more than ${max} objects, lists and fields`,
  entriesMax: (max) => `an object or list in the body holds more than ${max} entries`,
};

/** @throws invalid_argument for a field that stands twice in an object */
function parseOnce(body: Buffer): unknown {
  const value = parseWhole(body);
  const path = repeatedField(body, value);
  if (path !== null) throw invalidField(shorten(path), 'is given more than once');
  return value;
}

function parseWhole(json: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(json));
  } catch (cause) {
    const message = 'the body is not valid JSON in UTF-8';
    throw new AppError('invalid_argument', message, { cause, errors: [{ path: '', message }] });
  }
}
