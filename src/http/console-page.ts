/**
 * The console: one page under all its URLs, a script and a style, as `npm run generate` made them. They hold no data, so
 * they are open to whoever may speak to this edge; what they show they ask the API for, as any other client does.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HttpApp } from './edge.ts';
import { type Encoded, encode, sendEncoded } from './encoded.ts';

const folder = join(import.meta.dirname, '../../generated/console');

/** Nothing inline and nothing of another origin; and no text becomes markup, script or a frame of somebody's. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

interface ServedFile {
  readonly urls: readonly string[];
  readonly name: string;
  readonly type: string;
}

const files: readonly ServedFile[] = [
  {
    urls: [
      ...['/', '/connections', '/connections/:id', '/keys', '/listeners', '/listeners/:name'],
      '/nodes',
    ],
    name: 'index.html',
    type: 'text/html; charset=utf-8',
  },
  script('console.js'),
  script('console-shared.js'),
  // What the page loads when it is first shown.
  script('console-connections-page.js'),
  script('console-create-dialog.js'),
  script('console-faults.js'),
  script('console-keys-page.js'),
  script('console-listener-page.js'),
  script('console-listeners-page.js'),
  script('console-nodes-page.js'),
  script('console-session-dialog.js'),
  script('console-words-japanese.js'),
  { urls: ['/console.css'], name: 'console.css', type: 'text/css; charset=utf-8' },
];

function script(name: string): ServedFile {
  return { urls: [`/${name}`], name, type: 'text/javascript; charset=utf-8' };
}

/** The URLs that need no token. */
export const consoleUrls: ReadonlySet<string> = new Set(files.flatMap(({ urls }) => urls));

export function consolePage(app: HttpApp): void {
  for (const file of files) {
    // Read at its first use: no start waits for it.
    let read: Promise<Encoded> | undefined;
    const readAgain = (error: unknown): never => {
      read = undefined;
      throw error;
    };
    for (const url of file.urls) {
      app.route({
        method: 'GET',
        url,
        schema: { hide: true },
        async handler(request, reply) {
          read ??= readFile(join(folder, file.name))
            .then((text) => encode(text))
            .catch(readAgain);
          const encoded = await read;
          reply.header('content-security-policy', contentSecurityPolicy);
          return sendEncoded(request, reply, file.type, encoded);
        },
      });
    }
  }
}
