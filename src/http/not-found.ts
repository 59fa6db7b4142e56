/** What is answered where no route is: 405 where the path has other methods, else 404. */
import { AppError } from '../core/errors.ts';
import type { HttpApp } from './edge.ts';
import { refusedPart } from './problem.ts';

interface Route {
  readonly pattern: RegExp;
  readonly methods: readonly string[];
}

/** Before the routes are added, which it listens for. */
export function refuseUnknownRoutes(app: HttpApp): void {
  const routes: Route[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    routes.push({ pattern: urlPattern(url), methods: [method].flat() });
  });
  // The router takes nothing for an id, too: `/v1/listeners/` is no listener's.
  app.addHook('onRequest', ({ params, url }, _, done) => {
    const isEmpty = ([name, value]: [string, unknown]) => name !== '*' && value === '';
    if (Object.entries(params ?? {}).some(isEmpty)) throw notThere(url);
    done();
  });
  app.setNotFoundHandler(({ method, url }) => {
    const [path = ''] = url.split('?');
    const found = routes.filter(({ pattern }) => pattern.test(path));
    const taken = [...new Set(found.flatMap(({ methods }) => methods))].sort();
    if (taken.length === 0 || taken.includes(method)) throw notThere(url);
    const allow = taken.join(', ');
    const message = `${method} is not for this path, which takes ${allow}`;
    throw refusedPart(405, 'method', message, { allow });
  });
}

function notThere(url: string): AppError {
  return new AppError('not_found', `there is no ${url.split('?')[0]}`);
}

/** A route's URL as find-my-way reads it: `:name` is a part of the path, `::` a colon, `*` anything. */
function urlPattern(url: string): RegExp {
  const source = url.replace(/::|:\w+(?:\([^)]*\))?|\*|[.+?^${}()|[\]\\]/g, (part) => {
    if (part === '::') return ':';
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/:]+' : `\\${part}`;
  });
  return new RegExp(`^${source}$`);
}
