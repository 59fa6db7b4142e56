/**
 * Where the API page and its document are. What makes them is loaded when they are first asked for, since few starts need
 * it; and each part is made once, since anybody may ask for it as often as they like.
 */
import type { HttpApp } from './edge.ts';
import { type Encoded, encode, sendEncoded } from './encoded.ts';

/** Nothing is made for another way to write one of these, of which there would be no end. */
const partPath = /^\/(?:openapi\.json|docs(?:\/(?:json|yaml|static\/[\w-][\w.-]*)?)?)$/;
/** The best one takes ten times as long for the largest part, and saves a tenth of it. */
const brotliQuality = 9;

interface Part extends Encoded {
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function docsPage(app: HttpApp, version: string, addRoutes: (app: HttpApp) => void): void {
  let loaded: Promise<HttpApp> | null = null;
  const load = async () => {
    try {
      const { docsApp } = await import('./docs-app.ts');
      return await docsApp(version, addRoutes);
    } catch (error) {
      loaded = null;
      throw error;
    }
  };
  const parts = new Map<string, Promise<Part | null>>();
  const make = async (path: string) => {
    let part: Part | null = null;
    try {
      loaded ??= load();
      part = await partOf(await loaded, path);
      return part;
    } finally {
      // There are only so many, but no end of what there is not.
      if (part === null) parts.delete(path);
    }
  };
  for (const url of ['/docs', '/docs/*', '/openapi.json']) {
    app.route({
      method: 'GET',
      url,
      async handler(request, reply) {
        const [path = ''] = request.url.split('?');
        if (!partPath.test(path)) return reply.callNotFound();
        const making = parts.get(path) ?? make(path);
        parts.set(path, making);
        const part = await making;
        if (part === null) return reply.callNotFound();
        reply.headers(part.headers);
        return sendEncoded(request, reply, part.type, part);
      },
    });
  }
  app.addHook('onClose', async () => {
    // That it could not be loaded was told to whoever asked for it.
    const docs = await loaded?.catch(() => null);
    await docs?.close();
  });
}

/** Null where there is no such part. */
async function partOf(docs: HttpApp, path: string): Promise<Part | null> {
  const { statusCode, headers, rawPayload } = await docs.inject(path);
  if (statusCode >= 500) throw new Error(`${path} is answered with ${statusCode}`);
  if (statusCode !== 200) return null;
  const { 'content-type': type = 'application/octet-stream', 'content-security-policy': policy } =
    headers;
  const ownHeaders: Part['headers'] =
    policy === undefined ? {} : { 'content-security-policy': `${policy}` };
  return { type, headers: ownHeaders, ...(await encode(rawPayload, brotliQuality)) };
}
