/** Where the API page and its document are. What makes them is loaded when they are first asked for: few starts need it. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpApp } from './edge.ts';

/** Of a request: what else it says of the answer it wants, such as a part of it, is not for these. */
const askedHeaders = ['accept-encoding', 'if-none-match', 'if-modified-since'] as const;
/** What of an answer is the connection's, and none of the page's. */
const hopHeaders = new Set(['connection', 'date', 'keep-alive', 'transfer-encoding']);

export function docsPage(app: HttpApp, version: string, addRoutes: (app: HttpApp) => void): void {
  let docs: Promise<HttpApp> | null = null;
  const made = async () => {
    const { docsApp } = await import('./docs-app.ts');
    return await docsApp(version, addRoutes);
  };
  /** Each answer is in memory as a whole before it counts as one that waits: one at a time is made, whoever asks. */
  let turn: Promise<unknown> = Promise.resolve();
  const handler = async ({ url, headers: given }: FastifyRequest, reply: FastifyReply) => {
    const asked = askedHeaders.filter((name) => given[name] !== undefined);
    const headers = Object.fromEntries(asked.map((name) => [name, given[name]]));
    docs ??= made().catch((error: unknown) => {
      docs = null;
      throw error;
    });
    const page = await docs;
    const answered = turn.then(() => (reply.raw.destroyed ? null : page.inject({ url, headers })));
    turn = answered.catch(() => undefined);
    const answer = await answered;
    if (answer === null) return reply.send();
    if (answer.statusCode === 404) return reply.callNotFound();
    for (const [name, value] of Object.entries(answer.headers)) {
      if (value !== undefined && !hopHeaders.has(name)) reply.header(name, value);
    }
    // An empty body would have a type and a length, which a cache may take for those of what it has.
    return reply
      .code(answer.statusCode)
      .send(answer.statusCode === 304 ? undefined : answer.rawPayload);
  };
  for (const url of ['/docs', '/docs/*', '/openapi.json']) {
    app.route({ method: 'GET', url, handler });
  }
  app.addHook('onClose', async () => {
    await (await docs)?.close();
  });
}
