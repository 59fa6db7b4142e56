/** The REST edge as a fastify app: what holds for every request, and the routes. */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import {
  type ConnectionError,
  type FastifyBaseLogger,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify';
import { FailureLog } from '../api/failure-log.ts';
import { ReplayedError } from '../api/idempotency.ts';
import { identify, loggedCaller, projectHeader } from '../api/keys.ts';
import { invalidField } from '../core/errors.ts';
import type { EdgeTls } from '../edge-sockets/edge-tls.ts';
import { type Forwarding, sourceIpBy } from '../edge-sockets/source-ip.ts';
import { apiRoutes } from './api-routes.ts';
import { consolePage, consoleUrls } from './console-page.ts';
import { answerPreflight, isPreflight, markForPages } from './cors.ts';
import { docsPage } from './docs-page.ts';
import type { Edge, HttpApp } from './edge.ts';
import { checkHost, checkOrigin, checkSingleHeaders } from './guards.ts';
import { failedRequest } from './http-caller.ts';
import { jsonBodies } from './json-bodies.ts';
import { jsonText } from './json-text.ts';
import { compilersFactory } from './no-compilers.ts';
import { type NodeServer, nodeServer } from './node-server.ts';
import { refuseUnknownRoutes } from './not-found.ts';
import type { OpenConnections } from './open-connections.ts';
import { isInternal, parserError, problemType, refusedPart, toProblemAnswer } from './problem.ts';
import { parseRawQuery } from './query.ts';
import { Traffic } from './traffic.ts';

export interface HttpAppOptions extends Omit<Edge, 'failures'> {
  readonly version: string;
  /** Anybody may read them; else who has the scope. */
  readonly isMetricsOpen: boolean;
  /** Beside those of loopback; null: any host is. */
  readonly allowedHosts: readonly string[] | null;
  readonly forwarding: Forwarding;
  /** Null: the edge speaks plain HTTP. */
  readonly tls: EdgeTls | null;
  /** Other origins whose pages may call. */
  readonly corsOrigins: readonly string[];
}

const paramCharsMax = 256;
/** A load balancer may ask for these under any host name. */
const probePaths = new Set(['/healthz', '/readyz']);
/** The API page and its document hold nothing that is not public. */
const publicPath = /^\/(?:docs(?:\/.*)?|openapi\.json)$/;

const headers = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export interface ReadyApp extends Pick<NodeServer, 'connections' | 'handshakes'> {
  readonly app: HttpApp;
}

export async function httpApp(options: HttpAppOptions): Promise<ReadyApp> {
  const { limits } = options;
  const { server, connections, handshakes } = nodeServer(limits, options.tls);
  const origins = new Set(options.corsOrigins);
  const app: HttpApp = fastify({
    // Of fastify's own lines only those that tell of trouble; a request's line is ours.
    loggerInstance: options.logger.child({}, { level: quieter(options.logger.level) }),
    logController: new LogController({ disableRequestLogging: true }),
    // One for each request would cost it some 5 µs: the lines that tell of one name its id themselves.
    childLoggerFactory: (logger) => logger,
    // A request that still arrives while the server closes is answered like any other.
    return503OnClosing: false,
    genReqId: () => randomUUID(),
    schemaController: { compilersFactory },
    rewriteUrl: ({ url = '' }) => withColons(url),
    bodyLimit: limits.bodyBytesMax,
    routerOptions: { maxParamLength: paramCharsMax, querystringParser: parseRawQuery },
    serverFactory: (handler) => server.on('request', handler),
    frameworkErrors(error, request, reply) {
      begin(request, reply);
      fail(error, request, reply);
    },
    clientErrorHandler: (error, socket) => refuseUnparsed(error, socket, connections),
  });
  const traffic = new Traffic(limits, connections);
  const failures = new FailureLog({ logger: options.logger, limits, isInternal });
  server.on('checkExpectation', refuseExpectation);
  // The schemas of a route are for the API page: what it takes is read once its caller is known to be allowed.
  app.setValidatorCompiler(() => (value) => ({ value }));
  app.setSerializerCompiler(() => jsonText);
  const fail = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const isLeft = reply.raw.destroyed;
    failures.tell(error, failedRequest(request, isLeft));
    return isLeft ? reply.send() : sendProblem(error, request, reply);
  };
  app.setErrorHandler(fail);
  app.addHook('onClose', async () => failures[Symbol.dispose]());
  const isTold = ['trace', 'debug'].includes(options.logger.level);
  const begin = (request: FastifyRequest, reply: FastifyReply): void => {
    connections.add(request.socket, reply.raw);
    traffic.watch(request.socket, reply.raw);
    if (isTold) reply.raw.once('close', () => logRequest(options.logger, request, reply));
    reply.headers(headers).header('x-request-id', request.id);
    markForPages(origins, request, reply);
  };
  // Hooks that wait for nothing are no promises: every request runs through several of them.
  app.addHook('onRequest', (request, reply, done) => {
    begin(request, reply);
    done();
  });
  guard(app, options, origins);
  // What is open to anybody, or does not come in whole, keeps no connection from others.
  app.addHook('preHandler', ({ identity, socket }, { raw }, done) => {
    if (identity !== null) connections.use(socket, raw);
    done();
  });
  traffic.addHooks(app);
  jsonBodies(app, traffic);
  refuseUnknownRoutes(app);
  const edge = { ...options, failures };
  apiRoutes(app, edge);
  docsPage(app, options.version, (docs) => apiRoutes(docs, edge));
  consolePage(app);
  return { app, connections, handshakes };
}

/** `%3A` in a path is a colon (RFC 3986, 3.3 and 6.2.2.2); the router would not take `:batch` for it. */
function withColons(url: string): string {
  const queryAt = url.indexOf('?');
  const path = queryAt === -1 ? url : url.slice(0, queryAt);
  return path.replaceAll(/%3a/gi, ':') + url.slice(path.length);
}

/** A log that is to be quieter than warnings stays so. */
function quieter(level: string): string {
  return ['error', 'fatal', 'silent'].includes(level) ? level : 'warn';
}

function guard(
  app: HttpApp,
  { api, allowedHosts, forwarding, isMetricsOpen }: HttpAppOptions,
  origins: ReadonlySet<string>,
): void {
  const hosts = allowedHosts === null ? null : new Set(allowedHosts);
  const sourceIp = sourceIpBy(forwarding);
  app.decorateRequest('identity', null);
  app.decorateRequest('sourceIp', null);
  app.addHook('onRequest', (request, reply, done) => {
    const { method, headers: given, raw, routeOptions } = request;
    const { url = '' } = routeOptions;
    checkSingleHeaders(raw.rawHeaders);
    if (probePaths.has(url)) return done();
    if (hosts !== null) checkHost(given.host, hosts);
    if (given.host === undefined) throw invalidField('host', 'is missing');
    checkOrigin(method, given, origins);
    if (isPreflight(origins, request)) return answerPreflight(reply);
    if (publicPath.test(url) || consoleUrls.has(url)) return done();
    if (url === '/metrics' && isMetricsOpen) return done();
    request.sourceIp = sourceIp(raw.socket.remoteAddress, () =>
      raw.headersDistinct['x-forwarded-for']?.join(),
    );
    const { authorization, [projectHeader]: project } = given;
    const shown = { authorization, project: Array.isArray(project) ? project.join() : project };
    const userAgent = given['user-agent'] ?? null;
    const call = { sourceIp: request.sourceIp, userAgent, requestId: request.id };
    const of = { ...shown, ...call, operation: operationIdOf(request) };
    return identify(api.keys, of).then((identity) => {
      request.identity = identity;
    });
  });
}

/** The routes are those of operations. */
function operationIdOf({ routeOptions: { schema } }: FastifyRequest): string | null {
  return schema !== undefined && 'operationId' in schema ? String(schema.operationId) : null;
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof ReplayedError) reply.header('idempotent-replayed', 'true');
  const { problem, headers: extra } = toProblemAnswer(error, request.id);
  // What it comes in the place of may have had others.
  for (const name of ['etag', 'content-encoding']) reply.removeHeader(name);
  reply.headers({ 'cache-control': headers['cache-control'], ...extra });
  return reply.code(problem.status).type(problemType).send(jsonText(problem));
}

/**
 * What is no HTTP has no request, so its answer is written by hand, unless another is being written. A connection that
 * broke, or its TLS, takes none.
 */
function refuseUnparsed(
  error: ConnectionError,
  socket: Socket,
  connections: OpenConnections,
): void {
  const isOfHttp = /^(HPE|ERR_HTTP)_/.test(error.code ?? '');
  if (!isOfHttp || connections.isAnswering(socket) || !socket.writable) {
    socket.destroy();
    return;
  }
  const { problem } = toProblemAnswer(parserError(error), randomUUID());
  const body = jsonText(problem);
  socket.setTimeout(refusedTimeoutMs, () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n` +
      `content-type: ${problemType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `x-request-id: ${problem.requestId}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** Whose words are no HTTP may leave the connection open after the answer to them. */
const refusedTimeoutMs = 1000;

/** Node would answer by itself, and not in our words. 100-continue it knows. */
function refuseExpectation(_: IncomingMessage, response: ServerResponse): void {
  const refused = refusedPart(417, 'expect', 'only 100-continue can be expected');
  const { problem } = toProblemAnswer(refused, randomUUID());
  response.writeHead(problem.status, {
    ...headers,
    'content-type': problemType,
    'x-request-id': problem.requestId,
    connection: 'close',
  });
  response.end(jsonText(problem));
}

/** What a call changes has a line of its own. Never a header, a query or a body: they may hold tokens, keys and names. */
function logRequest(logger: FastifyBaseLogger, request: FastifyRequest, reply: FastifyReply): void {
  logger.debug(
    {
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.raw.statusCode,
      durationMs: Math.round(reply.elapsedTime * 10) / 10,
      // What fastify refuses by itself has not been decorated.
      ...loggedCaller(request.identity ?? null),
      ...(!reply.raw.writableFinished && { isAborted: true }),
    },
    'request',
  );
}
