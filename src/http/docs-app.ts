/**
 * The OpenAPI document, made of the routes' own schemas, and the page that shows it: an app beside that of the edge, which
 * serves nobody by itself.
 */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { fastify } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { HttpApp } from './edge.ts';
import { jsonText } from './json-text.ts';
import { compilersFactory } from './no-compilers.ts';
import { tidyDocument } from './tidy-document.ts';

/** Everything from this server, nothing inline but styles, and in nobody's frame. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** As swagger-client has it. */
interface PageRequest {
  url?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/**
 * The page shows an answer once it is whole, so there a stream is of the newest events, and ends. The page gets this
 * function as text: it may name nothing but its argument and what browsers have.
 */
function endStream(request: PageRequest): PageRequest {
  const { url: text = '', headers = {} } = request;
  if (!/event-stream|ndjson/.test(headers.accept ?? headers.Accept ?? '')) return request;
  const url = new URL(text);
  const starts = ['afterSeq', 'since', 'last', 'fromNow'];
  if (!starts.some((name) => url.searchParams.has(name))) url.searchParams.set('last', '20');
  url.searchParams.set('endAtHead', 'true');
  request.url = url.href;
  return request;
}

/** With the routes of an edge, of which it calls no handler. Its document is there once it is ready. */
export async function docsApp(
  version: string,
  addRoutes: (app: HttpApp) => void,
): Promise<HttpApp> {
  const app: HttpApp = fastify({ schemaController: { compilersFactory } });
  app.setValidatorCompiler(() => (value) => ({ value }));
  app.setSerializerCompiler(() => jsonText);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'kodama',
        version,
        description:
          'Opens echo listeners, records every connection that they accept, and streams every step of their lives.',
        contact: { name: 'The kodama project' },
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      security: [{ bearer: [] }, {}],
      tags: [
        { name: 'Listeners', description: 'Echo servers, each bound to an address.' },
        { name: 'Connections', description: 'Accepted sockets, live and past.' },
        { name: 'Events', description: 'The one log of all that happened.' },
        { name: 'Projects', description: 'Whose things are, and what each may have.' },
        { name: 'Keys', description: 'Who may call, and for what.' },
        { name: 'Nodes', description: 'What holds echo sockets, and how more of them join.' },
        { name: 'Audit', description: 'Who changed what.' },
        { name: 'Status', description: 'How the node is.' },
      ],
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description:
              'A key, or the KODAMA_API_TOKEN that the server was started with; without that token it wants neither.',
          },
        },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => tidyDocument(jsonSchemaTransformObject(document)),
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: contentSecurityPolicy,
    theme: { title: 'kodama API' },
    uiConfig: {
      layout: 'BaseLayout',
      defaultModelsExpandDepth: 0,
      displayRequestDuration: true,
      tryItOutEnabled: true,
      requestInterceptor: endStream,
    },
  });
  app.route({
    method: 'GET',
    url: '/openapi.json',
    schema: { hide: true },
    handler: (_, reply) => reply.type('application/json').send(jsonText(app.swagger())),
  });
  // No guard stands before them here, and `/docs/../v1/status` comes to one of them.
  app.addHook('onRoute', (route) => {
    route.handler = (_, reply) => reply.callNotFound();
  });
  addRoutes(app);
  await app.ready();
  return app;
}
